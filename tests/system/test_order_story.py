# SPDX-License-Identifier: Apache-2.0
"""One order from its letter to the published report, and a log that somebody changed afterwards."""

import re
from datetime import datetime, timezone

from lab import wait
from lab.audit_log import check_chain, entries, files
from lab.daemon import Daemon
from lab.ice_client import IceClient, expect_in_and_out, shared_endpoint
from lab.orders import APPROVER, RECORDER, Desk, as_options, at, moment_of, terms
from lab.people import People, hand_over, ways_of

LASTS_S = 12  # long enough for a busy machine to do what comes before its end
MEETING = "weekly-4711"


def test_the_story(daemon: Daemon, people: People):
    desk = Desk(daemon)
    recorder, approver = desk.ctl(RECORDER), desk.ctl(APPROVER)
    wanted = terms("EX-17", authority_type="court", case="EX 17/26", channel="signed-pdf",
                   requested="every meeting of the host", narrowing="the one meeting that it names",
                   meetings=[MEETING], expires=at(LASTS_S))
    recorder("order", "add", *as_options(wanted)).ok()
    recorder("order", "approve", "EX-17", "--yes").refused("somebody else")
    assert approver("--json", "order", "approve", "EX-17", "--yes").ok().json["state"] == "approved"
    rule = recorder("--json", "block", MEETING, "--country", "CN", "--order", "EX-17",
                    "--yes").ok().json
    assert rule["armed"] and rule["until"] == wanted["expires"]

    # The meeting begins, and people from three countries come.
    daemon.add_shared(MEETING, *(shared_endpoint(family) for family in (4, 6)))
    cyn, hal, una = (people(site, MEETING, name) for site, name in
                     (("CN", "cyn"), ("HK", "hal"), ("US", "una")))
    hand_over(daemon, (cyn, hal, una))
    expect_in_and_out(ways_of(hal, una), cyn.ways)
    impact = daemon.ctl.json("impact", MEETING)
    assert (impact["by_country"], impact["affected"]) == ({"CN": 1, "HK": 1, "US": 1}, 1), impact

    # It ends by time, with nobody there to end it.
    daemon.kill9()
    end = moment_of(wanted["expires"])
    assert datetime.now(timezone.utc) < end, "the machine was too slow for this test"
    wait.until(lambda: came_through(cyn.clients[4]), LASTS_S + 5, "the order ends")
    assert datetime.now(timezone.utc) >= end
    expect_in_and_out(ways_of(hal, una, cyn))

    daemon.start()
    assert (desk.state("EX-17"), daemon.rule(rule["id"])["state"]) == ("expired", "expired")
    expect_in_and_out(ways_of(hal, una, cyn))
    check_story(daemon, rule["id"])
    daemon.ctl("audit", "verify").ok()
    check_report(daemon)
    check_a_flipped_byte_is_found(daemon)


def came_through(client: IceClient) -> bool:
    client.check()
    client.receive()
    return client.check_answered


def check_story(daemon: Daemon, rule: str) -> None:
    """As the log tells it: each step once, by whom it was."""
    told = [(entry["what"], entry["actor"]["uid"]) for entry in entries(daemon)
            if entry["what"].startswith(("order_", "rule_", "request_"))]
    assert told[:4] == [("order_recorded", RECORDER.uid), ("request_refused", RECORDER.uid),
                        ("order_approved", APPROVER.uid), ("rule_added", RECORDER.uid)], told
    assert sorted(what for what, _ in told[4:]) == ["order_expired", "rule_ended"], told
    ended = entries(daemon, "rule_ended")[0]["body"]
    assert (ended["rule"], ended["order"], ended["state"]) == (rule, "EX-17", "expired")
    assert ended["packets_dropped"] > 0
    assert ended["packets_by_country"] == {"CN": ended["packets_dropped"]}
    assert ended["drops_outside_scope"] == 0


def check_report(daemon: Daemon) -> None:
    report = daemon.ctl("report", "--format", "json").ok().json
    orders = report["orders"]
    assert (orders["received"], orders["approved"], orders["narrowed"], orders["expired"]) == (
        1, 1, 1, 1), orders
    row = orders["rows"][0] if orders["rows"] else None
    assert row and row["order"] == "EX-17" and row["packets_dropped"] > 0, orders
    assert row["participants_affected"] in ("<5", "fewer than 5"), row
    text = "".join(daemon.ctl("report", "--format", format_).ok().stdout
                   for format_ in ("json", "csv", "html"))
    assert MEETING not in text and "EX-17" in text
    for name in ("cyn", "hal", "una"):
        assert not re.search(rf"\b{name}\b", text)


def check_a_flipped_byte_is_found(daemon: Daemon) -> None:
    """One bit of one character, in each of three lines: the name of the line is said."""
    path = files(daemon)[0]
    whole = path.read_bytes()
    starts = [0, *(match.end() for match in re.finditer(b"\n", whole))][:-1]
    for line in (1, len(starts) // 2, len(starts)):
        changed = bytearray(whole)
        changed[starts[line - 1] + 30] ^= 1
        path.write_bytes(changed)
        daemon.ctl("audit", "verify").refused(f"line {line}")
        daemon.ctl("report").refused(f"line {line}")
    path.write_bytes(whole)
    check_chain(daemon)
    daemon.ctl("audit", "verify").ok()

