# SPDX-License-Identifier: Apache-2.0
"""Participants as signalling hands them over, and what is told about them: never an address."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from lab import wait
from lab.client import each
from lab.daemon import VIEWERS_GID, Daemon
from lab.events import following, of_kind
from lab.ice_client import expect_in_and_out, shared_endpoint
from lab.network import EDGE_V4, SITES
from lab.people import People, hand_over, ways_of

END = str(shared_endpoint(4))
END_V6 = str(shared_endpoint(6))
NOBODY = 65534
ONE = "/v1/meetings/A/participants/ann"


def ufrag(text: str, end: str = END) -> dict[str, str]:
    return {"endpoint": end, "ufrag": text}


def flow(remote: str, local: str = END) -> dict[str, str]:
    return {"local": local, "remote": remote}


# Handing over.

def test_put_is_idempotent(shared: Daemon):
    body = {"ufrags": [ufrag("abcd"), ufrag("abcd", END_V6)], "flows": [flow("203.0.113.9:5000")]}
    answer = shared.api("PUT", ONE, body).expect(201).json
    assert (answer["id"], answer["meeting"]) == ("ann", "A")
    shared.api("PUT", ONE, body).expect(200)
    assert shared.api("GET", ONE).expect(200).json["ufrags"] == answer["ufrags"]
    other = shared.api("PUT", ONE, {"ufrags": [ufrag("efgh")]}).expect(200).json
    assert other["flows"] == [] and [item["ufrag"] for item in other["ufrags"]] == ["efgh"]
    shared.put_participant("B", "ben", ufrags=[ufrag("abcd")]).expect(201)  # given up by then
    assert [item["id"] for item in shared.api("GET", "/v1/meetings/A/participants").json] == ["ann"]
    shared.api("DELETE", ONE).expect(204)
    shared.api("DELETE", ONE).problem(404, "participant")
    shared.api("GET", ONE).problem(404)
    shared.api("PUT", ONE, body | {"ufrags": []}).expect(201)


def test_nobody_in_no_meeting(shared: Daemon):
    path = "/v1/meetings/none"
    for method, target in (("PUT", f"{path}/participants/P"), ("DELETE", f"{path}/participants/P"),
                           ("GET", f"{path}/participants"), ("GET", f"{path}/impact"),
                           ("GET", f"{path}/notice?country=CN")):
        shared.api(method, target, {} if method == "PUT" else None).problem(404, "none")


def test_what_is_another_participants(shared: Daemon):
    taken = {"ufrags": [ufrag("abcd")], "flows": [flow("203.0.113.9:5000")]}
    shared.api("PUT", ONE, taken).expect(201)
    for meeting in ("A", "B"):
        other = f"/v1/meetings/{meeting}/participants/bob"
        shared.api("PUT", other, {"ufrags": [ufrag("abcd")]}).problem(409, "ufrag", "abcd")
        said = shared.api("PUT", other, {"flows": [flow("203.0.113.9:5000")]}).problem(409, "flow")
        assert "203.0.113" not in said.text and "ann" not in said.text
        shared.api("GET", other).problem(404)  # nothing of it was done
    # The same ufrag elsewhere, or another port of the same address, is nobody's.
    shared.put_participant("B", "bob", ufrags=[ufrag("abcd", END_V6)],
                           flows=[flow("203.0.113.9:5001")]).expect(201)


def test_an_endpoint_of_another_meeting(shared: Daemon):
    end = f"udp:{EDGE_V4}:30000"
    shared.add_meeting("own", end)
    shared.put_participant("A", "ann", ufrags=[ufrag("abcd", end)]).problem(409, end)
    shared.put_participant("A", "ann", flows=[flow("203.0.113.9:1", end)]).problem(409, end)
    shared.put_participant("own", "ann", ufrags=[ufrag("abcd", end)]).expect(201)
    # And the other way round: an endpoint that somebody shares becomes nobody's own.
    body = {"endpoints": [END]}
    shared.api("PUT", "/v1/meetings/late", body).problem(409, "10000", "shared")
    shared.api("PUT", "/v1/meetings/both",
               {"endpoints": [f"udp:{EDGE_V4}:30001"],
                "shared_endpoints": [f"udp:{EDGE_V4}:30001"]}).problem(400, "shared")


BAD = (
    ({"ufrag": []}, ("ufrag", "ufrags")),
    ({"ufrags": [{"endpoint": END, "ufrag": "abcd", "password": "x"}]}, ("ufrags[0]", "password")),
    ({"ufrags": [{"endpoint": END}]}, ("ufrags[0].ufrag", "missing")),
    ({"ufrags": [ufrag("abcd"), {"ufrag": "abcd"}]}, ("ufrags[1].endpoint", "missing")),
    ({"ufrags": [ufrag("x" * 33)]}, ("ufrags[0]", "33")),
    ({"ufrags": [ufrag("abc")]}, ("ufrags[0]", "3 ")),
    ({"ufrags": [ufrag("ab:cd")]}, ("ufrags[0]", "colon")),
    ({"ufrags": [ufrag("abc d")]}, ("ufrags[0]",)),
    ({"ufrags": [ufrag("abcd", "tls:1.2.3.4:1")]}, ("ufrags[0].endpoint", "tls")),
    ({"ufrags": "abcd"}, ("ufrags", "list")),
    ({"ufrags": ["abcd"]}, ("ufrags[0]",)),
    ({"flows": [flow("203.0.113.9:1", "udp:*:10000")]}, ("flows[0].local", "*")),
    ({"flows": [flow("203.0.113.9:1", f"udp:{EDGE_V4}:10000-10001")]}, ("flows[0].local",)),
    ({"flows": [flow("[2001:db8::1]:1")]}, ("flows[0]", "IPv6")),
    ({"flows": [flow("203.0.113.9")]}, ("flows[0].remote",)),
    ({"flows": [flow("203.0.113.9:70000")]}, ("flows[0].remote",)),
    ({"flows": [{"local": END}]}, ("flows[0].remote", "missing")),
    ([], ("object",)),
    ("{", ()),
)


def test_bad_input(shared: Daemon):
    each(BAD, lambda case: shared.api("PUT", ONE, case[0]).problem(400, *case[1]))
    shared.api("PUT", "/v1/meetings/A/participants/a%20b", {}).problem(400, "participant")
    shared.api("PUT", f"/v1/meetings/A/participants/{'x' * 129}", {}).problem(400, "128")
    assert shared.participants("A") == {}


def test_bad_words_for_the_tool(shared: Daemon):
    for words in (("ann",), ("ann", "--ufrag", "abcd"), ("ann", "--ufrag", f"{END}=a:bcd"),
                  ("ann", "--flow", END), ("ann", "--flow", f"{END},nowhere"),
                  ("--ufrag", f"{END}=abcd"), ("a b", "--ufrag", f"{END}=abcd")):
        outcome = shared.ctl("participant", "add", "A", *words)
        assert outcome.code in (1, 2) and outcome.stderr.strip(), (words, outcome)
    assert shared.participants("A") == {}


def test_who_may(shared: Daemon):
    viewer = shared.ctl.as_user(NOBODY, NOBODY, (VIEWERS_GID,))
    shared.put_participant("A", "ann", ufrags=[ufrag("abcd")]).expect(201)
    viewer("participant", "add", "A", "bob", "--ufrag", f"{END}=bobs").refused()
    viewer("participant", "remove", "A", "ann").refused()
    viewer("participant", "list", "A").ok()
    viewer("impact", "A").ok()
    shared.ctl.as_user(NOBODY, NOBODY)("participant", "list", "A").refused()
    assert set(shared.participants("A")) == {"ann"}


def test_as_many_as_the_limit(make_daemon):
    daemon = make_daemon(limits={"participants": 3}).start()
    daemon.add_shared("A", END)
    for number in range(3):
        daemon.put_participant("A", f"p{number}", ufrags=[ufrag(f"abc{number}")]).expect(201)
    daemon.put_participant("A", "p3", ufrags=[ufrag("abc3")]).problem(507, "limits.participants")
    daemon.put_participant("A", "p2", ufrags=[ufrag("abc3")]).expect(200)
    daemon.ctl("participant", "remove", "A", "p0").ok()
    daemon.put_participant("A", "p3", ufrags=[ufrag("abc0")]).expect(201)


# Their end.

def test_they_go_with_their_meeting(shared: Daemon, people: People):
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    shared.block("A", "--country", "CN")
    expect_in_and_out(cyd.ways, ann.ways)
    shared.ctl("meeting", "remove", "A").ok()
    expect_in_and_out(ways_of(ann, cyd))
    shared.add_shared("A", END)
    assert shared.participants("A") == {} and set(shared.participants("B")) == {"cyd"}
    shared.put_participant("B", "new", ufrags=[ann.ufrags[0]]).expect(201)  # free again


def test_they_go_when_the_meeting_ends(daemon: Daemon):
    until = datetime.now(timezone.utc) + timedelta(seconds=2)
    daemon.api("PUT", "/v1/meetings/A", {"shared_endpoints": [END],
                                         "until": until.strftime("%Y-%m-%dT%H:%M:%SZ")}).expect(201)
    daemon.put_participant("A", "ann", ufrags=[ufrag("abcd")]).expect(201)
    assert daemon.ctl.json("status")["participants"] == 1
    wait.until(lambda: daemon.ctl.json("status")["participants"] == 0, 15, "they are gone")
    daemon.add_shared("B", END)
    daemon.put_participant("B", "ben", ufrags=[ufrag("abcd")]).expect(201)


def test_who_left_is_nobody(shared: Daemon, people: People):
    """The rule goes on, the flow no longer belongs to the meeting."""
    ann = people("CN", "A", "ann")
    hand_over(shared, [ann])
    expect_in_and_out(ann.ways)
    shared.block("A", "--country", "CN")
    expect_in_and_out([], ann.ways)
    shared.ctl("participant", "remove", "A", "ann").ok()
    expect_in_and_out(ann.ways)
    ann.move(4)
    ann.move(6)
    hand_over(shared, [ann])
    expect_in_and_out([], ann.ways)


@pytest.mark.parametrize("families", [(4,), (6,), (4, 6)])
def test_who_left_and_came_back_on_the_same_flow(shared: Daemon, people: People,
                                                 families: tuple[int, ...]):
    """As when the signalling server restarts: all are removed and handed over again."""
    ann = people("CN", "A", "ann", families=families)
    hand_over(shared, [ann])
    expect_in_and_out(ann.ways)
    shared.block("A", "--country", "CN")
    shared.ctl("participant", "remove", "A", "ann").ok()
    expect_in_and_out(ann.ways)
    hand_over(shared, [ann])
    for client in ann.ways:
        client.check()
    expect_in_and_out([], ann.ways, checks=False)
    expect_in_and_out([], ann.ways)


# What is told.

def test_the_list(shared: Daemon, people: People):
    ann, bob = people("CN", "A", "ann"), people("HK", "A", "bob")
    hand_over(shared, (ann, bob))
    shared.put_participant("A", "zoe", ufrags=[ufrag("zoes")]).expect(201)
    expect_in_and_out(ways_of(ann, bob))
    listed = shared.participants("A")
    assert list(listed) == ["ann", "bob", "zoe"]
    assert [person["confirmed_flows"] for person in listed.values()] == [2, 2, 0]
    assert [person["countries"] for person in listed.values()] == [["CN"], ["HK"], []]
    text = shared.ctl("participant", "list", "A").ok().stdout
    for site in SITES.values():
        assert site.v4 not in text and site.v6 not in text, text
    for word in ("ann", "CN", "zoe"):
        assert word in text, text


def test_impact(shared: Daemon, people: People):
    """Counts: of persons, not of flows."""
    crowd = [people(site, "A", f"{site}{number}") for site, count in
             (("CN", 3), ("HK", 2), ("nowhere", 1)) for number in range(count)]
    crowd.append(people("CN", "B", "cyd"))
    hand_over(shared, crowd)
    shared.put_participant("A", "absent", ufrags=[ufrag("zoes")]).expect(201)
    empty = shared.ctl.json("impact", "A")
    assert (empty["participants"], empty["connected"], empty["affected"]) == (7, 0, 0)
    expect_in_and_out(ways_of(*crowd))
    seen = shared.ctl.json("impact", "A")
    assert (seen["participants"], seen["connected"]) == (7, 6)
    assert (seen["by_country"], seen["unplaced"]) == ({"CN": 3, "HK": 2}, 1)
    assert seen["affected"] == 0
    assert shared.ctl.json("impact", "A", "--country", "CN")["affected"] == 3
    assert shared.ctl.json("impact", "A", "--country", "CN", "HK")["affected"] == 5
    assert shared.ctl.json("impact", "A", "--country", "US")["affected"] == 0
    asked = shared.api("GET", "/v1/meetings/A/impact?country=HK").expect(200).json
    assert (asked["affected"], asked["countries_asked"]) == (2, ["HK"])
    shared.api("GET", "/v1/meetings/A/impact?country=XX").problem(400, "XX")
    shared.block("A", "--country", "CN")
    assert shared.ctl.json("impact", "A")["affected"] == 3
    text = shared.ctl("impact", "A").ok().stdout
    assert "3 of 6" in text and not re.search(r"\d+\.\d+\.\d+", text), text


def test_impact_of_other_rules(shared: Daemon, people: People):
    crowd = [people(site, "A", f"of-{site}") for site in SITES]
    hand_over(shared, crowd)
    expect_in_and_out(ways_of(*crowd))
    for options, affected in ((("--allow-only", "US"), 4), (("--participant", "of-nowhere"), 1),
                              (("--country", "CN", "--monitor"), 0),
                              (("--country", "CN", "--except", SITES["CN"].prefixes[0],
                                SITES["CN"].prefixes[1]), 0)):
        rule = shared.block("A", *options)
        assert shared.ctl.json("impact", "A")["affected"] == affected, options
        shared.ctl("unblock", rule).ok()


def test_the_notice(shared: Daemon):
    path = "/v1/meetings/A/notice"
    shared.api("GET", f"{path}?country=CN").problem(404)
    rule = shared.block("A", "--country", "CN", "--for", "2h")
    notice = shared.api("GET", f"{path}?country=CN").expect(200).json
    assert notice["status"] == 451 and notice["rule"] == rule
    assert (notice["meeting"], notice["country"]) == ("A", "CN")
    assert notice["until"] == shared.rule(rule)["until"]
    assert notice["blocked_by"] and notice["demanded_by"] == "host"
    assert notice["until"] in notice["detail"] and "CN" in notice["detail"]
    for query in ("country=HK", "participant=ann"):
        shared.api("GET", f"{path}?{query}").problem(404)
    shared.api("GET", "/v1/meetings/B/notice?country=CN").problem(404)
    shared.api("GET", path).problem(400, "country")
    shared.api("GET", f"{path}?country=cn").problem(400)
    shared.block("A", "--participant", "ann")
    assert shared.api("GET", f"{path}?participant=ann").expect(200).json["country"] is None
    shared.ctl("unblock", rule).ok()
    shared.api("GET", f"{path}?country=CN").problem(404)


def test_a_person_is_told_of_once(shared: Daemon, people: People):
    """The first of a burst, by the platform's identifier."""
    ann, bob = people("CN", "A", "ann"), people("CN", "A", "bob")
    hand_over(shared, (ann, bob))
    expect_in_and_out(ways_of(ann, bob))
    with following(shared, "--json") as lines:
        rule = shared.block("A", "--country", "CN")
        wait.until(lambda: lines, 5, "the follower is there")
        for _ in range(300):
            for client in ways_of(ann, bob):
                client.send_media()
        wait.until(lambda: shared.packets()["dropped"] >= 1200, 10, "1200 are dropped")
        told = wait.until(lambda: len(of_kind(lines, "participant_blocked")) >= 2 and
                          of_kind(lines, "participant_blocked"), 10, "both are told of")
    assert sorted(event["participant"] for event in told) == ["ann", "bob"]
    for event in told:
        assert (event["meeting"], event["country"], event["rule"]) == ("A", "CN", rule)


def test_a_watched_person_is_not_told_of(shared: Daemon, people: People):
    """Who is only counted was not blocked."""
    ann = people("CN", "A", "ann")
    hand_over(shared, [ann])
    shared.block("A", "--country", "CN", "--monitor")
    expect_in_and_out(ann.ways)
    assert "participant_blocked" not in shared.ctl("--json", "events").ok().stdout


def test_no_address_is_told(shared: Daemon, people: People):
    """Not in an event, the log or the status, whatever was done with it."""
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    client = ann.clients[4]
    shared.put_participant("A", "ann", ufrags=ann.ufrags,
                           flows=[flow(client.remote)]).expect(200)
    shared.put_participant("B", "bad", flows=[flow(client.remote)]).problem(409)
    shared.put_participant("B", "bad", flows=[flow("203.0.113.10")]).problem(400)
    line = {"method": "PUT", "path": "/v1/meetings/B/participants/x",
            "body": {"flows": [flow(client.remote)]}}
    shared.api("POST", "/v1/batch", json.dumps(line), Content_Type="application/x-ndjson")
    shared.block("A", "--country", "CN")
    expect_in_and_out(cyd.ways, ann.ways)
    shared.ctl("participant", "remove", "A", "ann").ok()
    told = {"events": shared.ctl("--json", "events").ok().stdout, "log": shared.log,
            "status": shared.ctl("--json", "status").ok().stdout,
            "impact": shared.ctl("--json", "impact", "A").ok().stdout}
    assert "participant_blocked" in told["events"]
    for where, text in told.items():
        for secret in ("203.0.113.", "2001:db8:c:", ann.transport.credentials.ufrag):
            assert secret not in text, f"{secret} is in the {where}: {text}"
    assert "ann" not in shared.log
