# SPDX-License-Identifier: Apache-2.0
"""A rule about one person, and attempts to have somebody else taken for him."""

from collections.abc import Iterator

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.events import following, of_kind
from lab.ice import IceServer
from lab.ice_client import IN, OUT, Seen, expect, expect_in_and_out
from lab.network import Network
from lab.people import People, Person, hand_over, ways_of


@pytest.fixture
def crowd(people: People, shared: Daemon) -> list[Person]:
    """ann and bob of A, cyd of B, all behind one address; connected."""
    made = [people("US", "A", "ann"), people("US", "A", "bob"), people("US", "B", "cyd")]
    hand_over(shared, made)
    expect_in_and_out(ways_of(*made))
    return made


def test_one_person(shared: Daemon, crowd: list[Person]):
    ann, bob, cyd = crowd
    rule = shared.block("A", "--participant", "ann")
    expect_in_and_out(ways_of(bob, cyd), ann.ways, checks=False)
    expect_in_and_out(ways_of(bob, cyd), ann.ways)
    shown = shared.rule(rule)
    assert shown["participant"] == "ann" and shown["countries"] == []
    assert shown["ingress"]["packets_dropped"] > 0
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*crowd))


def test_what_is_sent_to_the_person(shared: Daemon, crowd: list[Person], ice: IceServer):
    ann, bob, cyd = crowd
    rule = shared.block("A", "--participant", "ann")
    for client in ways_of(*crowd):
        ice.push(client.address, 1)
    for client in ways_of(bob, cyd):
        wait.until(lambda client=client: (client.receive(), client.pushed)[1], 5, "media arrives")
    assert shared.rule(rule)["egress"]["packets_dropped"] == 2
    for client in ann.ways:
        client.receive()
        assert client.pushed == []


@pytest.mark.parametrize("site", ["CN", "nowhere"])
def test_wherever_the_person_goes(shared: Daemon, crowd: list[Person], site: str):
    ann, bob, _ = crowd
    shared.block("A", "--participant", "ann")
    for family in (4, 6):
        expect_in_and_out([bob.move(family, site)], [ann.move(family, site)])


def test_before_the_person_is_there(shared: Daemon, people: People):
    """The rule names somebody whom nobody has handed over yet."""
    shared.block("A", "--participant", "ann")
    ann, bob = people("US", "A", "ann"), people("US", "A", "bob")
    namesake = people("US", "B", "ann")
    hand_over(shared, (ann, bob, namesake))
    expect_in_and_out(ways_of(bob, namesake), ann.ways)


def test_who_comes_back_is_still_meant(shared: Daemon, crowd: list[Person]):
    ann, bob, _ = crowd
    shared.block("A", "--participant", "ann")
    shared.ctl("participant", "remove", "A", "ann").ok()
    ann.restart()
    for family in (4, 6):
        ann.move(family)
    hand_over(shared, [ann])
    expect_in_and_out(bob.ways, ann.ways)


def test_on_an_endpoint_of_its_own(daemon: Daemon, people: People):
    """Everybody there is of one meeting; the ufrag tells whose the flow is."""
    from_here = [people("US", "A", "ann"), people("US", "A", "bob")]
    daemon.add_meeting("A", *(client.end for client in from_here[0].ways))
    hand_over(daemon, from_here)
    expect_in_and_out(ways_of(*from_here))
    daemon.block("A", "--participant", "ann")
    expect_in_and_out(from_here[1].ways, from_here[0].ways)


# Somebody who spoofs another's address and port: on the wire that looks as if it came from there.

@pytest.fixture
def gullible(network: Network) -> Iterator[People]:
    """Of a server that believes whoever names himself last on an address."""
    server = IceServer(network.edge, takes_over=True)
    crowd = People(network, server)
    yield crowd
    crowd.close()
    server.close()


def poison(spoofer: Person, victim: Person) -> None:
    """The spoofer's own credentials from the victim's address and port; twice, as checks come."""
    for _ in range(2):
        for client in victim.ways:
            client.check(spoofer.transport.credentials)


ORDERS = ("before the victim", "after the victim", "in between", "before the rule",
          "before the handing over")


@pytest.mark.parametrize("order", ORDERS)
def test_a_bystander_cannot_be_made_a_member(shared: Daemon, gullible: People, order: str):
    """The spoofer is of the meeting that is blocked, the victim of another."""
    spoofer, victim = gullible("CN", "A", "eve"), gullible("CN", "B", "cyd")
    if order == "before the handing over":
        expect_in_and_out(victim.ways)
        poison(spoofer, victim)
    hand_over(shared, (spoofer, victim))
    if order == "before the victim":
        poison(spoofer, victim)
    else:
        expect_in_and_out(victim.ways)
    if order in ("in between", "before the rule"):
        poison(spoofer, victim)
    if order == "in between":
        expect_in_and_out(victim.ways)
        poison(spoofer, victim)
    shared.block("A", "--country", "CN")
    if order != "before the rule":
        poison(spoofer, victim)
    expect_in_and_out(victim.ways)
    poison(spoofer, victim)
    expect_in_and_out(victim.ways)
    assert shared.packets()["dropped_outside_scope"] == 0


def test_nor_by_a_member_of_the_same_meeting(shared: Daemon, gullible: People):
    """The rule is about the spoofer alone."""
    spoofer, victim = gullible("CN", "A", "eve"), gullible("CN", "A", "ann")
    hand_over(shared, (spoofer, victim))
    expect_in_and_out(victim.ways)
    poison(spoofer, victim)
    shared.block("A", "--participant", "eve")
    poison(spoofer, victim)
    expect_in_and_out(victim.ways)


def test_a_member_cannot_hide_behind_a_bystander(shared: Daemon, gullible: People):
    """Poisoned by a friend of another meeting, a flow passes; the checks on it do not, and the
    media no longer once it is clear whose it is."""
    member, friend = gullible("CN", "A", "ann"), gullible("CN", "B", "fay")
    hand_over(shared, (member, friend))
    expect_in_and_out(member.ways)
    poison(friend, member)
    shared.block("A", "--country", "CN")
    expect({client: Seen(False, True) for client in member.ways})
    others = [member.move(family) for family in (4, 6)]
    expect({client: OUT for client in others})


def test_a_contested_flow_is_told(shared: Daemon, gullible: People):
    spoofer, victim = gullible("CN", "A", "eve"), gullible("CN", "B", "cyd")
    hand_over(shared, (spoofer, victim))
    with following(shared, "--json") as lines:
        shared.block("A", "--country", "CN")
        wait.until(lambda: lines, 5, "the follower is there")
        expect({client: IN for client in victim.ways})
        shared.ctl("unblock", "r1").ok()
        poison(spoofer, victim)
        told = wait.until(lambda: of_kind(lines, "flow_contested"), 5, "flow_contested")
        assert told[0]["meeting"] == "B"  # whose flow it was
        text = "".join(lines)
    for client in victim.ways:
        assert client.address[0] not in text
    assert shared.ctl.json("status")["flows"]["contested"] >= 1
    assert "contested" in shared.ctl("status").ok().stdout
