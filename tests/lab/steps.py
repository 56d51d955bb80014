# SPDX-License-Identifier: Apache-2.0
"""What several tests do in the same words."""

import re

from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, endpoints
from lab.ice_client import shared_endpoint


def register(daemon: Daemon) -> Daemon:
    """The meetings A and B, each on a port of its own in both families and transports."""
    daemon.add_meeting("A", *endpoints(PORT_A))
    daemon.add_meeting("B", *endpoints(PORT_B))
    return daemon


def register_shared(daemon: Daemon, meetings: tuple[str, ...] = ("A", "B")) -> Daemon:
    """These meetings on one port, in both families and transports."""
    for meeting in meetings:
        daemon.add_shared(meeting, *(shared_endpoint(family, transport)
                                     for transport in ("udp", "tcp") for family in (4, 6)))
    return daemon


def refused_start(daemon: Daemon, *words: str) -> None:
    """The start fails with one error line that has these words in it, and changes nothing."""
    outcome = daemon.run_once().refused(*words)
    errors = re.findall(r"^<[0-3]>.*", outcome.stderr, re.MULTILINE)
    others = re.findall(r"^(?!<[0-7]>).*\S.*", outcome.stderr, re.MULTILINE)
    assert len(errors) == 1 and not others, f"not one error line:\n{outcome.stderr}"
    assert not daemon.xdp_attached()
    left = list(daemon.bpf_dir.rglob("*")) if daemon.bpf_dir.is_dir() else []
    assert left == [], f"left behind: {left}"
