# SPDX-License-Identifier: Apache-2.0
"""The audit log: what stands in it, and that it holds, whatever happens to the daemon, to the disk
and to the file."""

import json
import re
import threading
from pathlib import Path

import pytest

from lab import wait
from lab.audit_log import bodies, check_chain, entries, files, folder, lines, soon, verified
from lab.client import Api
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B
from lab.lab import Lab
from lab.network import Network
from lab.orders import APPROVER, RECORDER, STRANGER, VIEWER, Desk, at, terms
from lab.probes import check, everyone
from lab.shell import run
from lab.steps import register

BLOCKED = {("CN", PORT_A)}


def kinds(daemon: Daemon) -> list[str]:
    return [entry["what"] for entry in entries(daemon)]


# What stands in it.

def test_every_change_is_there_when_it_is_answered(meetings: Daemon):
    desk = Desk(meetings)
    steps = (
        (lambda: desk.record(), ["order_recorded"]),
        (lambda: desk.approve(), ["order_approved"]),
        (lambda: desk.block("A"), ["rule_added"]),
        (lambda: meetings.ctl("rule", "monitor", "r1").ok(), ["rule_changed"]),
        (lambda: meetings.add_meeting("C", "udp:198.18.0.1:41000"), ["meeting_added"]),
        (lambda: meetings.add_meeting("C", "udp:198.18.0.1:41001"), ["meeting_changed"]),
        (lambda: meetings.ctl("meeting", "remove", "C").ok(), ["meeting_removed"]),
        (lambda: desk.act("O-1", "extend", RECORDER, why="more", expires=at(5 * 86400)),
         ["order_extension_asked"]),
        (lambda: desk.act("O-1", "withdraw", why="over").expect(200),
         ["order_withdrawn", "rule_withdrawn", "rule_ended"]),
    )
    for act, expected in steps:
        before = len(kinds(meetings))
        act()
        assert kinds(meetings)[before:] == expected
    assert kinds(meetings)[:1] == ["daemon_started"]
    verified(meetings)


def test_questions_are_not_there(meetings: Daemon):
    before = kinds(meetings)
    for words in (("status",), ("rule", "list"), ("impact", "A"), ("export",), ("audit", "show"),
                  ("report",), ("block", "A", "--country", "CN", "--dry-run"), ("rule", "show", "r9")):
        meetings.ctl(*words)
    meetings.ctl.as_user(VIEWER.uid, VIEWER.uid, VIEWER.groups)("status").ok()
    assert kinds(meetings) == before


def test_who_tried_in_vain(meetings: Daemon):
    """Operators too; a stranger's questions and a participant's way are nobody's business."""
    desk = Desk(meetings)
    desk.ctl(STRANGER)("block", "A", "--country", "CN", "--yes").refused()
    desk.ctl(VIEWER)("meeting", "remove", "A").refused()
    meetings.ctl("block", "nowhere", "--country", "CN", "--yes").refused()
    meetings.put_participant("A", "ann", ufrags=[{"endpoint": "udp:1.2.3.4:1"}]).expect(400)
    told = [(entry["actor"]["uid"], entry["body"]["request"], entry["body"]["status"])
            for entry in entries(meetings, "request_refused")]
    assert told == [(STRANGER.uid, "POST /v1/rules", 403),
                    (VIEWER.uid, "DELETE /v1/meetings/A", 403), (0, "POST /v1/rules", 404)]


def test_strangers_do_not_fill_the_disk(meetings: Daemon):
    desk = Desk(meetings)
    for _ in range(75):
        desk.api(STRANGER)("DELETE", "/v1/meetings/A").problem(403)
    assert len(bodies(meetings, "request_refused")) == 60
    desk.act("O-none", "approve").problem(404)  # who has a say is not counted among them
    assert len(bodies(meetings, "request_refused")) == 61


def test_show_and_the_lines_themselves(meetings: Daemon):
    Desk(meetings).record()
    raw = lines(meetings)
    answer = meetings.api("GET", "/v1/audit").expect(200)
    assert answer.content_type == "application/x-ndjson" and answer.text.splitlines() == raw
    part = meetings.api("GET", "/v1/audit?from=2&limit=2").expect(200)
    assert part.text.splitlines() == raw[1:3]
    assert meetings.api("GET", "/v1/audit?from=9999").expect(200).text == ""
    for query in ("from=0", "from=x", "limit=0"):
        meetings.api("GET", f"/v1/audit?{query}").problem(400)
    head = meetings.api("GET", "/v1/audit/head").expect(200).json
    assert head == {"sequence": len(raw), "hash": json.loads(raw[-1])["hash"]}
    text = meetings.ctl("audit", "show").ok().stdout
    for word in ("order_recorded", "O-1", f"uid {RECORDER.uid}"):
        assert word in text, text


def test_anybody_can_verify_it(meetings: Daemon, lab: Lab):
    """Away from the daemon, with a copy of the files."""
    Desk(meetings).record()
    copy = lab.new_folder("copy")
    for path in files(meetings):
        (copy / path.name).write_bytes(path.read_bytes())
    meetings.kill9()
    meetings.ctl("audit", "verify", copy).ok()
    report = meetings.ctl("report", "--audit", copy, "--key", meetings.state_dir / "report.key").ok()
    assert report.json["orders"]["received"] == 1


def test_the_head_is_told_to_the_journal(meetings: Daemon):
    """Where somebody who can change the log cannot reach it."""
    Desk(meetings).record()
    meetings.terminate()
    last = json.loads(lines(meetings)[-1])
    assert last["what"] == "daemon_stopped"
    said = re.findall(r"audit log: entry (\d+) has the hash ([0-9a-f]{64})", meetings.log)
    assert said[-1] == (str(last["seq"]), last["hash"]), meetings.log


def test_it_is_private(meetings: Daemon):
    assert folder(meetings).stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in files(meetings)] == [0o600]
    assert (meetings.state_dir / "report.key").stat().st_mode & 0o777 == 0o600


# A daemon that dies.

def change_until_it_dies(daemon: Daemon, number: int, answered: list[str]) -> None:
    api = Api(daemon.socket_path)
    for serial in range(10_000):
        name = f"M-{number}-{serial}"
        try:
            answer = api("POST", "/v1/orders", terms(name))
        except (OSError, ValueError):
            return
        if answer.status == 201:
            answered.append(name)


def test_killed_in_a_burst_of_changes(meetings: Daemon):
    """The chain holds, and all that was answered is there, in the log and in the state."""
    answered: list[str] = []
    for life in range(3):
        threads = [threading.Thread(target=change_until_it_dies,
                                    args=(meetings, 4 * life + number, answered))
                   for number in range(4)]
        for thread in threads:
            thread.start()
        wait.until(lambda: len(answered) >= 25 * (life + 1), 20, "changes are made")
        meetings.kill9()
        for thread in threads:
            thread.join()
        check_chain(meetings)
        meetings.start()
        verified(meetings)
        there = {order["id"] for order in meetings.api("GET", "/v1/orders").json}
        told = {body["order"] for body in bodies(meetings, "order_recorded")}
        undone = {entry["body"]["order"] for body in bodies(meetings, "changes_undone")
                  for entry in entries(meetings, "order_recorded")
                  if body["first"] <= entry["seq"] <= body["last"]}
        assert set(answered) <= there == told - undone


def test_a_torn_last_line(meetings: Daemon):
    Desk(meetings).record()
    meetings.kill9()
    whole = len(lines(meetings))
    torn = b'{"seq":%d,"time":"2026-11-22T1' % (whole + 1)
    with files(meetings)[-1].open("ab") as file:
        file.write(torn)
    meetings.ctl("audit", "verify", folder(meetings)).refused("no end")
    meetings.start()
    verified(meetings)
    found = entries(meetings, "log_recovered")
    assert [entry["seq"] for entry in found] == [whole + 1]
    assert found[0]["body"]["bytes"] == len(torn)


# Somebody who was at the file.

def test_lines_taken_off_its_end(meetings: Daemon):
    """A chain that ends early is a chain; the state database knows better."""
    desk = Desk(meetings)
    for number in range(5):
        desk.record(f"O-{number}")
    meetings.terminate()
    path = files(meetings)[-1]
    kept = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(kept[:-3]))
    meetings.ctl("audit", "verify", folder(meetings)).ok()
    meetings.start()
    found = bodies(meetings, "log_truncated")
    assert [(body["known_sequence"], body["found_sequence"]) for body in found] == [
        (len(kept), len(kept) - 3)]
    where = len(kept) - 3 + 1  # the line after the last one that is left
    meetings.ctl("audit", "verify").refused(f"line {where}", "missing")
    desk.record("O-new")  # work goes on, and so does the finding
    meetings.ctl("audit", "verify").refused(f"line {where}")
    meetings.api("GET", "/v1/report").expect(200)


def test_lines_taken_off_while_it_runs(meetings: Daemon):
    Desk(meetings).record()
    path = files(meetings)[-1]
    kept = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(kept[:-1]))
    meetings.ctl("audit", "verify").refused()  # the daemon's head is further on
    Desk(meetings).record("O-2")
    meetings.ctl("audit", "verify").refused(f"entry {len(kept)}")


@pytest.mark.parametrize("harm", ["changed", "removed", "reordered", "repeated"])
def test_a_line_that_is_not_what_it_was(meetings: Daemon, harm: str):
    desk = Desk(meetings)
    for number in range(4):
        desk.record(f"O-{number}")
    path = files(meetings)[-1]
    kept = path.read_bytes().splitlines(keepends=True)
    at_ = len(kept) - 3
    harmed = list(kept)
    if harm == "changed":
        harmed[at_] = kept[at_].replace(b"Example", b"Exanple")
    elif harm == "removed":
        del harmed[at_]
    elif harm == "reordered":
        harmed[at_], harmed[at_ + 1] = kept[at_ + 1], kept[at_]
    else:
        harmed.insert(at_, kept[at_ - 1])
    path.write_bytes(b"".join(harmed))
    meetings.ctl("audit", "verify").refused(f"line {at_ + 1} ")
    path.write_bytes(b"".join(kept))
    meetings.ctl("audit", "verify").ok()


# A full disk.

@pytest.fixture
def on_small_disk(lab: Lab, make_daemon) -> Daemon:
    disk = lab.mount("tmpfs", "-o", "size=2m,mode=0700")
    return register(make_daemon(state_dir=str(disk)).start())


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    run("dd", "if=/dev/zero", f"of={ballast}", "bs=4k", check=False)
    return ballast


def test_a_full_disk(on_small_disk: Daemon, network: Network):
    """Changes are refused, filtering goes on; then there is room again, and all goes on."""
    daemon = on_small_disk
    desk = Desk(daemon)
    desk.approved(meetings=["A"], expires=at(3600))
    rule = desk.block("A")["id"]
    check(everyone(network, BLOCKED, ports=(PORT_A, PORT_B)))
    ballast = fill(Path(daemon.config["state_dir"]))
    for number in range(200):  # the pages that are there hold a few more
        answer = desk.api(RECORDER)("POST", "/v1/orders", terms(f"O-full-{number}"))
        if answer.status != 201:
            break
    answer.problem(507, "filtering goes on")
    before = desk.everything()
    desk.ctl(APPROVER)("order", "withdraw", "O-1", "--why", "over", "--yes").refused("full")
    desk.ctl(RECORDER)("unblock", rule).refused("full")
    check(everyone(network, BLOCKED, ports=(PORT_A, PORT_B)))
    assert desk.state() == "active"
    assert [order["id"] for order in before[0]] == [order["id"] for order in desk.everything()[0]]
    daemon.ctl("audit", "verify").ok()
    ballast.unlink()
    desk.record("O-new")
    told = soon(daemon, "request_refused", 3)  # what could not be told then
    assert {body["status"] for body in told} == {507}
    desk.act("O-1", "withdraw", why="over").expect(200)
    check(everyone(network, ports=(PORT_A, PORT_B)))
    verified(daemon)
    daemon.kill9()
    daemon.start()
    assert desk.state() == "withdrawn" and desk.state("O-new") == "recorded"
    verified(daemon)


def test_a_full_disk_and_kill9(on_small_disk: Daemon, network: Network):
    daemon = on_small_disk
    desk = Desk(daemon)
    desk.approved(meetings=["A"], expires=at(3600))
    desk.block("A")
    ballast = fill(Path(daemon.config["state_dir"]))
    daemon.kill9()
    daemon.start()
    check(everyone(network, BLOCKED, ports=(PORT_A, PORT_B)))
    desk.api(APPROVER)("POST", "/v1/orders/O-1/withdraw", {"why": "over"}).problem(507)
    ballast.unlink()
    desk.act("O-1", "withdraw", why="over").expect(200)
    assert len(entries(daemon, "daemon_started")) == 2  # told later, and told
    verified(daemon)


def test_addresses_are_shown_only_where_it_can_be_told(on_small_disk: Daemon):
    daemon = on_small_disk
    daemon.put_participant("A", "ann", flows=[{"local": f"udp:198.18.0.1:{PORT_A}",
                                               "remote": "203.0.113.10:51000"}]).expect(201)
    ballast = fill(Path(daemon.config["state_dir"]))
    question = "/v1/meetings/A/participants?addresses=true&purpose=complaint"
    answer = wait.until(lambda: (asked := daemon.api("GET", question)).status != 200 and asked, 10,
                        "the log is full")
    assert "203.0.113" not in answer.problem(507).text
    ballast.unlink()
    assert "203.0.113.10:51000" in daemon.api("GET", question).expect(200).text
    verified(daemon)
