# SPDX-License-Identifier: Apache-2.0
"""Participants outlive the daemon in the kernel's tables, and are nowhere else."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.ice_client import expect_in_and_out, shared_endpoint
from lab.people import People, Person, hand_over, ways_of
from lab.pins import set_layout
from lab.probes import PATIENCE_S
from lab.steps import register_shared


@pytest.fixture
def three(people: People, shared: Daemon) -> list[Person]:
    """ann and bob of A, cyd of B, behind one address in CN; all of them connected."""
    made = [people("CN", "A", "ann"), people("CN", "A", "bob"), people("CN", "B", "cyd")]
    hand_over(shared, made)
    expect_in_and_out(ways_of(*made))
    return made


def everybody(daemon: Daemon) -> dict:
    return {meeting: daemon.participants(meeting) for meeting in ("A", "B")}


def test_kill9(shared: Daemon, three: list[Person]):
    """With nobody there, flows and ufrags are filtered by as before; the next daemon finds all."""
    ann, bob, cyd = three
    shared.block("A", "--country", "CN")
    before, impact = everybody(shared), shared.ctl.json("impact", "A")
    assert impact["affected"] == 2
    shared.kill9()
    expect_in_and_out(cyd.ways, ways_of(ann, bob), checks=False)
    for person in three:
        person.move(4)
    expect_in_and_out(cyd.ways, ways_of(ann, bob))
    shared.start()
    after = everybody(shared)
    # Where media runs, the server is asked whose it is, and says so: their new ports are known, too.
    assert {name: seen["confirmed_flows"] for name, seen in after["A"].items()} == {"ann": 3, "bob": 3}
    assert after["A"]["ann"]["ufrags"] == before["A"]["ann"]["ufrags"]
    assert after["B"]["cyd"]["ufrags"] == before["B"]["cyd"]["ufrags"]
    assert shared.ctl.json("impact", "A") == impact
    expect_in_and_out(cyd.ways, ways_of(ann, bob))
    assert shared.packets()["dropped_outside_scope"] == 0


def test_what_is_learned_while_it_is_dead_counts(shared: Daemon, people: People):
    ann = people("CN", "A", "ann")
    hand_over(shared, [ann])
    shared.kill9()
    expect_in_and_out(ann.ways)
    shared.start()
    assert shared.participants("A")["ann"]["confirmed_flows"] == 2
    shared.block("A", "--country", "CN")
    expect_in_and_out([], ann.ways, checks=False)


def test_a_rule_about_one_person(shared: Daemon, three: list[Person]):
    ann, bob, cyd = three
    shared.block("A", "--participant", "ann")
    shared.block("A", "--participant", "who-is-not-there")
    for _ in range(2):
        shared.kill9()
        expect_in_and_out(ways_of(bob, cyd), ann.ways)
        shared.start()
        expect_in_and_out(ways_of(bob, cyd), ann.ways)
    assert set(shared.participants("A")) == {"ann", "bob"}


LIMITS = ({"participants": 100}, {"flows": 64}, {"meetings": 50},
          {"participants": 9000, "flows": 9000, "meetings": 2000})


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_other_limits(shared: Daemon, three: list[Person], limits: dict[str, int]):
    """The tables are made anew, and everybody is carried over: flows by API and learned ones."""
    ann, bob, cyd = three
    told = [{"local": str(client.end), "remote": client.remote} for client in bob.ways]
    shared.put_participant("A", "bob", ufrags=bob.ufrags, flows=told).expect(200)
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(cyd.ways, ways_of(ann, bob))
    dropped = shared.rule(rule)["packets_dropped"]
    before = everybody(shared)
    shared.kill9()
    shared.change_config(limits=limits)
    shared.start()
    assert everybody(shared) == before
    expect_in_and_out(cyd.ways, ways_of(ann, bob), checks=False)
    expect_in_and_out(cyd.ways, ways_of(ann, bob))
    assert shared.rule(rule)["packets_dropped"] > dropped
    shared.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(*three))


def test_fewer_than_there_are(shared: Daemon, three: list[Person]):
    """A limit below what is there: the start is refused, and the filter goes on."""
    ann, bob, cyd = three
    shared.block("A", "--country", "CN")
    shared.kill9()
    shared.change_config(limits={"participants": 1})
    shared.run_once().refused("participants")
    expect_in_and_out(cyd.ways, ways_of(ann, bob))
    shared.change_config(limits={"participants": 3})
    shared.start()
    assert len(shared.participants("A")) == 2
    expect_in_and_out(cyd.ways, ways_of(ann, bob))


def test_another_layout(shared: Daemon, three: list[Person]):
    """Tables of another version cannot be read: signalling hands everybody over again, and whose media
    runs is known with the next check."""
    shared.block("A", "--country", "CN")
    shared.kill9()
    set_layout(shared.bpf_dir, 999)
    shared.start()
    assert shared.participants("A") == {}
    hand_over(shared, three)
    ann, bob, cyd = three
    for client in ways_of(*three):
        client.send_media()
        client.check()
    wait.until(lambda: all(seen["confirmed_flows"] == 2 for seen in shared.participants("A").values()),
               PATIENCE_S, "the server's answers prove the flows")
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob), checks=False)
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob))


def test_layout_3(shared: Daemon, three: list[Person]):
    """Nothing that participants need has changed since: they are still there, and so are their flows."""
    shared.block("A", "--country", "CN")
    shared.kill9()
    set_layout(shared.bpf_dir, 3)
    shared.start()
    ann, bob, cyd = three
    assert len(shared.participants("A")) == 2
    expect_in_and_out(ways_of(cyd), ways_of(ann, bob))


def test_a_meeting_that_ended_meanwhile(shared: Daemon, three: list[Person]):
    """Its participants go with it, and its flows are nobody's."""
    shared.block("A", "--country", "CN")
    until = datetime.now(timezone.utc) + timedelta(seconds=2)
    end = [str(shared_endpoint(family)) for family in (4, 6)]
    shared.api("PUT", "/v1/meetings/A", {"shared_endpoints": end,
                                         "until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}).expect(200)
    shared.kill9()
    wait.until(lambda: datetime.now(timezone.utc) > until, 5, "its end has come")
    shared.start()
    wait.until(lambda: shared.ctl.json("status")["participants"] == 1, 10, "they are gone")
    expect_in_and_out(ways_of(*three))


def files_with(folder: Path, words: list[str]) -> list[str]:
    return [f"{word} in {path.name}" for path in folder.rglob("*") if path.is_file()
            for word in words if word.encode() in path.read_bytes()]


def test_nothing_of_them_is_on_the_disk(shared: Daemon, three: list[Person]):
    """But what a rule names."""
    end = str(shared_endpoint(4))
    for name, port in (("ann-of-the-moon", 7001), ("bob-of-the-sun", 7002)):
        shared.put_participant("A", name, ufrags=[{"endpoint": end, "ufrag": f"secret{port}"}],
                               flows=[{"local": end, "remote": f"203.0.113.77:{port}"}]).expect(201)
    shared.block("A", "--participant", "bob-of-the-sun")
    shared.block("A", "--country", "CN")
    expect_in_and_out(three[2].ways, three[1].ways)
    shared.terminate()
    secrets = ["ann-of-the-moon", "secret700", "203.0.113.", "2001:db8:c:"]
    secrets += [person.transport.credentials.ufrag for person in three]
    assert files_with(shared.state_dir, secrets) == []
    assert files_with(shared.state_dir, ["bob-of-the-sun"]) != []


def test_idle_flows_end(make_daemon, people: People):
    """Whoever is silent for limits.flow_idle is no longer there."""
    daemon = register_shared(make_daemon(limits={"flow_idle": "30s"}).start())
    ann, cyd = people("CN", "A", "ann", families=(4,)), people("CN", "B", "cyd", families=(4,))
    hand_over(daemon, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    daemon.block("A", "--country", "CN")

    def gone() -> bool:
        cyd.clients[4].check()
        return daemon.participants("A")["ann"]["confirmed_flows"] == 0
    wait.until(gone, 45, "the flow ends")
    assert daemon.participants("B")["cyd"]["confirmed_flows"] == 1
    expect_in_and_out(ways_of(cyd), [])
