# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo, in their order. Each says what is promised and looks whether it is so."""

import time
from datetime import datetime, timezone

from demo.second_act import SecondAct
from demo.table import print_table
from demo.terminal import Terminal, promise
from lab import probes, wait
from lab.client import Outcome
from lab.endpoints import PORT_A, PORT_B, Endpoint, as_options, endpoints
from lab.lab import Lab
from lab.network import EDGE_V4, EDGE_V6, overrides
from lab.paths import DATABASE

COUNTRIES = ("CN", "HK", "US")
NOBODY: frozenset[tuple[str, int]] = frozenset()
CHINA_IN_A = frozenset({("CN", PORT_A)})
CHINA_IN_B = frozenset({("CN", PORT_B)})
# Public name servers. They are only asked about: no packet leaves this machine.
REAL = (("1.2.4.8", "CN"), ("2400:3200::1", "CN"), ("203.80.96.10", "HK"))
RULE_S = 6


class Story:
    def __init__(self, lab: Lab, terminal: Terminal):
        self.terminal = terminal
        self.started = time.monotonic()
        self.verdicts = 0
        self.network = lab.network(COUNTRIES)
        self.daemon = lab.daemon(self.network, geo={"databases": [str(DATABASE)],
                                                    "overrides": overrides(COUNTRIES)})
        self.people = lab.people(self.network)

    def tell(self) -> None:
        for step in (self.set_the_stage, self.block, self.kill, self.restart, self.explain,
                     self.end_by_time, self.share_a_port, self.clean_up):
            step()

    # The steps.

    def set_the_stage(self) -> None:
        self.terminal.say("""An edge host with an echo service, and participants in CN, HK and US
            behind a router: each a network namespace of its own, real UDP and TCP in between.""")
        self.terminal.heading("1. Two meetings, no rule: everybody is in both")
        self.daemon.start()
        self.run("meeting", "add", "A", *as_options(PORT_A))
        self.run("meeting", "add", "B", *as_options(PORT_B))
        self.table(NOBODY)

    def block(self) -> None:
        self.terminal.heading("2. CN is blocked in meeting A: nowhere else, and nobody else")
        self.run("block", "A", "--country", "CN", "--yes")
        self.table(CHINA_IN_A)

    def kill(self) -> None:
        self.terminal.heading("3. The daemon is killed: nothing changes")
        self.kill9()
        self.table(CHINA_IN_A)
        status = self.run("status")
        promise("native" in status.stdout, "status reads the kernel while the daemon is dead, and "
                f"says that the interface is filtered; seen: {status.stdout}")

    def restart(self) -> None:
        self.terminal.heading("4. It is started again, and takes over what is there")
        before = self.dropped()
        self.start()
        promise(self.dropped() >= before, f"counters go on from {before}; seen: {self.dropped()}")
        rule = self.daemon.ctl.json("rule", "list")[0]
        promise(rule["state"] == "active" and rule["packets_dropped"] == self.dropped(),
                f"the rule is active and has its counters; seen: {rule}")
        self.run("rule", "list")
        self.table(CHINA_IN_A)

    def explain(self) -> None:
        self.terminal.heading("5. Real addresses, by the program and the tables in the kernel")
        for address, country in REAL:
            local = EDGE_V6 if ":" in address else EDGE_V4
            source = f"[{address}]:40000" if ":" in address else f"{address}:40000"
            self.explain_one(source, str(Endpoint("udp", local, PORT_A)), country)

    def explain_one(self, source: str, endpoint: str, country: str) -> None:
        self.run("explain", "--from", source, "--to", endpoint)
        answer = self.daemon.explain(source, endpoint)
        seen = (answer["country"], answer["verdict"])
        expected = (country, "drop" if country == "CN" else "pass")
        promise(seen == expected, f"{source} to {endpoint}: expected {expected}, seen {seen}")

    def end_by_time(self) -> None:
        self.terminal.heading("6. A rule ends by its time, also with the daemon dead")
        self.run("block", "B", "--country", "CN", "--for", f"{RULE_S}s", "--yes")
        rule = self.daemon.ctl.json("rule", "list", "B")[0]
        self.kill9()
        self.table(CHINA_IN_A | CHINA_IN_B)
        ended = self.wait_for_the_end(datetime.fromisoformat(rule["until"].replace("Z", "+00:00")))
        self.terminal.say(f"The rule was to end at {rule['until']}. The first packet from CN got "
                          f"through to B at {ended:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z.")
        self.table(CHINA_IN_A)
        self.start()

    def wait_for_the_end(self, until: datetime) -> datetime:
        china = self.network.participants["CN"]
        wait.until(lambda: probes.reaches(china, endpoints(PORT_B)[0], 0.1), RULE_S + 5,
                   "the rule in B ends")
        now = datetime.now(timezone.utc)
        promise(now >= until, f"the rule holds until {until}; seen: a packet passed at {now}")
        return now

    def share_a_port(self) -> None:
        self.terminal.heading("7. One port for two meetings, one address for three people")
        act = SecondAct(self.terminal, self.people, self.daemon, self.run)
        act.play()
        self.verdicts += act.verdicts

    def clean_up(self) -> None:
        self.terminal.heading("8. The restriction is lifted, and everything is taken away")
        rule = self.daemon.ctl.json("rule", "list", "A")[0]["id"]
        self.run("unblock", rule, "--why", "end of the demo")
        self.table(NOBODY)
        outside = self.daemon.packets()["dropped_outside_scope"]
        promise(outside == 0, f"no packet is dropped outside of a rule; seen: {outside}")
        self.terminal.command(["kill", str(self.daemon.process.pid)])
        promise(self.daemon.terminate() == 0, f"it ends with status 0\n{self.daemon.log}")
        promise(self.daemon.xdp_attached(), "the program stays when the daemon stops")
        self.terminal.command(["meetfenced", "--config", "meetfence.json", "--detach"])
        outcome = self.daemon.detach()
        promise(outcome.code == 0, f"--detach ends with status 0; seen: {outcome.stderr}")
        wait.until(lambda: not self.daemon.xdp_attached(), 5, "nothing is left on the interface")

    # How they are done.

    def run(self, *words: str) -> Outcome:
        """Runs the control tool, shown as somebody would type it."""
        self.terminal.command(["meetfencectl", *(word for word in words if word != "--yes")])
        outcome = self.daemon.ctl(*words)
        promise(outcome.code == 0, f"meetfencectl {' '.join(words)} has status 0; seen: status "
                f"{outcome.code}, {outcome.stderr.strip()}")
        self.terminal.output(outcome.stdout)
        return outcome

    def table(self, blocked: frozenset[tuple[str, int]]) -> None:
        expected = probes.everyone(self.network, blocked, ports=(PORT_A, PORT_B))
        seen = probes.ask(expected)
        print_table(self.terminal, seen)
        wrong = probes.differences(expected, seen)
        promise(not wrong, "\n  ".join(wrong))
        self.verdicts += len(seen)

    def kill9(self) -> None:
        self.terminal.command(["kill", "-9", str(self.daemon.process.pid)])
        self.daemon.kill9()

    def start(self) -> None:
        self.terminal.command(["meetfenced", "--config", "meetfence.json", "&"])
        self.daemon.start()

    def dropped(self) -> int:
        return self.daemon.packets()["dropped"]

    @property
    def summary(self) -> str:
        seconds = time.monotonic() - self.started
        return (f"All as promised: {self.verdicts} times somebody asked, none was let in or left "
                f"out wrongly ({seconds:.0f} s).")
