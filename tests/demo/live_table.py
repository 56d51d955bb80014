# SPDX-License-Identifier: Apache-2.0
"""A table that follows what happens: redrawn in place on a terminal; elsewhere, a line for each
person for whom something has changed."""

import select
import time
from collections.abc import Collection, Iterable, Iterator
from itertools import count

from demo.terminal import Terminal, promise
from lab.ice import IceServer
from lab.ice_client import IceClient
from lab.people import Person
from lab.probes import BLOCKED_S, PATIENCE_S

TICK_S = 0.1
SHOWN_S = 1.5  # for so long a scene stands at least
ACTS = ("check", "sends", "receives")
FAMILIES = (4, 6)
WIDTHS = {"check": 5, "sends": 5, "receives": 8}
GAP = "   "


class _Way:
    """What one client may do. Only what began in this scene counts."""

    def __init__(self, client: IceClient, server: IceServer, number: int):
        self.client, self._server, self._first = client, server, number
        self.started = time.monotonic()
        client.receive()  # what came before
        client.begin()

    def ask(self, number: int) -> None:
        self.client.receive()
        self.client.check()
        self.client.send_media()
        self._server.push(self.client.address, number)

    def can(self, act: str) -> bool:
        self.client.receive()
        if act == "check":
            return self.client.check_answered
        if act == "sends":
            return self._server.heard.get(self.client.address, 0) > self.client.first_number
        return any(number >= self._first for number in self.client.pushed)


class LiveTable:
    def __init__(self, terminal: Terminal, server: IceServer, people: list[Person]):
        self.verdicts = 0
        self._terminal, self._server, self._people = terminal, server, people
        self._numbers = count(1)
        self._cells: dict[tuple[str, int, str], bool | None] = {
            (person.name, family, act): None
            for person in people for family in FAMILIES for act in ACTS}
        self._printed: dict[str, str] = {}  # what stands in its place
        self._lines_up = 0  # of it that can be printed over

    def watch(self, cut_off: Collection[str]) -> None:
        """One scene: until everything is as it must be, and has been for a while."""
        started = time.monotonic()
        number = next(self._numbers)
        ways = {(person.name, family): _Way(person.clients[family], self._server, number)
                for person in self._people for family in FAMILIES}
        ready: set[tuple[str, int, str]] = set()
        while len(ready) < len(self._cells) or time.monotonic() - started < SHOWN_S:
            number = next(self._numbers)
            for way in ways.values():
                way.ask(number)
            self._listen(ways.values())
            for cell in self._cells:
                if self._settle(cell, ways[cell[:2]], cell[0] not in cut_off):
                    ready.add(cell)
            self._draw(ready)
        self.verdicts += len(ready)

    @staticmethod
    def _listen(ways: Iterable[_Way]) -> None:
        """Until the table is drawn again."""
        end = time.monotonic() + TICK_S
        by_socket = {way.client.path.socket: way for way in ways}
        while (left := end - time.monotonic()) > 0:
            for sock in select.select(by_socket, [], [], left)[0]:
                by_socket[sock].client.receive()

    def _settle(self, cell: tuple[str, int, str], way: _Way, expected: bool) -> bool:
        """Whether it is known by now; it has to be as expected."""
        passed = time.monotonic() - way.started
        can = way.can(cell[2])
        name, family, act = cell
        what = f"{name} over IPv{family}, {act}: expected that it"
        promise(expected or not can, f"{what} is blocked, seen that it gets through")
        promise(can or not expected or passed < PATIENCE_S,
                f"{what} gets through, seen that it is blocked")
        if can or (not expected and passed >= BLOCKED_S):
            self._cells[cell] = can
            return True
        return False

    def aside(self) -> None:
        """Out of the way of what is printed next; it comes back below."""
        self._terminal.over([], self._lines_up)
        self._lines_up = 0

    def _draw(self, ready: Collection[tuple[str, int, str]]) -> None:
        if self._terminal.is_live:
            lines = [*self._titles(), *(self._row(person) for person in self._people)]
            self._terminal.over(lines, self._lines_up)
            self._lines_up = len(lines)
            return
        if not self._printed:
            for line in self._titles():
                self._terminal.line(line)
            self._printed = {person.name: "" for person in self._people}
        for person in self._people:
            cells = [(person.name, family, act) for family in FAMILIES for act in ACTS]
            row = self._row(person)
            if all(cell in ready for cell in cells) and self._printed[person.name] != row:
                self._printed[person.name] = row
                self._terminal.line(row)

    def _titles(self) -> Iterator[str]:
        acts = " ".join(act.ljust(WIDTHS[act]) for act in ACTS)
        above = " " * 17 + GAP.join(f"IPv{family}".ljust(len(acts)) for family in FAMILIES)
        yield above.rstrip()
        yield "  who   meeting  " + GAP.join(acts for _ in FAMILIES)

    def _row(self, person: Person) -> str:
        halves = [" ".join(self._word(self._cells[person.name, family, act], WIDTHS[act])
                           for act in ACTS) for family in FAMILIES]
        return f"  {person.name:<5} {person.meeting:<8} {GAP.join(halves)}".rstrip()

    def _word(self, can: bool | None, width: int) -> str:
        if can is None:
            return "…".ljust(width)
        return (self._terminal.good("yes".ljust(width)) if can else
                self._terminal.bad("-".ljust(width)))
