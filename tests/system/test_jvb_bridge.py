# SPDX-License-Identifier: Apache-2.0
"""The bridge to Jitsi Videobridge, which Debian does not have: a double answers as its public sources say. The
packets are real."""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import wait
from lab.bridge import Bridge
from lab.daemon import Daemon
from lab.ice_client import expect_in_and_out
from lab.jvb import Jvb
from lab.network import Network
from lab.paths import REPOSITORY
from lab.people import People, Person, ways_of
from lab.signals import held

CONVERGED_S = 5.0
MIRROR = REPOSITORY / "bridges" / "jvb" / "colibri-mirror.py"
MIRROR_PORT = 8081


@pytest.fixture
def make_jvb(network: Network) -> Iterator[Callable[..., Jvb]]:
    made: list[Jvb] = []

    def make(**options: Any) -> Jvb:
        made.append(Jvb(network.edge, **options))
        return made[-1].start()
    yield make
    for jvb in made:
        jvb.stop()


@pytest.fixture
def bridge(daemon: Daemon, network: Network, tmp_path) -> Iterator[Bridge]:
    """Not yet started."""
    made = Bridge(network.edge, tmp_path, "jvb", socket=str(daemon.socket_path), interval="1s")
    yield made
    made.remove()


@pytest.fixture
def crowd(people: People) -> list[Person]:
    """ann and bob of A, cyd of B; not yet handed over."""
    return [people("CN", "A", "ann"), people("US", "A", "bob"), people("CN", "B", "cyd")]


def ufrags(daemon: Daemon, meeting: str) -> dict[str, set[str]]:
    """By participant; empty where there is no such meeting."""
    answer = daemon.api("GET", f"/v1/meetings/{meeting}/participants")
    if answer.status == 404:
        return {}
    return {each["id"]: {item["ufrag"] for item in each["ufrags"]} for each in answer.json}


def converged(daemon: Daemon, *there: Person) -> None:
    """The daemon has these and nobody else, by the ufrags of now."""
    def wanted(meeting: str) -> dict[str, str]:
        return {f"jvb-{person.name}": person.transport.credentials.ufrag
                for person in there if person.meeting == meeting}

    def is_so() -> bool:
        for meeting in ("A", "B"):
            has = ufrags(daemon, meeting)
            if set(has) != set(wanted(meeting)):
                return False
            if not all(ufrag in has[name] for name, ufrag in wanted(meeting).items()):
                return False
        return True
    wait.until(is_so, CONVERGED_S, lambda: f"A {ufrags(daemon, 'A')}, B {ufrags(daemon, 'B')}")


def test_polled(daemon: Daemon, make_jvb, bridge: Bridge, crowd: list[Person]):
    ann, bob, cyd = crowd
    jvb = make_jvb()
    jvb.there = [ann, bob, cyd]
    bridge.start()
    converged(daemon, *crowd)
    expect_in_and_out(ways_of(*crowd))
    daemon.block("A", "--country", "CN")
    expect_in_and_out(ways_of(bob, cyd), ann.ways)

    # An ICE restart: she is known by both ufrags before the new one is in use.
    jvb.restarting = {"ann"}
    ann.restart()
    converged(daemon, *crowd)
    assert ufrags(daemon, "A")["jvb-ann"] == set(ann.transport.passwords)
    ann.move(4), ann.move(6)
    expect_in_and_out(ways_of(bob, cyd), ann.ways)

    # The videobridge restarts: what is bound stays, and then it is as it says.
    jvb.stop()
    bridge.until(lambda status: not status["server"]["connected"])
    assert set(ufrags(daemon, "A")) == {"jvb-ann", "jvb-bob"}
    for person in (bob, cyd):
        person.restart()
    jvb.there, jvb.restarting = [bob, cyd], set()
    jvb.start()
    converged(daemon, bob, cyd)
    assert bridge.status()["server"]["resyncs"] == 2

    # Somebody joins and somebody leaves while there is no bridge.
    bridge.kill9()
    ann.restart()
    jvb.there = [ann, bob]
    bridge.start()
    converged(daemon, ann, bob)
    ann.move(4), ann.move(6)
    expect_in_and_out(bob.ways, ann.ways)

    daemon.kill9()
    jvb.there = [ann]
    daemon.start()
    converged(daemon, ann)


def post(network: Network, port: int, method: str, path: str, body: Any) -> int:
    with network.edge.entered():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.connect()
    with connection.sock:
        connection.request(method, path, body if isinstance(body, str) else json.dumps(body))
        return connection.getresponse().status


@pytest.fixture
def mirror(network: Network, tmp_path) -> Iterator[None]:
    with held(), (tmp_path / "mirror.log").open("wb") as log:
        process = subprocess.Popen(network.edge.command(sys.executable, MIRROR, f"127.0.0.1:{MIRROR_PORT}"),
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    yield
    process.kill()
    process.wait()


def is_answered(network: Network, port: int) -> bool:
    try:
        return post(network, port, "GET", "/nothing", {}) == 404
    except OSError:
        return False


def test_forwarded(daemon: Daemon, network: Network, make_jvb, bridge: Bridge, mirror: None,
                   crowd: list[Person]):
    """By the mirror of the documentation: this videobridge shows no ufrags, but it says who is there."""
    ann, bob, _ = crowd
    jvb = make_jvb(shows_ufrags=False)
    jvb.there = [ann, bob]
    bridge.start()
    bridge.until(lambda status: status["unbound"] == {"no_ufrag": 2})
    assert ufrags(daemon, "A") == {}
    wait.until(lambda: is_answered(network, MIRROR_PORT), 10, "the mirror answers")
    path = "/colibri/v2/conferences"
    made = {"meeting-id": "A", "create": True, "endpoints": [{"id": "ann", "create": True},
                                                             {"id": "bob", "create": True}]}
    assert post(network, MIRROR_PORT, "POST", path, made) == 200
    converged(daemon, ann, bob)
    daemon.block("A", "--country", "CN")
    expect_in_and_out(bob.ways, ann.ways)

    # Whose meeting is not certain is not bound, and counted.
    endpoints = [{"id": "cyd", "transport": {"transport": {"ufrag": "abcd"}}}]
    for body in ("{", [], {"request": {}, "response": {"endpoints": endpoints}},
                 {"request": {"meeting-id": 5}, "response": {"endpoints": endpoints}}, "[" * 1_000_000):
        assert post(network, 9439, "POST", path, body) == 422
    both = {"request": {"meeting-id": "B"}, "response": {"endpoints": endpoints}}
    assert post(network, 9439, "PATCH", f"{path}/A", both) == 422
    assert bridge.status()["server"]["events_dropped"] == {"malformed": 3, "no_meeting": 3}
    assert ufrags(daemon, "B") == {}

    # Nobody says the ufrags again: the next bridge takes over what the daemon has.
    bridge.kill9()
    bridge.start()
    converged(daemon, ann, bob)
    gone = {"endpoints": [{"id": "bob", "expire": True}]}
    jvb.there = [ann]
    assert post(network, MIRROR_PORT, "PATCH", f"{path}/A", gone) == 200
    converged(daemon, ann)
    expect_in_and_out([], ann.ways)
