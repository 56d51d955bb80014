# SPDX-License-Identifier: Apache-2.0
"""From an order to a rule: who approves, when it is in force, when it ends, and what is told."""

import json

import jsonschema
import pytest

from lab import country_db, pins, wait
from lab.audit_log import bodies, entries, soon
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, endpoints
from lab.events import following, of_kind
from lab.ice_client import expect_in_and_out, shared_endpoint
from lab.lab import Lab
from lab.network import Network
from lab.orders import (APPROVER, RECORDER, SECOND_APPROVER, VIEWER, Desk, as_options, at,
                        moment_of, terms)
from lab.paths import REPOSITORY
from lab.people import People, Person, hand_over, ways_of
from lab.probes import check, everyone
from lab.shell import run
from lab.steps import register_shared
from lab.streams import send

SCHEMA = json.loads((REPOSITORY / "docs" / "order.schema.json").read_text(encoding="utf-8"))
HOUR_S, DAY_S = 3600, 86400
SHORT_S = 3

def everything() -> dict[str, object]:
    """What can be said of an order; as of now."""
    return {
        "authority_type": "court", "office": "Chamber 4, Judge <b>Example</b> & others",
        "case": "EX 17/26", "issued": at(-DAY_S), "channel": "signed-pdf", "category": "assembly",
        "document": "0f" * 32, "requested": "every meeting, for a month",
        "requested_until": at(20 * DAY_S),
        "narrowing": "one meeting, two days: no more is needed", "meetings": ["A"], "from": at(60),
        "expires": at(2 * DAY_S), "review": at(DAY_S), "gag": True, "gag_until": at(3 * DAY_S)}


def valid(part: str, value: object) -> None:
    jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]},
        format_checker=jsonschema.FormatChecker()).validate(value)


@pytest.fixture
def desk(shared: Daemon) -> Desk:
    return Desk(shared)


def desk_with(make_daemon, **policy) -> Desk:
    return Desk(register_shared(make_daemon(policy=policy).start()))


@pytest.fixture
def crowd(people: People, desk: Desk) -> list[Person]:
    """cyn and cai from CN, hal from HK, nel from nowhere; connected in A."""
    made = [people(site, "A", name) for site, name in
            (("CN", "cyn"), ("CN", "cai"), ("HK", "hal"), ("nowhere", "nel"))]
    hand_over(desk.daemon, made)
    expect_in_and_out(ways_of(*made))
    return made


# The record.

def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_an_order_and_its_answers_are_as_the_schema_says(desk: Desk):
    for name, more in (("O-short", {}), ("O-all", everything())):
        wanted = terms(name, **more)
        valid("new_order", wanted)
        answer = desk.api(RECORDER)("POST", "/v1/orders", wanted).expect(201).json
        valid("order", answer)
        assert {key: answer[key] for key in wanted} == wanted
        assert desk.show(name) == answer
        assert (answer["state"], answer["recorded"]["uid"]) == ("recorded", RECORDER.uid)
    assert desk.show("O-all")["narrowed"] and not desk.show("O-short")["narrowed"]
    valid("order", desk.approve("O-all"))
    desk.act("O-all", "extend", RECORDER, why="not over", expires=at(4 * DAY_S)).expect(200)
    valid("order", desk.show("O-all"))
    desk.act("O-short", "reject", why="improperly served").expect(200)
    listed = desk.daemon.api("GET", "/v1/orders").expect(200).json
    for answer in listed:
        valid("order", answer)
    assert desk.daemon.ctl.json("order", "list") == listed
    assert [one["id"] for one in desk.daemon.ctl.json("order", "list", "--state", "rejected")] == [
        "O-short"]


def test_the_schema_refuses_what_the_daemon_refuses(desk: Desk):
    for more in ({"jurisdiction": "China"}, {"channel": "telepathy"}, {"countries": ["CN"]},
                 {"authority": ""}, {"authority": "x" * 201}, {"document": "abc"},
                 {"received": "yesterday"}, {"gag": "yes"}, {"meetings": "A"}, {"meetings": ["*"]}):
        wanted = terms(**more)
        assert desk.api(RECORDER)("POST", "/v1/orders", wanted).status in (400, 422), more
        with pytest.raises(jsonschema.ValidationError):
            valid("new_order", wanted)


def test_what_nobody_says(desk: Desk, make_daemon):
    """72 hours from its begin; looked at again after a week where it lasts longer."""
    order = desk.record()
    lasts = moment_of(order["expires"]) - moment_of(order["from"])
    assert (lasts.total_seconds(), order["review"], order["channel"]) == (72 * HOUR_S, None, "other")
    long = desk.record("O-2", expires=at(20 * DAY_S))
    assert (moment_of(long["review"]) - moment_of(long["from"])).total_seconds() == 7 * DAY_S
    assert desk.record("O-3", gag=True)["gag_without_end"]


def test_a_document_is_its_hash(desk: Desk, lab: Lab):
    folder = lab.new_folder("letters")
    letter = folder / "letter.pdf"
    letter.write_bytes(b"%PDF-1.4 to the provider")
    shown = desk.daemon.ctl("--json", "order", "add", *as_options(terms()), "--document",
                            letter).ok().json
    assert shown["document"] == run("sha256sum", str(letter)).stdout.split()[0]
    stored = b"".join(path.read_bytes() for path in desk.daemon.state_dir.rglob("*")
                      if path.is_file())
    assert b"to the provider" not in stored


# Approval.

def test_nothing_happens_before_it_is_approved(desk: Desk, crowd: list[Person]):
    cyn, cai, hal, nel = crowd
    desk.record(meetings=["A"])
    rule = desk.block("A")
    assert (rule["state"], rule["basis"], rule["order"]) == ("pending", "order", "O-1")
    expect_in_and_out(ways_of(*crowd))
    assert desk.daemon.packets()["dropped"] == 0
    desk.daemon.api("GET", "/v1/meetings/A/notice?country=CN").problem(404)
    assert desk.daemon.ctl.json("impact", "A")["affected"] == 0
    assert desk.approve()["state"] == "active"
    assert desk.daemon.rule(rule["id"])["state"] == "active"
    expect_in_and_out(ways_of(hal, nel), ways_of(cyn, cai))
    told = [entry["what"] for entry in entries(desk.daemon)][-2:]
    assert told == ["order_approved", "rule_changed"], told


def test_who_is_told_what(desk: Desk, crowd: list[Person]):
    """A person kept out: by whom and on what ground; of an order that must not be spoken of, that
    there is one."""
    desk.approved(meetings=["A"], expires=at(HOUR_S))
    rule = desk.block("A")["id"]
    notice = desk.daemon.api("GET", "/v1/meetings/A/notice?country=CN").expect(200).json
    assert (notice["status"], notice["order"], notice["rule"]) == (451, "O-1", rule)
    assert notice["demanded_by"] == "Example District Court"
    assert notice["legal_basis"] == "Example Act, section 7"
    desk.act("O-1", "withdraw", why="served anew").expect(200)
    desk.approved("O-2", gag=True)
    desk.block("A", "O-2")
    notice = desk.daemon.api("GET", "/v1/meetings/A/notice?country=CN").expect(200).json
    assert (notice["status"], notice["order"], notice["legal_basis"]) == (451, None, None)
    assert "Example" not in json.dumps(notice)
    explained = desk.daemon.ctl.json("explain", "--from", crowd[0].clients[4].remote, "--to",
                                     shared_endpoint(4))
    assert (explained["verdict"], explained["order"]) == ("drop", "O-2")


def test_nobody_has_to_approve(make_daemon):
    desk = desk_with(make_daemon, approvals=0)
    assert desk.record()["state"] == "approved"
    assert desk.block("A")["state"] == "active"
    assert desk.record("O-oral", channel="oral")["state"] == "recorded"
    desk.act("O-oral", "approve").problem(422, "orally")
    assert desk.block("A", "O-oral")["state"] == "pending"
    longer = desk.act("O-1", "extend", RECORDER, why="more", expires=at(5 * DAY_S)).expect(200).json
    assert longer["extension"] is None and moment_of(longer["expires"]) > moment_of(at(4 * DAY_S))


def test_two_have_to_approve(make_daemon, people: People):
    desk = desk_with(make_daemon, approvals=2)
    cyn = people("CN", "A", "cyn")
    hand_over(desk.daemon, [cyn])
    expect_in_and_out(cyn.ways)
    desk.record()
    desk.block("A")
    half = desk.approve(by=APPROVER)
    assert (half["state"], len(half["approvals"]), half["approvals_needed"]) == ("recorded", 1, 2)
    expect_in_and_out(cyn.ways)
    assert desk.approve(by=SECOND_APPROVER)["state"] == "active"
    expect_in_and_out([], cyn.ways)
    assert [(body["approvals"], body["needed"], body["state"])
            for body in bodies(desk.daemon, "order_approved")] == [
                (1, 2, "recorded"), (2, 2, "approved")]


def test_approvals_outlive_the_daemon(make_daemon):
    """And whoever asked is still known."""
    desk = desk_with(make_daemon, approvals=2)
    desk.record(meetings=["A"])
    rule = desk.block("A")["id"]
    desk.approve(by=APPROVER)
    before = desk.show()
    desk.daemon.kill9()
    desk.daemon.start()
    assert desk.show() == before
    desk.act("O-1", "approve", RECORDER).problem(422)
    desk.act("O-1", "approve", APPROVER).problem(422)
    desk.approve(by=SECOND_APPROVER)
    assert desk.daemon.rule(rule)["state"] == "active"


# Its end.

def test_reject(desk: Desk):
    for order, why, reason, text in (("O-1", "overbroad", "overbroad", None),
                                     ("O-2", "no legal basis", "no_legal_basis", None),
                                     ("O-3", "outside-jurisdiction", "outside_jurisdiction", None),
                                     ("O-4", "the seal is of 1950", "other", "the seal is of 1950")):
        desk.record(order)
        rule = desk.block("A", order)["id"]
        rejected = desk.daemon.ctl("--json", "order", "reject", order, "--why", why).ok().json
        assert (rejected["state"], rejected["ended"]["reason"], rejected["ended"]["why"]) == (
            "rejected", reason, text)
        assert desk.daemon.rule(rule)["state"] == "withdrawn"
    assert bodies(desk.daemon, "rule_ended") == []  # none was ever in force
    assert [body["reason"] for body in bodies(desk.daemon, "order_rejected")] == [
        "overbroad", "no_legal_basis", "outside_jurisdiction", "other"]


def test_withdraw(desk: Desk, crowd: list[Person]):
    desk.approved(meetings=["A", "B"])
    rules = [desk.block(meeting)["id"] for meeting in ("A", "B")]
    expect_in_and_out(ways_of(*crowd[2:]), ways_of(*crowd[:2]))
    desk.ctl(APPROVER)("order", "withdraw", "O-1", "--why", "the court lifted it", "--yes").ok()
    expect_in_and_out(ways_of(*crowd))
    assert desk.state() == "withdrawn"
    assert [desk.daemon.rule(rule)["state"] for rule in rules] == ["withdrawn"] * 2
    ended = soon(desk.daemon, "rule_ended", 2)
    assert {(body["rule"], body["state"]) for body in ended} == {
        (rule, "withdrawn") for rule in rules}
    assert ended[0]["participants_affected"] == 2 and ended[0]["packets_by_country"].keys() == {"CN"}


def test_it_ends_by_its_time(desk: Desk, crowd: list[Person]):
    """Approved or not, and with all its rules."""
    with following(desk.daemon, "--json") as lines:
        desk.record("O-2", expires=at(SHORT_S))
        waiting = desk.block("A", "O-2")["id"]
        desk.approved(meetings=["A"], expires=at(SHORT_S))
        rule = desk.block("A")["id"]
        wait.until(lambda: desk.state() == desk.state("O-2") == "expired", SHORT_S + 5, "both end")
        expect_in_and_out(ways_of(*crowd))
        wait.until(lambda: len(of_kind(lines, "order_expired")) == 2, 5, lambda: f"told: {lines}")
    assert [desk.daemon.rule(one)["state"] for one in (rule, waiting)] == ["expired"] * 2
    assert sorted(body["order"] for body in soon(desk.daemon, "order_expired", 2)) == ["O-1", "O-2"]
    assert [body["rule"] for body in soon(desk.daemon, "rule_ended")] == [rule]


def test_it_is_to_be_looked_at_again(desk: Desk):
    with following(desk.daemon, "--json") as lines:
        desk.approved(expires=at(HOUR_S), review=at(2))
        wait.until(lambda: desk.show()["review_due"], 7, "the review is due")
        told = wait.until(lambda: of_kind(lines, "review_due"), 5, lambda: f"told: {lines}")
    assert told[0]["order"] == "O-1" and len(bodies(desk.daemon, "review_due")) == 1
    assert desk.daemon.ctl.json("status")["orders"]["review_due"] == 1
    assert desk.state() == "approved"  # to be looked at, and not ended


def test_a_later_end_takes_an_approval(desk: Desk):
    first = desk.approved(meetings=["A"], expires=at(HOUR_S))
    rule = desk.block("A")
    short = desk.block("A", until=at(HOUR_S / 2))
    asked = desk.daemon.ctl("--json", "order", "extend", "O-1", "--for", "1h", "--why",
                            "the hearing is later").ok().json
    assert asked["expires"] == first["expires"] and asked["extension"]["approvals"] == []
    assert desk.daemon.rule(rule["id"])["until"] == rule["until"]
    later = desk.approve(by=RECORDER)  # asked for by root: to whoever recorded the order it is news
    assert (moment_of(later["expires"]) - moment_of(first["expires"])).total_seconds() == HOUR_S
    assert desk.daemon.rule(rule["id"])["until"] == later["expires"]
    assert desk.daemon.rule(short["id"])["until"] == short["until"]  # was to end before
    assert bodies(desk.daemon, "order_extended")[0]["expired_before"] == first["expires"]


def test_a_rule_ends_without_its_order(desk: Desk):
    desk.approved()
    rule = desk.block("A")["id"]
    assert desk.state() == "active"
    desk.daemon.ctl("unblock", rule, "--why", "the meeting is over").ok()
    assert desk.state() == "approved"
    assert desk.block("A")["state"] == "active"


def test_what_the_running_check_ends(meetings: Daemon, network: Network):
    """One packet that the order does not account for ends all of it, for ever."""
    desk = Desk(meetings)
    desk.approved(meetings=["A", "B"], expires=at(HOUR_S))
    rule, other = desk.block("A")["id"], desk.block("B", mode="monitor")["id"]
    host = meetings.block("B", "--country", "HK")
    pins.widen_rule(meetings.bpf_dir, int(rule[1:]), int(host[1:]))
    into_a = endpoints(PORT_A)[0]
    wait.until(lambda: (send(network.participants["HK"], into_a, 1), desk.state())[1] == "suspended",
               10, lambda: f"the order is suspended\n{meetings.log}")
    check(everyone(network, {("HK", PORT_B)}))
    assert [meetings.rule(one)["suspended"] for one in (rule, other, host)] == [True, True, False]
    ended = soon(meetings, "rule_ended", 2)
    assert [(body["state"], body["drops_outside_scope"] > 0) for body in ended] == [
        ("suspended", True), ("suspended", False)]
    why = bodies(meetings, "order_suspended")[0]["why"]
    assert "HK" in why and desk.show()["ended"]["why"] == why
    for what, body in (("approve", {}), ("withdraw", {"why": "so"}), ("reject", {"why": "overbroad"}),
                       ("extend", {"why": "so", "expires": at(DAY_S)})):
        assert desk.act("O-1", what, **body).problem(409).json["code"] == "order_ended"
    assert desk.ask_block("A").problem(409).json["code"] == "order_ended"
    meetings.kill9()
    meetings.start()
    assert desk.state() == "suspended"
    assert meetings.api("GET", "/v1/report").expect(200).json["orders"]["suspended"] == 1
    desk.approved("O-2", meetings=["A"])
    desk.block("A", "O-2")
    check(everyone(network, {("CN", PORT_A), ("HK", PORT_B)}))
    meetings.ctl("audit", "verify").ok()
    meetings.terminate()  # what it counted stays, and is a promise in every other test


# Armed: in force before its meeting exists.

def test_armed_ahead(desk: Desk, people: People):
    desk.approved(meetings=["later"])
    rule = desk.block("later")
    assert rule["armed"] and not rule["preview"]["registered"]
    text = desk.daemon.ctl("rule", "list").ok().stdout
    assert "armed" in text
    end = [shared_endpoint(family) for family in (4, 6)]
    desk.daemon.add_shared("later", *end)
    assert not desk.daemon.rule(rule["id"])["armed"]
    cyn, hal = people("CN", "later", "cyn"), people("HK", "later", "hal")
    hand_over(desk.daemon, (cyn, hal))
    expect_in_and_out(hal.ways, cyn.ways)


def test_a_meeting_that_comes_back(desk: Desk, people: People):
    """The rule is about its identifier: it waits, survives a restart, and its counts go on."""
    desk.approved(meetings=["A"])
    rule = desk.block("A")["id"]
    host = desk.daemon.block("A", "--country", "HK")
    cyn = people("CN", "A", "cyn")
    hand_over(desk.daemon, [cyn])
    expect_in_and_out([], cyn.ways)
    desk.daemon.ctl("meeting", "remove", "A").ok()
    before = desk.daemon.rule(rule)
    assert before["armed"] and before["packets_dropped"] > 0
    assert desk.daemon.rule(host)["state"] == "withdrawn"  # was the meeting's own
    expect_in_and_out(cyn.ways)
    desk.daemon.terminate()
    desk.daemon.start()
    assert desk.daemon.rule(rule)["packets_dropped"] == before["packets_dropped"]
    desk.daemon.add_shared("A", *(shared_endpoint(family) for family in (4, 6)))
    back = people("CN", "A", "cyn")
    hand_over(desk.daemon, [back])
    expect_in_and_out([], back.ways)
    now = desk.daemon.rule(rule)
    assert not now["armed"] and now["packets_dropped"] > before["packets_dropped"]
    desk.daemon.ctl("unblock", rule).ok()
    ended = soon(desk.daemon, "rule_ended", 2)[-1]
    assert ended["packets_dropped"] == desk.daemon.rule(rule)["packets_dropped"]


# The preview.

def counts(preview: dict) -> tuple:
    return tuple(preview[key] for key in ("participants", "connected", "by_country", "unplaced",
                                          "affected", "disputed", "collateral"))


def test_the_preview_is_exact(desk: Desk, crowd: list[Person]):
    desk.daemon.put_participant("A", "zoe", ufrags=[{"endpoint": str(shared_endpoint(4)),
                                                     "ufrag": "zoes"}]).expect(201)
    desk.approved(meetings=["A", "B", "none"])
    expected = (5, 4, {"CN": 2, "HK": 1}, 1, 2, 0, 0)
    dry = desk.ask_block("A", dry_run=True).expect(200).json
    assert dry["id"] is None and counts(dry["preview"]) == expected
    assert desk.daemon.ctl.json("rule", "list") == []
    text = desk.daemon.ctl("block", "A", "--country", "CN", "--order", "O-1", "--dry-run").ok().stdout
    for word in ("CN (China)", "HK (Hong Kong)", "affected", "unplaced", "collateral"):
        assert word in text, text
    real = desk.block("A")
    assert counts(real["preview"]) == expected
    expect_in_and_out(ways_of(*crowd[2:]), ways_of(*crowd[:2]))
    empty = desk.ask_block("B", dry_run=True).expect(200).json["preview"]
    assert counts(empty) == (0, 0, {}, 0, 0, 0, 0) and empty["registered"]
    assert not desk.ask_block("none", dry_run=True).expect(200).json["preview"]["registered"]
    said = desk.daemon.ctl("block", "B", "--country", "CN", "--order", "O-1", "--yes").ok().stdout
    assert "the meeting stays undisturbed; the rule is armed" in said


FIRST = {"203.0.113.0/24": "CN", "198.51.100.0/24": "HK", "192.0.2.0/24": "US"}
SECOND = {"203.0.113.0/25": "HK", "198.51.100.0/24": "HK", "192.0.2.0/24": "US"}


@pytest.fixture
def disagreeing(make_daemon) -> Desk:
    """Two databases of which the first is believed; of 203.0.113.0/25 they say CN and HK."""
    daemon = make_daemon()
    paths = [country_db.make_simple(daemon.directory / f"{number}.mmdb", places)
             for number, places in enumerate((FIRST, SECOND))]
    daemon.config["geo"] = {"databases": list(map(str, paths)), "agreement": "first",
                            "min_countries": 1}
    daemon.write_config()
    return Desk(register_shared(daemon.start()))


def test_databases_that_disagree(disagreeing: Desk, people: People):
    """A host may go by the first one. An order keeps nobody out whom one of them places elsewhere."""
    desk = disagreeing
    desk.approved(meetings=["A"])
    cyn, hal = (people(site, "A", name, families=(4,)) for site, name in
                (("CN", "cyn"), ("HK", "hal")))
    hand_over(desk.daemon, (cyn, hal))
    expect_in_and_out(ways_of(cyn, hal))
    before = desk.everything()
    refused = desk.ask_block("A").problem(422, "1 of the 1", "geo status")
    assert refused.json["code"] == "collateral"
    assert desk.ask_block("A", dry_run=True).problem(422).json["code"] == "collateral"
    desk.ctl(RECORDER)("block", "A", "--country", "CN", "--order", "O-1", "--yes").refused("1 of the 1")
    assert desk.everything() == before
    assert [body["code"] for body in bodies(desk.daemon, "request_refused")] == ["collateral"] * 3
    expect_in_and_out(ways_of(cyn, hal))
    host = desk.daemon.api("POST", "/v1/rules?dry_run=true",
                           {"meeting": "A", "countries": ["CN"]}).expect(200).json
    assert counts(host["preview"]) == (2, 2, {"CN": 1, "HK": 1}, 0, 1, 1, 0)


def test_asked_once_more_when_it_is_enforced(disagreeing: Desk, people: People):
    """Who came while it only counted is not kept out without having been asked about."""
    desk = disagreeing
    desk.approved(meetings=["A"])
    rule = desk.block("A", mode="monitor")["id"]
    cyn = people("CN", "A", "cyn", families=(4,))
    hand_over(desk.daemon, [cyn])
    expect_in_and_out(cyn.ways)
    refused = desk.api(RECORDER)("PATCH", f"/v1/rules/{rule}", {"mode": "enforce"}).problem(422)
    assert refused.json["code"] == "collateral"
    assert desk.daemon.rule(rule)["mode"] == "monitor"
    expect_in_and_out(cyn.ways)


def test_asked_once_more_when_it_is_approved(disagreeing: Desk, people: People):
    """Who came meanwhile counts: the approval is refused, and the order waits."""
    desk = disagreeing
    desk.record(meetings=["A"])
    rule = desk.block("A")["id"]
    cyn = people("CN", "A", "cyn", families=(4,))
    hand_over(desk.daemon, [cyn])
    expect_in_and_out(cyn.ways)
    assert desk.act("O-1", "approve").problem(422).json["code"] == "collateral"
    assert (desk.state(), desk.show()["approvals"]) == ("recorded", [])
    assert desk.daemon.rule(rule)["state"] == "pending"
    desk.daemon.ctl("participant", "remove", "A", "cyn").ok()
    assert desk.approve()["state"] == "active"


# The declarative form.

def test_orders_in_a_declaration(desk: Desk, lab: Lab):
    """They are records: what is there stays as it is, what is not is recorded and waits."""
    file = lab.new_folder("declaration") / "state.json"
    desk.approved(meetings=["A"])
    desk.block("A")
    file.write_text(desk.daemon.ctl("export").ok().stdout, encoding="utf-8")
    state = json.loads(file.read_text(encoding="utf-8"))
    assert [one["id"] for one in state["orders"]] == ["O-1"]
    assert state["meetings"][0]["rules"][0]["order"] == "O-1"
    assert desk.daemon.ctl("--json", "diff", file).ok().json["changes"] == []
    state["orders"].append(terms("O-2", meetings=["B"]))
    state["meetings"][1]["rules"].append({"countries": ["CN"], "order": "O-2"})
    file.write_text(json.dumps(state), encoding="utf-8")
    made = desk.ctl(RECORDER)("--json", "apply", "-", text=file.read_text()).ok().json["changes"]
    assert [(change["action"], change["kind"]) for change in made] == [
        ("add", "order"), ("add", "rule")], made
    assert (desk.state("O-2"), desk.daemon.ctl.json("rule", "list", "B")[0]["state"]) == (
        "recorded", "pending")
    desk.act("O-2", "approve", RECORDER).problem(422)
    desk.approve("O-2")
    without = state | {"orders": [], "meetings": [meeting | {"rules": []}
                                                  for meeting in state["meetings"]]}
    desk.daemon.ctl("--json", "apply", "-", "--yes", text=json.dumps(without)).ok()
    assert (desk.state("O-1"), desk.state("O-2")) == ("active", "active")
    state["orders"][0]["authority"] = "Somebody Else"
    desk.daemon.ctl("--json", "apply", "-", text=json.dumps(state)).refused("O-1")


def test_a_declaration_is_judged_the_same(desk: Desk):
    desk.approved(meetings=["A"])
    before = desk.everything()
    meetings = [{"id": name, "shared_endpoints": [str(shared_endpoint(family, transport))
                                                  for transport in ("udp", "tcp")
                                                  for family in (4, 6)]} for name in ("A", "B")]
    for index, rule, code in ((0, {"countries": ["HK"], "order": "O-1"}, "order_country"),
                              (1, {"countries": ["CN"], "order": "O-1"}, "order_meetings"),
                              (0, {"allow_only": ["US"], "order": "O-1"}, "order_whom")):
        wanted = [dict(meeting, rules=[rule] if at_ == index else [])
                  for at_, meeting in enumerate(meetings)]
        answer = desk.api(RECORDER)("PUT", "/v1/declaration", {"meetings": wanted})
        assert answer.problem(422).json["code"] == code
        assert bodies(desk.daemon, "request_refused")[-1]["code"] == code
    assert desk.everything() == before


def test_orders_must_name_meetings_where_that_is_wanted(make_daemon):
    desk = desk_with(make_daemon, named_meetings=True)
    answer = desk.api(RECORDER)("POST", "/v1/orders", terms())
    assert answer.problem(422, "named_meetings").json["code"] == "order_meetings"
    desk.approved("O-2", meetings=["A"])
    assert desk.block("A", "O-2")["state"] == "active"


def test_html_is_text(desk: Desk):
    """Kept as it is, escaped where it is shown."""
    desk.record(authority="Court <script>alert(1)</script> & \"Sons\"")
    page = desk.daemon.api("GET", "/v1/report?format=html").expect(200).text
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "<script>" in desk.show()["authority"]
    desk.ctl(VIEWER)("order", "show", "O-1").ok()
