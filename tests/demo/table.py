# SPDX-License-Identifier: Apache-2.0
"""The table of who gets through."""

from collections.abc import Mapping

from demo.terminal import Terminal
from lab.endpoints import PORT_A, PORT_B
from lab.probes import Probe

MEETINGS = {"A": PORT_A, "B": PORT_B}
WAYS = {"UDP4": ("udp", 4), "UDP6": ("udp", 6), "TCP4": ("tcp", 4), "TCP6": ("tcp", 6)}
GAP = "   "


def print_table(terminal: Terminal, seen: Mapping[Probe, bool]) -> None:
    cells = {(probe.participant.name, probe.endpoint.port, probe.endpoint.transport,
              probe.endpoint.family): passes for probe, passes in seen.items()}
    names = sorted({name for name, *_ in cells})
    ways = " ".join(f"{way:<5}" for way in WAYS)
    titles = GAP.join(f"meeting {name}".ljust(len(ways)) for name in MEETINGS)
    terminal.line(f"        {titles}".rstrip())
    terminal.line(f"  from  {GAP.join(ways for _ in MEETINGS)}".rstrip())
    for name in names:
        row = [" ".join(_word(terminal, cells[name, port, *way]) for way in WAYS.values())
               for port in MEETINGS.values()]
        terminal.line(f"  {name:<4}  {GAP.join(row)}".rstrip())


def _word(terminal: Terminal, passes: bool) -> str:
    return terminal.good("yes  ") if passes else terminal.bad("-    ")
