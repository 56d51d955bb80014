# SPDX-License-Identifier: Apache-2.0
"""The filters that are compared. All but the first three drop the packets of one country to one
address and port."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.daemon import Daemon
from lab.lab import Lab
from lab.namespaces import Namespace
from lab.network import INTERFACE
from lab.shell import CommandFailed, run
from pipeline.country_database import SHIFT, Prefix
from pipeline.libbpf import BpfObject, attach_xdp
from pipeline.receiver import Receiver
from pipeline.sender import MEETING_ADDRESS, MEETING_ADDRESS_TEXT, MEETING_PORT


class NotAvailable(Exception):
    """This kernel, or this machine, does not have it. The text says what was answered."""


@dataclass(frozen=True)
class Setting:
    """What filters are made from."""

    lab: Lab
    xdp_object: Path    # compiled filters.bpf.c
    database: Path      # the moved one
    prefixes: list[Prefix]
    country: str        # the blocked one

    @property
    def blocked(self) -> list[str]:
        return [prefix.moved_text for prefix in self.prefixes if prefix.country == self.country]


@dataclass(frozen=True)
class Filter:
    name: str
    bystanders_pass: bool
    targets_pass: bool
    install: Callable[[Setting, Receiver], None]


def _tool(receiver: Receiver, *words: str, text: str = "") -> None:
    """One of the system's own filters: where it refuses, it is told and not replaced."""
    try:
        run(*receiver.namespace.command(*words), text=text)
    except CommandFailed as failed:
        raise NotAvailable(str(failed).splitlines()[-1]) from failed


def _xdp(setting: Setting, receiver: Receiver, program: str, prefixes: list[Prefix]) -> None:
    loaded = BpfObject(setting.xdp_object)
    try:
        numbers = {country: number for number, country in
                   enumerate(sorted({prefix.country for prefix in prefixes}), start=1)}
        loaded.resize("countries", max(1, len(prefixes)))
        loaded.set_globals(".rodata", MEETING_ADDRESS + struct.pack(
            "=IH", numbers.get(setting.country, 0), int.from_bytes(
                struct.pack("!H", MEETING_PORT), "little")))
        loaded.load()
        if prefixes:
            loaded.fill("countries",
                        [struct.pack("=I", prefix.length + SHIFT) + prefix.moved + bytes(8)
                         for prefix in prefixes],
                        [struct.pack("=I", numbers[prefix.country]) for prefix in prefixes])
        with receiver.namespace.entered():
            attach_xdp(loaded.program(program), receiver.ifindex)
    finally:
        loaded.close()  # the interface holds the program, and the program its map


def nothing(_setting: Setting, _receiver: Receiver) -> None:
    pass


def accept_everything(setting: Setting, receiver: Receiver) -> None:
    _xdp(setting, receiver, "accept_everything", [])


def drop_everything(setting: Setting, receiver: Receiver) -> None:
    _xdp(setting, receiver, "drop_everything", [])


def lpm_xdp(setting: Setting, receiver: Receiver) -> None:
    _xdp(setting, receiver, "lpm_xdp", setting.prefixes)


def nftables(setting: Setting, receiver: Receiver) -> None:
    """At the earliest hook nftables has."""
    _tool(receiver, "nft", "--file", "-", text=f"""
table netdev bench {{
    set blocked {{
        type ipv6_addr
        flags interval
        elements = {{ {", ".join(setting.blocked)} }}
    }}
    chain ingress {{
        type filter hook ingress device "{INTERFACE}" priority filter; policy accept;
        ip6 daddr {MEETING_ADDRESS_TEXT} udp dport {MEETING_PORT} ip6 saddr @blocked drop
    }}
}}
""")


def ipset(setting: Setting, receiver: Receiver) -> None:
    """`ip6tables` is whichever the machine has; Debian's writes nftables rules."""
    blocked = setting.blocked
    _tool(receiver, "ipset", "restore", text="".join([
        f"create blocked hash:net family inet6 maxelem {len(blocked)}\n",
        *(f"add blocked {prefix}\n" for prefix in blocked)]))
    _tool(receiver, "ip6tables", "-t", "raw", "-A", "PREROUTING",
          "-d", MEETING_ADDRESS_TEXT, "-p", "udp", "--dport", str(MEETING_PORT),
          "-m", "set", "--match-set", "blocked", "src", "-j", "DROP")


@dataclass(frozen=True)
class _EdgeOnly:
    """What a daemon asks of a network."""

    edge: Namespace


def meetfence(setting: Setting, receiver: Receiver) -> None:
    daemon: Daemon = setting.lab.daemon(
        _EdgeOnly(receiver.namespace), geo={"databases": [str(setting.database)]})
    # The lab's own overrides would place its test networks.
    daemon.config["geo"]["overrides"] = {}
    daemon.write_config()
    daemon.start()
    daemon.add_meeting("bench", f"udp:[{MEETING_ADDRESS_TEXT}]:{MEETING_PORT}")
    daemon.block("bench", "--country", setting.country, "--for", "1h")


ALL = (
    Filter("accept_everything", True, True, accept_everything),
    Filter("drop_everything", False, False, drop_everything),
    Filter("nothing", True, True, nothing),
    Filter("meetfence", True, False, meetfence),
    Filter("lpm_xdp", True, False, lpm_xdp),
    Filter("nftables", True, False, nftables),
    Filter("ipset", True, False, ipset),
)
