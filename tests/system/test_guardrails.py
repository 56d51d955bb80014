# SPDX-License-Identifier: Apache-2.0
"""What an order may not do, whoever asks and by whichever way: refused with its own code, written down,
and nothing changed."""

from dataclasses import dataclass
from typing import Any

import pytest

from lab.audit_log import entries
from lab.client import each
from lab.daemon import Daemon
from lab.ice_client import expect_in_and_out
from lab.orders import (APPROVER, RECORDER, SECOND_APPROVER, STRANGER, VIEWER, Desk, as_options, at,
                        terms)
from lab.people import People, hand_over, ways_of
from lab.steps import register_shared
from lab.users import User

DAY_S = 86400
RIGHT_TO_LEFT = "\u202e"


@dataclass(frozen=True)
class Attempt:
    """By HTTP and, where it has words for it, by the control tool."""

    code: str | None
    status: int
    path: str
    body: dict[str, Any]
    words: tuple[object, ...] = ()
    by: User = RECORDER
    method: str = "POST"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body}"


def order(code: str | None, status: int, tool: bool = True, **more: Any) -> Attempt:
    wanted = terms("O-new") | more
    return Attempt(code, status, "/v1/orders", wanted,
                   ("order", "add", *as_options(wanted)) if tool else ())


def decision(code: str | None, status: int, what: str, name: str, by: User = APPROVER,
             **body: Any) -> Attempt:
    options = [word for key, value in body.items() for word in (f"--{key}", value)]
    return Attempt(code, status, f"/v1/orders/{name}/{what}", body,
                   ("order", what, name, *options), by)


def block(code: str | None, status: int, meeting: str = "A", under: str = "O-1",
          tool: bool = True, **more: Any) -> Attempt:
    whom = more if {"participant", "allow_only", "countries"} & set(more) else {
        "countries": ["CN"], **more}
    words: list[object] = ["block", meeting, "--order", under, "--yes"]
    for key, value in whom.items():
        option = {"countries": "country"}.get(key, key).replace("_", "-")
        words += [f"--{option}", *(value if isinstance(value, list) else [value])]
    return Attempt(code, status, "/v1/rules", {"meeting": meeting, "order": under, **whom},
                   tuple(words) if tool else ())


def change(rule: str, code: str, status: int, **body: Any) -> Attempt:
    return Attempt(code, status, f"/v1/rules/{rule}", body, method="PATCH")


def told(daemon: Daemon, attempt: Attempt, count: int) -> None:
    """The entries since then: one, with everything but what was written wrongly."""
    new = entries(daemon)[count:]
    assert [entry["what"] for entry in new] == ["request_refused"], new
    body = new[0]["body"]
    assert (body["code"], body["status"]) == (attempt.code, attempt.status), body
    assert body["request"].startswith(f"{attempt.method} /v1/"), body
    assert new[0]["actor"]["uid"] == attempt.by.uid, new[0]


def check_refused(desk: Desk, attempt: Attempt) -> None:
    before, count = desk.everything(), len(entries(desk.daemon))
    answer = desk.api(attempt.by)(attempt.method, attempt.path, attempt.body)
    answer.problem(attempt.status)
    assert answer.json.get("code") == attempt.code, answer.text
    told(desk.daemon, attempt, count)
    if attempt.words:
        desk.ctl(attempt.by)(*attempt.words).refused()
        told(desk.daemon, attempt, count + 1)
    assert desk.everything() == before


@pytest.fixture
def desk(make_daemon) -> Desk:
    """Two approvals. O-1 is about meeting A and approved, O-rec waits for one more, O-oral cannot have
    any, O-out was withdrawn; r1 is a rule of O-1, and r2 the host's."""
    daemon = register_shared(make_daemon(policy={"approvals": 2, "max_duration": "30d"}).start())
    desk = Desk(daemon)
    for name, more in (("O-1", {"meetings": ["A"], "expires": at(2 * DAY_S)}), ("O-rec", {}),
                       ("O-oral", {"channel": "oral"}), ("O-out", {})):
        desk.record(name, **more)
    for user in (APPROVER, SECOND_APPROVER):
        desk.approve(by=user)
    desk.approve("O-rec", APPROVER)
    desk.act("O-out", "withdraw", RECORDER, why="recorded twice").expect(200)
    desk.block("A")
    daemon.block("A", "--country", "HK")
    return desk


def test_what_an_order_says(desk: Desk):
    """One country by its code, meetings by their names, an end, and no address anywhere."""
    each([
        *(order("order_country", 400, jurisdiction=code)
          for code in ("China", "cn", "CHN", "EU", "AP", "A1", "UK", "XX", "ZZ", "CN,HK", "*",
                       "203.0.113.0/24")),
        order("order_country", 422, tool=False, countries=["CN"]),
        order("order_country", 422, tool=False, addresses=["203.0.113.10"]),
        order("order_meetings", 422, meetings=["*"]),
        order("order_meetings", 422, meetings=["A", "team-*"]),
        order("order_duration", 422, expires=at(30 * DAY_S + 300)),
        order("order_exists", 409, id="O-1"),
        order("order_exists", 409, id="O-out"),
        order("text_has_address", 400, authority="Court of 203.0.113.10"),
        order("text_has_address", 400, legal_basis="keep 2001:db8:c::10 out"),
        order("text_has_address", 400, requested="all of 203.0.113.10:51000."),
    ], lambda attempt: check_refused(desk, attempt))


def test_the_texts_of_an_order(desk: Desk):
    each([
        order("text_unprintable", 400, authority=f"Court {RIGHT_TO_LEFT}of nobody"),
        order("text_unprintable", 400, legal_basis="section 7\nsection 8"),
        order("text_unprintable", 400, case="\x1b[2J"),
        order("text_length", 400, authority=""),
        order("text_length", 400, authority="x" * 201),
        order("text_length", 400, legal_basis="x" * 501),
        order("text_length", 400, requested="x" * 2001),
        order("text_length", 400, category="x" * 101),
        order(None, 400, channel="telepathy"),
        order(None, 400, authority_type="king"),
        order(None, 400, tool=False, document="abc"),
        order(None, 400, tool=False, authority=None),
        order(None, 400, tool=False, gag="yes"),
        order(None, 400, tool=False, authorty="a word that is nearly one"),
    ], lambda attempt: check_refused(desk, attempt))


def test_the_times_of_an_order(desk: Desk):
    each([
        order("order_times", 400, expires=at(-60)),
        order("order_times", 400, **{"from": at(7200), "expires": at(3600)}),
        order("order_times", 400, **{"from": at(-7200), "expires": at(3600)}),
        order("order_times", 400, received=at(3600)),
        order("order_times", 400, issued=at(-60), received=at(-3600)),
        order("order_times", 400, gag_until=at(3600)),
        order("order_times", 400, gag=True, gag_until=at(-7200)),
        order("order_times", 400, expires=at(3600), review=at(7200)),
        order("order_times", 400, review=at(-3600)),
        order(None, 400, tool=False, received="yesterday"),
        order(None, 400, tool=False, expires="2026-02-30T00:00:00Z"),
    ], lambda attempt: check_refused(desk, attempt))


def test_who_approves(desk: Desk):
    each([
        decision("own_approval", 422, "approve", "O-rec", RECORDER),
        decision("approved_twice", 422, "approve", "O-rec", APPROVER),
        decision("order_oral", 422, "approve", "O-oral"),
        decision("order_state", 409, "approve", "O-1"),
        decision("order_ended", 409, "approve", "O-out"),
        decision(None, 404, "approve", "O-none"),
    ], lambda attempt: check_refused(desk, attempt))


def test_what_becomes_of_an_order(desk: Desk):
    each([
        decision("order_state", 409, "reject", "O-1", why="overbroad"),
        decision(None, 400, "reject", "O-rec", why="overbraod"),
        decision(None, 400, "reject", "O-rec", why="other"),
        decision("text_length", 400, "reject", "O-rec", why=""),
        decision("text_has_address", 400, "reject", "O-rec", why="it is about 203.0.113.10"),
        decision("order_ended", 409, "reject", "O-out", why="overbroad"),
        decision("order_ended", 409, "withdraw", "O-out", why="again"),
        decision("text_length", 400, "withdraw", "O-rec", why=""),
        decision("order_state", 409, "extend", "O-rec", why="more", expires=at(5 * DAY_S)),
        decision("order_times", 400, "extend", "O-1", why="less", expires=at(DAY_S)),
        decision("order_duration", 422, "extend", "O-1", why="for ever", expires=at(31 * DAY_S)),
        decision("order_ended", 409, "extend", "O-out", why="more", expires=at(5 * DAY_S)),
    ], lambda attempt: check_refused(desk, attempt))


def test_who_approves_an_extension(desk: Desk):
    """Neither who asked for it, nor anybody twice; and there is one at a time."""
    desk.act("O-1", "extend", APPROVER, why="the hearing is later", expires=at(4 * DAY_S)).expect(200)
    desk.approve(by=RECORDER)  # recorded the order, and did not ask for this
    each([
        decision("own_approval", 422, "approve", "O-1", APPROVER),
        decision("approved_twice", 422, "approve", "O-1", RECORDER),
        decision("order_state", 409, "extend", "O-1", why="more", expires=at(5 * DAY_S)),
    ], lambda attempt: check_refused(desk, attempt))


def test_what_a_rule_under_an_order_says(desk: Desk):
    """Its country and no other, in a meeting it names, not beyond its end."""
    each([
        *(block("order_country", 422, countries=[code]) for code in ("HK", "MO", "TW", "US")),
        block("order_one_country", 422, countries=["CN", "HK"]),
        block("order_whom", 422, allow_only=["US"]),
        block("order_meetings", 422, "B"),
        block("order_meetings", 422, "*"),
        block("order_meetings", 422, "*", "O-rec"),
        block("order_duration", 422, until=at(3 * DAY_S)),
        block("order_ended", 409, under="O-out"),
        block(None, 404, under="O-none"),
        *(block("not_a_country", 400, tool=False, countries=[code])
          for code in ("EU", "AP", "China", "cn", "203.0.113.0/24")),
        block(None, 400, tool=False, countries=[]),
    ], lambda attempt: check_refused(desk, attempt))


def test_a_rule_is_not_widened(desk: Desk):
    """Neither the order's by its host nor the host's by an order, nor either beyond its end."""
    each([
        *(change(rule, "basis_fixed", 422, **body) for rule in ("r1", "r2")
          for body in ({"order": "O-1"}, {"order": None}, {"basis": "host"}, {"meeting": "B"},
                       {"countries": ["CN", "HK"]}, {"allow_only": ["US"]}, {"participant": "ann"},
                       {"except": []}, {"mode": "enforce", "countries": ["TW"]})),
        change("r1", "order_duration", 422, until=at(3 * DAY_S)),
    ], lambda attempt: check_refused(desk, attempt))
    assert [rule["basis"] for rule in desk.daemon.ctl.json("rule", "list")] == ["order", "host"]


def test_a_participant_only_while_there(desk: Desk, people: People):
    """Who is elsewhere, nowhere, or not there at all, an order cannot keep out by name either."""
    cyn, hal, nel = (people(site, "A", name) for site, name in
                     (("CN", "cyn"), ("HK", "hal"), ("nowhere", "nel")))
    crowd = (cyn, hal, nel)
    hand_over(desk.daemon, crowd)
    desk.daemon.put_participant("A", "zoe", ufrags=[{"endpoint": "udp:198.18.0.1:10000",
                                                     "ufrag": "zoes"}]).expect(201)
    desk.daemon.ctl("unblock", "r1").ok()
    desk.daemon.ctl("unblock", "r2").ok()
    expect_in_and_out(ways_of(*crowd))
    each([block("participant_elsewhere", 422, participant=name)
          for name in ("hal", "nel", "zoe", "nobody")], lambda attempt: check_refused(desk, attempt))
    rule = desk.block("A", participant="cyn")
    assert (rule["participant"], rule["preview"]["affected"]) == ("cyn", 1)
    expect_in_and_out(ways_of(hal, nel), cyn.ways)
    moved = [cyn.move(family, "HK") for family in (4, 6)]  # the order ends at its border
    expect_in_and_out([*ways_of(hal, nel), *moved])


def test_a_dry_run_is_judged_the_same(desk: Desk):
    """And an attempt at what is forbidden is written down; a viewer may ask it."""
    count = len(entries(desk.daemon))
    before = desk.everything()
    for user in (RECORDER, VIEWER):
        desk.ask_block("A", by=user, dry_run=True, countries=["HK"]).problem(422, "HK")
        desk.ask_block("A", by=user, dry_run=True).expect(200)
    desk.ctl(VIEWER)("block", "A", "--country", "HK", "--order", "O-1", "--dry-run").refused("HK")
    new = entries(desk.daemon)[count:]
    assert [entry["body"]["code"] for entry in new] == ["order_country"] * 3, new
    assert [entry["actor"]["uid"] for entry in new] == [RECORDER.uid, VIEWER.uid, VIEWER.uid]
    assert desk.everything() == before


def test_who_may_only_look(desk: Desk):
    """Whatever the order: viewers and strangers neither record nor decide, and it is told that they
    tried."""
    before, count = desk.everything(), len(entries(desk.daemon))
    for user in (VIEWER, STRANGER):
        tool = desk.ctl(user)
        for words in (("order", "add", *as_options(terms("O-new"))), ("order", "approve", "O-rec"),
                      ("order", "reject", "O-rec", "--why", "overbroad"),
                      ("order", "withdraw", "O-1", "--why", "so", "--yes"),
                      ("order", "extend", "O-1", "--expires", at(4 * DAY_S), "--why", "so"),
                      ("block", "A", "--country", "CN", "--order", "O-1", "--yes"),
                      ("unblock", "r1")):
            tool(*words).refused()
    for words in (("order", "list"), ("order", "show", "O-1"), ("audit", "show"), ("report",)):
        desk.ctl(VIEWER)(*words).ok()
        desk.ctl(STRANGER)(*words).refused()
    assert desk.everything() == before
    new = entries(desk.daemon)[count:]
    assert [(entry["actor"]["uid"], entry["body"]["status"]) for entry in new][:14] == (
        [(VIEWER.uid, 403)] * 7 + [(STRANGER.uid, 403)] * 7), new
