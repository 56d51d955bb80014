# SPDX-License-Identifier: Apache-2.0
"""Signalling of somebody's own hands over descriptions, by HTTP and through a pipe."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from lab import wait
from lab.bridge import BRIDGE, Bridge
from lab.daemon import Daemon
from lab.http import ask
from lab.lab import Lab
from lab.network import EDGE_V4, Network

LISTEN = ("127.0.0.1", 9440)
PORT = 20084


def description(ufrag: str) -> str:
    return ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            f"a=ice-ufrag:{ufrag}\r\na=candidate:1 1 udp 2015365631 {EDGE_V4} {PORT} typ host\r\n")


@pytest.fixture
def bridge(lab: Lab, daemon: Daemon, network: Network) -> Iterator[Bridge]:
    made = Bridge(network.edge, lab.new_folder("bridge"), "sdp", socket=str(daemon.socket_path))
    yield made.start()
    made.remove()


def hand_over(network: Network, method: str, path: str, body: str = "") -> int:
    return ask(network.edge, LISTEN, method, f"/v1/meetings/M/participants/{path}", body).status


def ufrags(daemon: Daemon, meeting: str = "M") -> dict[str, list[str]]:
    answer = daemon.api("GET", f"/v1/meetings/{meeting}/participants")
    return {who["id"]: [bound["ufrag"] for bound in who["ufrags"]]
            for who in (answer.json if answer.status == 200 else [])}


def expect(daemon: Daemon, wanted: dict[str, list[str]], meeting: str = "M") -> None:
    wait.until(lambda: ufrags(daemon, meeting) == wanted, 5, lambda: f"{ufrags(daemon, meeting)}")


def verdict(daemon: Daemon, ufrag: str) -> str:
    return daemon.api("POST", "/v1/explain", {"from": "203.0.113.10:51000", "ufrag": ufrag,
                                              "to": f"udp:{EDGE_V4}:{PORT}"}).expect(200).json["verdict"]


def test_handed_over_by_http(daemon: Daemon, network: Network, bridge: Bridge):
    assert hand_over(network, "PUT", "P/transports/send", description("send")) == 200
    assert hand_over(network, "PUT", "P/transports/recv",
                     json.dumps({"sdp": description("recv")})) == 200
    assert hand_over(network, "PUT", "Q/transports/send", description("qqqq")) == 200
    expect(daemon, {"sdp-P": ["recv", "send"], "sdp-Q": ["qqqq"]})
    daemon.block("M", "--country", "CN")
    assert verdict(daemon, "send") == verdict(daemon, "qqqq") == "drop"
    assert verdict(daemon, "else") == "pass"
    assert hand_over(network, "PUT", "P/transports/send", description("anew")) == 200
    expect(daemon, {"sdp-P": ["anew", "recv"], "sdp-Q": ["qqqq"]})
    assert hand_over(network, "PUT", "P/transports/send", "v=0") == 422
    assert hand_over(network, "DELETE", "Q/transports/send") == 204
    expect(daemon, {"sdp-P": ["anew", "recv"]})


def test_what_was_bound_outlives_the_bridge(daemon: Daemon, network: Network, bridge: Bridge):
    assert hand_over(network, "PUT", "P/transports/send", description("send")) == 200
    expect(daemon, {"sdp-P": ["send"]})
    bridge.kill9()
    bridge.start()
    assert hand_over(network, "PUT", "Q/transports/send", description("qqqq")) == 200
    expect(daemon, {"sdp-P": ["send"], "sdp-Q": ["qqqq"]})
    assert hand_over(network, "DELETE", "P") == 204
    expect(daemon, {"sdp-Q": ["qqqq"]})


def test_handed_over_through_a_pipe(daemon: Daemon, network: Network, lab: Lab):
    config = lab.new_folder("bridge") / "bridge.json"
    config.write_text(json.dumps({"socket": str(daemon.socket_path)}), encoding="utf-8")
    with subprocess.Popen(network.edge.command(BRIDGE, "sdp", "--config", config), text=True,
                          stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            def say(**line: str) -> None:
                process.stdin.write(json.dumps({"meeting": "M", "participant": "P", **line}) + "\n")
                process.stdin.flush()
            process.stdin.write("{no JSON\n\n")
            say(transport="send", sdp=description("send"))
            expect(daemon, {"sdp-P": ["send"]})
            say(transport="send")
            expect(daemon, {})
        finally:
            process.kill()
