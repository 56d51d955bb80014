# SPDX-License-Identifier: Apache-2.0
"""What a monitoring system reads, and what it makes of it."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from lab import wait
from lab.bridge import Bridge
from lab.client import Response
from lab.daemon import Daemon
from lab.endpoints import PORT_A, Endpoint
from lab.http import ask
from lab.lab import Lab
from lab.network import EDGE_V4, INTERFACE, Network
from lab.orders import STRANGER, Desk, at, moment_of
from lab.paths import REPOSITORY
from lab.streams import send

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
LISTEN = ("127.0.0.1", 9435)
SAMPLE = re.compile(r'^(meetfence_[a-z_]+)(?:\{((?:[a-z]+="[^"\\]*",?)*)\})? (\S+)$')
HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
MONITORING = REPOSITORY / "docs" / "monitoring"
ALERTS = MONITORING / "meetfence.rules.yml"
ALERT_TESTS = REPOSITORY / "tests" / "monitoring" / "meetfence.test.yml"
DASHBOARD = MONITORING / "grafana-dashboard.json"

Samples = dict[tuple[str, ...], float]


def samples_of(text: str) -> Samples:
    """Each once, and each of a family that was described before it."""
    samples, described = {}, set()
    for line in text.splitlines():
        if line.startswith("#"):
            described.add((line.split()[1], line.split()[2]))
            continue
        name, labels, value = SAMPLE.match(line).groups()
        family = HISTOGRAM.sub("", name) if ("TYPE", name) not in described else name
        assert {("HELP", family), ("TYPE", family)} <= described, line
        key = (name, *sorted(filter(None, (labels or "").split(","))))
        assert key not in samples, line
        samples[key] = float(value)
    return samples


def scrape(daemon: Daemon) -> Samples:
    answer = daemon.api("GET", "/metrics").expect(200)
    assert answer.content_type == TEXT
    return samples_of(answer.text)


def over_tcp(network: Network, address: tuple[str, int] = LISTEN, method: str = "GET",
             path: str = "/metrics", **headers: str) -> Response:
    """Asked on the edge host itself."""
    return ask(network.edge, address, method, path, **headers)


def promtool(*words: object, text: str = "") -> str:
    result = subprocess.run(["promtool", *map(str, words)], input=text, text=True,
                            capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_drops_rules_and_orders_are_counted(meetings: Daemon, network: Network):
    desk = Desk(meetings)
    review, expires = at(3600), at(7200)
    desk.approved("O-1", review=review, expires=expires)
    rule = desk.block("A")["id"]
    desk.record("O-2")
    before = scrape(meetings)
    send(network.participants["CN"], Endpoint("udp", EDGE_V4, PORT_A), 7)
    send(network.participants["US"], Endpoint("udp", EDGE_V4, PORT_A), 5)
    after = scrape(meetings)

    def moved(*key: str) -> float:
        return after[key] - before[key]  # there before the first packet, or no rate shows it
    drop = ('direction="ingress"', 'reason="drop_country"', 'verdict="drop"')
    of_rule = ('order="O-1"', f'rule="{rule}"', 'verdict="drop"')
    assert moved("meetfence_packets_total", *drop) == 7
    assert moved("meetfence_bytes_total", *drop) > 7 * 28
    assert moved("meetfence_rule_packets_total", *of_rule) == 7
    assert moved("meetfence_rule_bytes_total", *of_rule) == moved("meetfence_bytes_total", *drop)
    assert after["meetfence_dropped_outside_scope_total",] == 0
    assert after["meetfence_rules", 'state="active"'] == 1
    assert after["meetfence_orders", 'state="active"'] == 1
    assert after["meetfence_orders", 'state="recorded"'] == 1
    for what, when in (("review", review), ("end", expires)):
        assert after[f"meetfence_order_{what}_timestamp_seconds", 'order="O-1"'] == (
            moment_of(when).timestamp())
    assert after["meetfence_orders_review_due",] == 0
    status = meetings.ctl.json("status")
    assert after["meetfence_audit_sequence",] == status["audit"]["sequence"]
    assert after["meetfence_build_info", f'version="{status["version"]}"'] == 1
    assert time.time() - 60 < after["meetfence_start_time_seconds",] <= time.time()
    for direction in ("ingress", "egress"):
        assert after["meetfence_interface_filtered", f'direction="{direction}"',
                     f'interface="{INTERFACE}"'] == 1


def test_counts_outlive_their_rule_in_the_kernel(meetings: Daemon, network: Network):
    """A rule that is changed, and a meeting that goes and comes back, count on."""
    desk = Desk(meetings)
    desk.approved("O-1")
    rule = desk.block("A")["id"]
    key = ("meetfence_rule_packets_total", 'order="O-1"', f'rule="{rule}"', 'verdict="drop"')
    send(network.participants["CN"], Endpoint("udp", EDGE_V4, PORT_A), 3)
    assert scrape(meetings)[key] == 3
    shown = meetings.api("GET", "/v1/meetings/A").expect(200).json
    meetings.api("DELETE", "/v1/meetings/A").expect(204)
    assert scrape(meetings)[key] == 3
    meetings.api("PUT", "/v1/meetings/A", {"endpoints": shown["endpoints"]}).expect(201)
    send(network.participants["CN"], Endpoint("udp", EDGE_V4, PORT_A), 2)
    assert scrape(meetings)[key] == 5
    assert meetings.rule(rule)["packets_dropped"] == 5


def test_each_change_is_timed_and_each_refusal_counted(meetings: Daemon):
    meetings.block("A", "--country", "CN", "--for", "2h")
    meetings.put_participant("A", "p", flows=[]).expect(200, 201)
    Desk(meetings).approved("O-1")
    meetings.api("POST", "/v1/geo/reload").expect(200)
    before = scrape(meetings)
    declared = meetings.api("GET", "/v1/declaration").expect(200).json
    meetings.api("PUT", "/v1/declaration?dry_run=true", declared).expect(200)
    meetings.api("PUT", "/v1/declaration", declared).expect(200)
    meetings.api("GET", "/v1/nothing").problem(404)
    meetings.api("PUT", "/v1/meetings/C", {"endpoints": ["nowhere"]}).problem(400)
    Desk(meetings).api(STRANGER)("GET", "/metrics").problem(403)
    after = scrape(meetings)

    def timed(samples: Samples) -> dict[str, float]:
        return {key[1]: value for key, value in samples.items()
                if key[0] == "meetfence_apply_duration_seconds_count"}
    assert timed(before) == {'change="rule"': 1, 'change="meeting"': 2, 'change="participant"': 1,
                             'change="order"': 2, 'change="declaration"': 0, 'change="geo"': 1}
    assert timed(after) == {**timed(before), 'change="declaration"': 1}
    assert after["meetfence_apply_duration_seconds_sum", 'change="rule"'] > 0
    refused = ("meetfence_requests_refused_total", 'class="4xx"')
    assert after[refused] - before[refused] == 3
    assert after["meetfence_requests_refused_total", 'class="5xx"'] == 0


def test_status_has_the_fill_of_the_tables_that_the_metrics_have(meetings: Daemon):
    meetings.block("A", "--country", "CN", "HK", "--for", "2h")
    meetings.put_participant("A", "p", ufrags=[
        {"endpoint": f"udp:{EDGE_V4}:{PORT_A}", "ufrag": "abcd"}]).expect(200, 201)
    tables = meetings.api("GET", "/v1/status").expect(200).json["tables"]
    samples = scrape(meetings)
    for table, fill in tables.items():
        assert samples["meetfence_table_entries", f'table="{table}"'] == fill["used"]
        assert samples["meetfence_table_room", f'table="{table}"'] == fill["room"]
    used = {table: fill["used"] for table, fill in tables.items()}
    assert set(used) == {"meetings", "rules", "policies", "endpoints", "cells", "participants",
                         "ufrags", "flows"}
    assert (used["meetings"], used["rules"], used["policies"]) == (2, 1, 1)
    assert (used["cells"], used["participants"], used["ufrags"]) == (2, 1, 1)
    assert tables["meetings"]["room"] == meetings.config["limits"]["meetings"]
    assert all(0 <= fill["used"] < fill["room"] for fill in tables.values())


def test_only_who_may_look_may_read_them(meetings: Daemon):
    Desk(meetings).api(STRANGER)("GET", "/metrics").problem(403)


@pytest.mark.parametrize("address", [LISTEN, ("::1", 9436)])
def test_they_are_served_over_tcp_and_nothing_else_is(make_daemon, network: Network, address):
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    daemon = make_daemon(metrics={"listen": f"{host}:{address[1]}"}).start()
    answer = over_tcp(network, address).expect(200)
    assert answer.content_type == TEXT
    assert set(samples_of(answer.text)) == set(scrape(daemon))
    assert over_tcp(network, address, "HEAD").expect(200).text == ""
    over_tcp(network, address, path="/v1/status").problem(404)
    refused = over_tcp(network, address, "PUT").problem(405)
    assert refused.headers["Allow"] == "GET, HEAD"


def test_both_formats_are_what_they_say(make_daemon, network: Network):
    daemon = make_daemon(metrics={"listen": "127.0.0.1:9435"}).start()
    daemon.add_meeting("A", Endpoint("udp", EDGE_V4, PORT_A))
    daemon.block("A", "--country", "CN", "--for", "2h")
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    for ask in (lambda **headers: daemon.api("GET", "/metrics", **headers),
                lambda **headers: over_tcp(network, **headers)):
        promtool("check", "metrics", text=ask(Accept="*/*").expect(200).text)
        answer = ask(Accept=accept).expect(200)
        assert answer.content_type == OPEN_METRICS
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        assert families["meetfence_rule_bytes"].unit == "bytes"
        assert families["meetfence_build"].type == "info"
        assert families["meetfence_apply_duration_seconds"].type == "histogram"


def test_who_does_not_read_keeps_nobody_waiting(make_daemon, network: Network):
    daemon = make_daemon(metrics={"listen": "127.0.0.1:9435"}).start()
    daemon.add_meeting("A", Endpoint("udp", EDGE_V4, PORT_A))
    slow = []
    try:
        for _ in range(20):  # more than it serves at a time
            slow.append(network.edge.socket(socket.AF_INET, socket.SOCK_STREAM))
            slow[-1].connect(LISTEN)
            slow[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        began = time.monotonic()
        over_tcp(network).expect(200)
        daemon.block("A", "--country", "CN", "--for", "2h")
        assert time.monotonic() - began < 5
    finally:
        for sock in slow:
            sock.close()


def test_a_port_that_is_taken_does_not_keep_it_from_filtering(make_daemon, network: Network):
    with network.edge.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(LISTEN)
        other.listen()
        daemon = make_daemon(metrics={"listen": "127.0.0.1:9435"}).start()
        warning, = (line for line in daemon.log.splitlines() if "metrics.listen" in line)
        assert warning.startswith("<4>"), warning
        for words in ("127.0.0.1:9435", "Address already in use", "Filtering goes on"):
            assert words in warning
        assert daemon.ctl("status").ok()
        scrape(daemon)


def test_it_does_not_listen_where_it_is_told_not_to(make_daemon, network: Network):
    daemon = make_daemon(metrics={"listen": "off"}).start()
    with pytest.raises(ConnectionRefusedError):
        over_tcp(network)
    assert "metrics" not in daemon.log


BRIDGE = ("127.0.0.1", 9440)


@pytest.fixture
def bridge(lab: Lab, meetings: Daemon, network: Network) -> Iterator[Bridge]:
    made = Bridge(network.edge, lab.new_folder("bridge"), "sdp", socket=str(meetings.socket_path))
    yield made.start()
    made.remove()


def test_bridges_have_metrics_too(bridge: Bridge, network: Network):
    wrong = over_tcp(network, BRIDGE, "PUT", "/v1/meetings/M/participants/P/transports/T")
    assert wrong.status == 422
    answer = over_tcp(network, BRIDGE)
    assert answer.content_type == TEXT
    assert promtool("check", "metrics", text=answer.text) == ""
    samples = samples_of(answer.text)
    server = 'server="sdp"'
    assert samples["meetfence_bridge_connected", server, 'to="daemon"'] == 1
    assert samples["meetfence_bridge_events_total", server] == 1
    assert samples["meetfence_bridge_events_dropped_total", 'reason="malformed"', server] == 1
    families = list(text_string_to_metric_families(
        over_tcp(network, BRIDGE, Accept="application/openmetrics-text").text))
    assert any(family.name == "meetfence_bridge_lag_seconds" for family in families)


def test_every_name_that_monitoring_asks_for_is_there(meetings: Daemon, bridge: Bridge,
                                                      network: Network):
    desk = Desk(meetings)
    desk.approved("O-1", review=at(3600), expires=at(7200))
    desk.block("A")
    names = {key[0] for key in scrape(meetings)} | {"up"}
    names |= {key[0] for key in samples_of(over_tcp(network, BRIDGE).text)}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [variable["query"]["query"] for variable in dashboard["templating"]["list"]
              if variable["type"] == "query"]
    asked.append("\n".join(line for line in ALERTS.read_text(encoding="utf-8").splitlines()
                           if not line.lstrip().startswith(("#", "description", "summary"))))
    wanted = set(re.findall(r"\bmeetfence_[a-z_0-9]+", "\n".join(asked)))
    of_databases = {name for name in wanted if name.startswith(("meetfence_geo_database_build",
                                                                "meetfence_geo_disagreement"))}
    assert wanted - names == of_databases, "these need two databases, which this daemon has not"
    text = meetings.api("GET", "/metrics").expect(200).text
    assert all(f"# TYPE {name} gauge\n" in text for name in of_databases)


def test_every_alert_fires_when_it_should():
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", ALERT_TESTS)
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8")))
    tested = set(re.findall(r'alertname="(\w+)"', ALERT_TESTS.read_text(encoding="utf-8")))
    assert alerts == tested
