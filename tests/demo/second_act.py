# SPDX-License-Identifier: Apache-2.0
"""Three people behind one address, two meetings on one port, one block: who is cut off, and who
does not notice."""

from collections.abc import Callable

from demo.live_table import LiveTable
from demo.terminal import Terminal
from lab.daemon import Daemon
from lab.ice_client import shared_endpoint
from lab.people import People, Person

SITE = "CN"
WHO = (("ann", "C"), ("bob", "C"), ("cyd", "D"))
BLOCKED = "C"


class SecondAct:
    def __init__(self, terminal: Terminal, people: People, daemon: Daemon,
                 run: Callable[..., object]):
        self.terminal, self.daemon, self.run = terminal, daemon, run
        self.people = [people(SITE, meeting, name) for name, meeting in WHO]
        self.table = LiveTable(terminal, people.server, self.people)

    @property
    def verdicts(self) -> int:
        return self.table.verdicts

    def play(self) -> None:
        address = self.people[0].clients[4].address[0]
        self.terminal.say(f"""A media server knows its transports apart by ICE alone. ann and bob
            are in meeting C, cyd is in D, and all of them come from {address}, as from behind a
            NAT. Checks, what they send and what the server sends to them:""")
        for meeting in sorted({meeting for _, meeting in WHO}):
            self.run("meeting", "add", meeting, "--shared-endpoint",
                     *(str(shared_endpoint(family)) for family in (4, 6)))
        for person in self.people:
            self.hand_over(person)
        self.table.watch(set())
        self.table.aside()
        self.run("impact", BLOCKED, "--country", SITE)
        self.run("block", BLOCKED, "--country", SITE, "--yes")
        self.table.watch({name for name, meeting in WHO if meeting == BLOCKED})
        self.table.aside()
        rule = self.daemon.ctl.json("rule", "list", BLOCKED)[0]["id"]
        self.run("unblock", rule, "--why", "all may be there again")
        self.table.watch(set())

    def hand_over(self, person: Person) -> None:
        """What the signalling server does by HTTP."""
        self.run("participant", "add", person.meeting, person.name, "--ufrag",
                 *(f"{item['endpoint']}={item['ufrag']}" for item in person.ufrags))
