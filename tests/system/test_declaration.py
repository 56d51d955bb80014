# SPDX-License-Identifier: Apache-2.0
"""The declarative form: export, diff, apply."""

import json
from pathlib import Path

import pytest

from lab.client import Outcome
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, PORT_C, endpoints
from lab.ice_client import shared_endpoint
from lab.lab import Lab
from lab.network import Network
from lab.probes import check, everyone

ALL_PORTS = (PORT_A, PORT_B, PORT_C)


@pytest.fixture
def file(lab: Lab) -> Path:
    return lab.new_folder("declaration") / "state.json"


def exported(daemon: Daemon, file: Path) -> dict:
    file.write_text(daemon.ctl("export").ok().stdout, encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def without_begin(state: dict) -> dict:
    """What has begun begins anew when it comes back."""
    for meeting in state["meetings"]:
        for rule in meeting["rules"]:
            del rule["from"]
    return state


def changes(outcome: Outcome, code: int = 0) -> list:
    return outcome.exits(code).json["changes"]


def test_what_is_exported_is_there_already(meetings: Daemon, file: Path):
    meetings.block("A", "--country", "CN", "--except", "203.0.113.7/32")
    meetings.block("B", "--country", "HK", "--monitor")
    exported(meetings, file)
    for command in (("diff", file), ("apply", file, "--dry-run"), ("apply", file)):
        assert changes(meetings.ctl("--json", *command)) == []
    assert len(meetings.ctl.json("rule", "list")) == 2


def test_a_state_comes_back(meetings: Daemon, network: Network, file: Path):
    meetings.block("A", "--country", "CN")
    before = exported(meetings, file)
    for meeting in ("A", "B"):
        meetings.ctl("meeting", "remove", meeting).ok()
    check(everyone(network, ports=ALL_PORTS))
    assert len(changes(meetings.ctl("--json", "diff", file), code=1)) == 3
    meetings.ctl("apply", file).ok()
    check(everyone(network, {("CN", PORT_A)}, ports=ALL_PORTS))
    assert changes(meetings.ctl("--json", "diff", file)) == []
    assert without_begin(exported(meetings, file)) == without_begin(before)


def test_a_dry_run_changes_nothing(meetings: Daemon, network: Network, file: Path):
    rule = meetings.block("A", "--country", "CN")
    exported(meetings, file)
    meetings.ctl("unblock", rule).ok()
    assert changes(meetings.ctl("--json", "apply", file, "--dry-run"))
    assert changes(meetings.ctl("--json", "diff", file), code=1)  # as diff(1) does
    check(everyone(network, ports=ALL_PORTS))


def test_a_declaration_moves_endpoints(meetings: Daemon, network: Network, file: Path):
    """A and B change places in one step: neither is refused for what the other still holds."""
    meetings.block("A", "--country", "CN")
    state = exported(meetings, file)
    first, second = state["meetings"]
    first["endpoints"], second["endpoints"] = second["endpoints"], first["endpoints"]
    file.write_text(json.dumps(state), encoding="utf-8")
    meetings.ctl("apply", file).ok()
    check(everyone(network, {("CN", PORT_B)}, ports=ALL_PORTS))


def test_nothing_of_a_bad_declaration_is_applied(meetings: Daemon, network: Network, file: Path):
    meetings.block("A", "--country", "CN")
    good = exported(meetings, file)
    before = file.read_text(encoding="utf-8")
    first, second = good["meetings"]
    third = {"id": "C", "endpoints": [str(end) for end in endpoints(PORT_C)]}
    overlapping = {"id": "D", "endpoints": [f"udp:*:{PORT_A}"]}
    for wrong in ({**good, "meetings": [*good["meetings"], third, overlapping]},
                  {**good, "meetings": [*good["meetings"], third, {"id": "two words"}]},
                  {"meetings": [third, first, {**second, "rules": [{"countries": ["China"]}]}]},
                  {"meetings": [{**first, "rules": [{"countries": ["HK"]}] * 17}, second]},
                  {"meetings": [{**first, "rules": []}, second, second]},
                  {**good, "meeting": []},
                  [good]):
        file.write_text(json.dumps(wrong), encoding="utf-8")
        outcome = meetings.ctl("apply", file)
        assert outcome.code == 1 and outcome.stderr.strip(), outcome
        assert meetings.ctl("export").ok().stdout == before
    check(everyone(network, {("CN", PORT_A)}, ports=ALL_PORTS))


def test_files_that_cannot_be_read(meetings: Daemon, file: Path):
    meetings.ctl("apply", file).refused(str(file))
    file.write_text("{", encoding="utf-8")
    meetings.ctl("apply", file).refused(str(file))
    meetings.ctl("diff", file).refused(str(file))


def test_a_declaration_survives_a_restart(meetings: Daemon, file: Path):
    meetings.block("A", "--country", "CN", "HK")
    before = exported(meetings, file)
    meetings.kill9()
    meetings.start()
    assert exported(meetings, file) == before


def test_shared_endpoints_and_rules_of_every_kind(daemon: Daemon, file: Path):
    """But nobody who takes part: persons are not declared."""
    turn = "udp:198.18.0.1:3478"
    daemon.api("PUT", "/v1/meetings/A", {"shared_endpoints": [str(shared_endpoint(4))],
                                         "turn_endpoints": [turn]}).expect(201)
    daemon.put_participant("A", "zoe", ufrags=[
        {"endpoint": str(shared_endpoint(4)), "ufrag": "zoesown"}]).expect(201)
    daemon.block("A", "--allow-only", "US", "HK")
    daemon.block("A", "--participant", "ann")
    before = exported(daemon, file)
    text = file.read_text(encoding="utf-8")
    assert turn in text and "zoe" not in text
    assert changes(daemon.ctl("--json", "apply", file)) == []
    assert set(daemon.participants("A")) == {"zoe"}
    daemon.ctl("meeting", "remove", "A").ok()
    daemon.ctl("apply", file).ok()
    assert without_begin(exported(daemon, file)) == without_begin(before)
    assert daemon.participants("A") == {}
    assert daemon.explain("203.0.113.10:1", shared_endpoint(4))["reason"] == "unattributed"
