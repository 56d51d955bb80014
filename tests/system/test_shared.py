# SPDX-License-Identifier: Apache-2.0
"""One port for many meetings: the meeting is known from the ICE handshake, and nobody is cut off
with somebody else. Persons of one site stand behind one address (lab/people.py)."""

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A
from lab.ice import SHARED_PORT
from lab.ice_client import IN, expect, expect_in_and_out, shared_endpoint
from lab.network import SECOND_HOST, SITES, Network
from lab.people import People, Person, hand_over, ways_of
from lab.probes import check, everyone
from lab.steps import register_shared


@pytest.fixture
def three(people: People, shared: Daemon) -> list[Person]:
    """Two in A and one in B, behind one address in CN; all of them connected."""
    made = [people("CN", "A", "ann"), people("CN", "A", "bob"), people("CN", "B", "cyd")]
    hand_over(shared, made)
    expect_in_and_out(ways_of(*made))
    return made


def test_one_country_in_one_meeting(shared: Daemon, three: list[Person], people: People):
    """Checks and media, in both families."""
    ann, bob, cyd = three
    others = [people(site, meeting, f"{site}-{meeting}")
              for site in SITES if site != "CN" for meeting in ("A", "B")]
    hand_over(shared, others)
    expect_in_and_out(ways_of(*three, *others))
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd, *others), ways_of(ann, bob))
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*three, *others))
    assert shared.packets()["dropped_outside_scope"] == 0


def test_media_alone_is_cut_off_and_back(shared: Daemon, three: list[Person]):
    """The flow is known: no check is needed to cut it off, and none to let it in again."""
    ann, bob, cyd = three
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob), checks=False)
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*three), checks=False)


def test_who_was_never_there_does_not_get_in(shared: Daemon, people: People):
    """The rule stands before the first check: it is not answered, and ICE fails."""
    shared.block("A", "--country", "CN")
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(cyd), ways_of(ann))
    assert shared.participants("B")["cyd"]["confirmed_flows"] == 2


def test_any_local_address(daemon: Daemon, people: People):
    end = f"udp:*:{SHARED_PORT}"
    for meeting in ("A", "B"):
        daemon.add_shared(meeting, end)
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    for person in (ann, cyd):
        daemon.put_participant(person.meeting, person.name, ufrags=[
            {"endpoint": end, "ufrag": person.transport.credentials.ufrag}]).expect(201)
    expect_in_and_out(ways_of(ann, cyd))
    rule = daemon.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann))
    daemon.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(ann, cyd))


def test_an_endpoint_is_shared_by_naming_a_ufrag(daemon: Daemon, people: People):
    """The meetings name no endpoint at all."""
    for meeting in ("A", "B"):
        daemon.api("PUT", f"/v1/meetings/{meeting}", {}).expect(201)
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    for person in (ann, cyd):
        words = [f"{item['endpoint']}={item['ufrag']}" for item in person.ufrags]
        daemon.ctl("participant", "add", person.meeting, person.name, "--ufrag", *words).ok()
    expect_in_and_out(ways_of(ann, cyd))
    daemon.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann))


@pytest.mark.parametrize("rule_first", [False, True])
def test_by_flow_alone(shared: Daemon, people: People, rule_first: bool):
    """Signalling that knows no ufrag, but the address. The checks on the flow name nobody who
    was handed over: they do not make it somebody else's."""
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    for person in (ann, cyd):
        flows = [f"{client.end},{client.remote}" for client in person.ways]
        shared.ctl("participant", "add", person.meeting, person.name, "--flow", *flows).ok()
    if not rule_first:
        expect_in_and_out(ways_of(ann, cyd))
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann))
    expect_in_and_out(ways_of(cyd), ways_of(ann), checks=False)
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(ann, cyd))


def test_ice_over_tcp(shared: Daemon, people: People):
    """RFC 4571: a length before each message, in one segment with it."""
    ann, cyd = (people("CN", meeting, name, transport="tcp")
                for meeting, name in (("A", "ann"), ("B", "cyd")))
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann))
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(ann, cyd))


@pytest.mark.parametrize("family", [4, 6])
def test_a_client_that_only_answers(shared: Daemon, people: People, family: int):
    """Full ICE: the server checks by itself, and its ufrag stands behind the colon."""
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))

    def checked() -> bool:
        for person in (ann, cyd):
            client = person.clients[family]
            people.server.check(client.address, person.transport, client.own)
            client.receive()
        return all(shared.participants(person.meeting)[person.name]["confirmed_flows"]
                   for person in (ann, cyd))
    wait.until(checked, 10, "the flows are confirmed")
    ways = ann.clients[family], cyd.clients[family]
    expect({client: IN for client in ways}, checks=False)
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways[1:], ways[:1], checks=False)
    dropped = shared.rule(rule)["egress"]["packets_dropped"]
    checked()
    assert shared.rule(rule)["egress"]["packets_dropped"] > dropped  # the check itself


def test_monitor_counts_and_passes(shared: Daemon, three: list[Person]):
    rule = shared.block("A", "--country", "CN", "--monitor")
    expect_in_and_out(ways_of(*three))
    assert shared.rule(rule)["packets_would_drop"] > 0
    assert shared.packets()["dropped"] == 0


def test_except_is_left_alone(shared: Daemon, people: People):
    inside = people("CN", "A", "ann", host=SECOND_HOST)
    outside = people("CN", "A", "bob")
    hand_over(shared, (inside, outside))
    expect_in_and_out(ways_of(inside, outside))
    site = SITES["CN"]
    shared.block("A", "--country", "CN", "--except", f"{site.address(4, SECOND_HOST)}/32",
                 f"{site.address(6, SECOND_HOST)}/128")
    expect_in_and_out(ways_of(inside), ways_of(outside))


# Only some countries.

def test_allow_only(shared: Daemon, people: People):
    """Everyone placed elsewhere is out; who cannot be placed is in."""
    crowd = {site: people(site, "A", f"of-{site}") for site in SITES}
    other = {site: people(site, "B", f"of-{site}") for site in SITES}
    hand_over(shared, (*crowd.values(), *other.values()))
    expect_in_and_out(ways_of(*crowd.values(), *other.values()))
    rule = shared.block("A", "--allow-only", "US", "HK")
    stays = {"US", "HK", "nowhere"}
    expect_in_and_out(
        ways_of(*other.values(), *(crowd[site] for site in stays)),
        ways_of(*(person for site, person in crowd.items() if site not in stays)))
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*crowd.values()))


def test_allow_only_on_an_endpoint_of_its_own(meetings: Daemon, network: Network):
    meetings.block("A", "--allow-only", "US")
    check(everyone(network, {(site, PORT_A) for site in ("CN", "HK", "TW", "MO")}))


# Moving about. A check from the new address is all it takes.

@pytest.mark.parametrize("family", [4, 6])
def test_handed_over_while_the_media_flows(shared: Daemon, people: People, family: int):
    """Signalling is slower than the first check. Its answer was seen: no other is waited for."""
    shared.block("A", "--country", "CN")
    ann, cyd = (people("CN", "A", "ann", families=(family,)),
                people("CN", "B", "cyd", families=(family,)))
    expect_in_and_out(ways_of(ann, cyd))
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(cyd), ways_of(ann), checks=False)
    expect_in_and_out(ways_of(cyd), ways_of(ann))


def test_handed_over_late_in_both_families(shared: Daemon, people: People):
    """The next check is enough, if one of them was not caught at once."""
    shared.block("A", "--country", "CN")
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    expect_in_and_out(ways_of(ann, cyd))
    hand_over(shared, (ann, cyd))
    for client in ways_of(ann, cyd):
        client.check()
    expect_in_and_out(ways_of(cyd), ways_of(ann), checks=False)
    expect_in_and_out(ways_of(cyd), ways_of(ann))


@pytest.mark.parametrize("rule_first", [False, True])
def test_handed_over_to_a_daemon_that_came_late(make_daemon, people: People, rule_first: bool):
    """The flow is older than the filter: the next check is the first that is seen."""
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    expect_in_and_out(ways_of(ann, cyd))
    daemon = register_shared(make_daemon().start())
    if rule_first:
        daemon.block("A", "--country", "CN")
    hand_over(daemon, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd), checks=False)  # nobody knows whose it is
    for client in ways_of(ann, cyd):
        client.check()
    if not rule_first:
        expect_in_and_out(ways_of(ann, cyd))
        daemon.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann), checks=False)


def test_ice_restart(shared: Daemon, three: list[Person]):
    """Other credentials from the same addresses, known to the daemon before the first check."""
    ann, bob, cyd = three
    for person in three:
        person.restart()
    hand_over(shared, three)
    expect_in_and_out(ways_of(*three))
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob))
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*three))


@pytest.mark.parametrize("families", [(4,), (6,), (4, 6)])
def test_ice_restart_before_it_is_handed_over(shared: Daemon, people: People,
                                              families: tuple[int, ...]):
    """For a moment the flow seems to be somebody else's, and passes; one check after the handing
    over it does not."""
    made = [people("CN", meeting, f"of-{meeting}", families=families) for meeting in ("A", "B")]
    hand_over(shared, made)
    expect_in_and_out(ways_of(*made))
    for person in made:
        person.restart()
    expect_in_and_out(ways_of(*made))
    shared.block("A", "--country", "CN")
    hand_over(shared, made)
    for client in ways_of(*made):
        client.check()
    expect_in_and_out(made[1].ways, made[0].ways, checks=False)
    expect_in_and_out(made[1].ways, made[0].ways)


def test_another_port(shared: Daemon, three: list[Person]):
    """As when a NAT forgets. The flow before it is left to end by itself."""
    ann, bob, cyd = three
    for person in three:
        for family in (4, 6):
            person.move(family)
    expect_in_and_out(ways_of(*three))
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob), checks=False)
    for person in three:
        for family in (4, 6):
            person.move(family)
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob))
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*three))


def test_from_one_family_to_the_other_and_back(shared: Daemon, people: People):
    ann, cyd = (people("CN", "A", "ann", families=(4,)), people("CN", "B", "cyd", families=(4,)))
    hand_over(shared, (ann, cyd))
    for family in (4, 6, 4):
        ways = [person.move(family) for person in (ann, cyd)]
        expect_in_and_out(ways)
        rule = shared.block("A", "--country", "CN")
        expect_in_and_out(ways[1:], ways[:1], checks=False)
        expect_in_and_out(ways[1:], ways[:1])
        shared.ctl("unblock", rule).ok()
    shared.block("A", "--country", "CN")
    expect_in_and_out(cyd.ways, ann.ways)
    for family in (6, 4):
        expect_in_and_out([cyd.move(family)], [ann.move(family)])


@pytest.mark.parametrize("family", [4, 6])
def test_from_one_country_to_another_and_back(shared: Daemon, people: People, family: int):
    """The country is the packet's, not the person's."""
    ann = people("US", "A", "ann", families=(family,))
    hand_over(shared, [ann])
    shared.block("A", "--country", "CN")
    expect_in_and_out(ann.ways)
    expect_in_and_out([], [ann.move(family, "CN")])
    expect_in_and_out([ann.move(family, "HK")])
    expect_in_and_out([], [ann.move(family, "CN")])
    expect_in_and_out([ann.move(family, "nowhere")])


def test_the_meeting_of_a_person_who_changes_meetings(shared: Daemon, people: People):
    """The same transport, handed over for another meeting."""
    shared.block("A", "--country", "CN")
    ann = people("CN", "A", "ann")
    hand_over(shared, [ann])
    expect_in_and_out([], ann.ways)
    shared.ctl("participant", "remove", "A", "ann").ok()
    ann.meeting = "B"
    hand_over(shared, [ann])
    expect_in_and_out(ann.ways)


# What is told about it.

def test_explain_by_ufrag(shared: Daemon, three: list[Person]):
    rule = shared.block("A", "--country", "CN")
    ann, _, cyd = three
    for family in (4, 6):
        def answer(person: Person, site: str = "CN", family: int = family) -> dict:
            address = SITES[site].address(family)
            source = f"{address}:1234" if family == 4 else f"[{address}]:1234"
            return shared.ctl.json("explain", "--from", source, "--to", shared_endpoint(family),
                                   "--ufrag", person.transport.credentials.ufrag)
        blocked = answer(ann)
        assert (blocked["verdict"], blocked["meeting"], blocked["rule"]) == ("drop", "A", rule)
        assert blocked["participant"] == "ann"
        assert answer(cyd)["verdict"] == "pass"
        assert answer(ann, "HK")["verdict"] == "pass"
        nobody = shared.ctl.json("explain", "--from", ann.clients[family].remote, "--to",
                                 shared_endpoint(family), "--ufrag", "nobody")
        assert (nobody["verdict"], nobody["reason"]) == ("pass", "unknown_ufrag")


def test_explain_by_flow(shared: Daemon, three: list[Person]):
    rule = shared.block("A", "--country", "CN")
    ann, _, cyd = three
    for client in ann.ways:
        answer = shared.explain(client.remote, client.end)
        assert (answer["verdict"], answer["meeting"], answer["rule"]) == ("drop", "A", rule)
    for client in cyd.ways:
        assert shared.explain(client.remote, client.end)["verdict"] == "pass"


def test_the_rules_counters(shared: Daemon, three: list[Person]):
    """Exactly what was sent, in the direction in which it was sent."""
    ann, _, cyd = three
    rule = shared.block("A", "--country", "CN")
    for number in range(30):
        for client in (*ann.ways, *cyd.ways):
            client.send_media()
        shared_way = ann.clients[4] if number % 2 else ann.clients[6]
        shared_way.check()
    counted = wait.until(lambda: shared.rule(rule)["packets_dropped"] >= 90 and shared.rule(rule),
                         5, "90 are dropped")
    assert counted["packets_dropped"] == 90
    assert counted["ingress"]["packets_dropped"] == 90
    assert counted["egress"]["packets_dropped"] == 0
    assert counted["by_country"]["CN"]["packets_dropped"] == 90
