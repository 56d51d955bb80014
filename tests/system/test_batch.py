# SPDX-License-Identifier: Apache-2.0
"""POST /v1/batch: many requests in one, a line each, answered a line each."""

import json
import threading
from typing import Any

import pytest

from lab import wait
from lab.client import Response
from lab.daemon import VIEWERS_GID, Daemon
from lab.ice_client import expect_in_and_out, shared_endpoint
from lab.network import EDGE_V4
from lab.people import People, ways_of
from lab.shell import run

END = str(shared_endpoint(4))
NOBODY = 65534
MANY = 50_000


def line(method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"method": method, "path": f"/v1{path}"} | ({} if body is None else {"body": body})


def person(name: str, ufrag: str, meeting: str = "A") -> dict[str, Any]:
    return line("PUT", f"/meetings/{meeting}/participants/{name}",
                {"ufrags": [{"endpoint": END, "ufrag": ufrag}]})


def send(daemon: Daemon, lines: list[Any]) -> Response:
    text = "".join(f"{item if isinstance(item, str) else json.dumps(item)}\n" for item in lines)
    return daemon.api("POST", "/v1/batch", text, Content_Type="application/x-ndjson")


def statuses(daemon: Daemon, lines: list[Any]) -> list[int]:
    answer = send(daemon, lines).expect(200)
    assert answer.content_type.startswith("application/x-ndjson")
    return [json.loads(text)["status"] for text in answer.text.splitlines()]


def test_a_line_for_each_line_in_their_order(shared: Daemon):
    assert statuses(shared, [
        person("ann", "abcd"), person("ann", "abcd"), person("bob", "abcd"),
        line("DELETE", "/meetings/A/participants/ann"), person("bob", "abcd"),
        line("DELETE", "/meetings/A/participants/ann"), line("PUT", "/meetings/N", {}),
        person("nat", "nnnn", "N"), line("DELETE", "/meetings/N"), person("nat", "nnnn", "N"),
    ]) == [201, 200, 409, 204, 201, 404, 201, 201, 204, 404]
    assert set(shared.participants("A")) == {"bob"}


def test_bad_lines_do_not_stop_it(shared: Daemon):
    bad = ["{", "[]", "null", '"x"', {"method": "PUT"}, {"path": "/v1/status"},
           line("PUT", "/meetings/A/participants/x", {"ufrag": 1}), line("PUT", "/nowhere", {}),
           {"method": "PUT", "path": "status"}, {"method": 1, "path": "/v1/status"},
           line("PATCH", "/meetings/A"), person("x", "x" * 33),
           {**person("x", "abcd"), "extra": 1}, line("POST", "/batch", {})]
    lines = [item for number, wrong in enumerate(bad)
             for item in (wrong, person(f"p{number}", f"good{number}"))]
    answer = send(shared, lines).expect(200)
    answers = [json.loads(text) for text in answer.text.splitlines()]
    assert len(answers) == len(lines)
    for item, result in zip(lines[::2], answers[::2]):
        assert 400 <= result["status"] < 500 and result["detail"], (item, result)
    assert [result["status"] for result in answers[1::2]] == [201] * len(bad)
    assert len(shared.participants("A")) == len(bad)


@pytest.mark.parametrize("text", ["", "\n", "\n\n  \n"])
def test_nothing(shared: Daemon, text: str):
    answer = shared.api("POST", "/v1/batch", text, Content_Type="application/x-ndjson").expect(200)
    assert answer.text == ""


def test_the_last_line_needs_no_end(shared: Daemon):
    text = "\r\n".join(json.dumps(person(name, f"{name}s")) for name in ("ann", "bob"))
    answer = shared.api("POST", "/v1/batch", text, Content_Type="application/x-ndjson").expect(200)
    assert [json.loads(item)["status"] for item in answer.text.splitlines()] == [201, 201]


def test_who_may(shared: Daemon):
    """A viewer may not, whatever is in it. The tool has no batch: HTTP as somebody else."""
    body = json.dumps(person("ann", "abcd"))
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={VIEWERS_GID}",
               "/usr/bin/python3", "-c", AS_SOMEBODY, str(shared.socket_path), body]
    assert run(*command).stdout.split()[:1] == ["403"]
    assert shared.participants("A") == {}


# Reads /v1/status first: this one is let through.
AS_SOMEBODY = """
import socket, sys
def ask(method, path, body=""):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(sys.argv[1])
    sock.sendall(f"{method} {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n"
                 f"Content-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
    return sock.makefile().read().split()[1]
assert ask("GET", "/v1/status") == "200"
print(ask("POST", "/v1/batch", sys.argv[2]))
"""


def test_it_is_in_force_when_the_answer_arrives(shared: Daemon, people: People):
    crowd = [people("CN", meeting, f"{meeting}{number}", families=(4,))
             for number in range(5) for meeting in ("A", "B")]
    expect_in_and_out(ways_of(*crowd))
    shared.block("A", "--country", "CN")
    assert statuses(shared, [person(one.name, one.transport.credentials.ufrag, one.meeting)
                             for one in crowd]) == [201] * len(crowd)
    expect_in_and_out(ways_of(*(one for one in crowd if one.meeting == "B")),
                      ways_of(*(one for one in crowd if one.meeting == "A")))


def test_others_are_answered_meanwhile(make_daemon):
    daemon = make_daemon(limits={"participants": 65536}).start()
    daemon.add_shared("A", END)
    results: list[list[int]] = []
    lines = [person(f"p{number}", f"ufrag{number}") for number in range(MANY)]
    batch = threading.Thread(target=lambda: results.append(statuses(daemon, lines)))
    batch.start()
    seen = []
    while batch.is_alive():
        seen.append(daemon.api("GET", "/v1/status").expect(200).json["participants"])
    batch.join()
    assert results == [[201] * MANY]
    assert any(0 < count < MANY for count in seen), seen
    assert seen == sorted(seen)
    assert daemon.ctl.json("status")["participants"] == MANY
    daemon.kill9()
    daemon.start()
    assert daemon.ctl.json("status")["participants"] == MANY
    assert statuses(daemon, lines[:100]) == [200] * 100


def test_more_than_fits(make_daemon):
    """The lines that find no room are told so, and the others are done."""
    daemon = make_daemon(limits={"participants": 100}).start()
    daemon.add_shared("A", END)
    answers = statuses(daemon, [person(f"p{number}", f"ufrag{number}") for number in range(150)])
    assert answers == [201] * 100 + [507] * 50


def test_it_dies_in_the_middle(make_daemon):
    """All of them are whole but the one that was being written, and that one is mended."""
    daemon = make_daemon(limits={"participants": 65536}).start()
    daemon.add_shared("A", END)
    lines = [person(f"p{number}", f"ufrag{number}") for number in range(MANY)]
    batch = threading.Thread(target=ends_early, args=(daemon, lines))
    batch.start()
    wait.until(lambda: daemon.api("GET", "/v1/status").json["participants"], 30, "it has begun")
    daemon.kill9()
    batch.join()
    daemon.start()
    listed = daemon.participants("A")
    assert 0 < len(listed) < MANY
    assert sum(len(one["ufrags"]) != 1 for one in listed.values()) <= 1
    assert set(statuses(daemon, lines)) == {200, 201}
    assert daemon.ctl.json("status")["participants"] == MANY


def ends_early(daemon: Daemon, lines: list[Any]) -> None:
    with pytest.raises(OSError):
        send(daemon, lines)


def test_a_rule_and_its_meeting_in_one(daemon: Daemon):
    assert statuses(daemon, [
        line("PUT", "/meetings/A", {"endpoints": [f"udp:{EDGE_V4}:40000"]}),
        line("POST", "/rules", {"meeting": "A", "countries": ["CN"]}),
        line("GET", "/meetings/A"),
    ]) == [201, 201, 200]
    assert daemon.explain("203.0.113.10:1", f"udp:{EDGE_V4}:40000")["verdict"] == "drop"


def test_people_come_and_go_without_a_pause(shared: Daemon):
    """More than the kernel's table has elements: those of who left are used again, and not before
    every packet that may look at them is through."""
    lines = [item for number in range(12_000)
             for item in (person("ann", f"u{number:05}"), line("DELETE", "/meetings/A/participants/ann"))]
    assert set(statuses(shared, lines)) == {201, 204}
    assert shared.participants("A") == {}
