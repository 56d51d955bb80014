# SPDX-License-Identifier: Apache-2.0
"""How fast signalling is heard, over the control socket. One JSON object a line on stdout, as root:

    PYTHONPATH=tests:bench /usr/bin/python3 bench/signalling.py [--meetings N] [--changes N]

MEETFENCE_BUILD says where the daemon is. A change has been in the kernel when its answer is here, so the times are
those of whoever asks, with the asking program's own share in them.
"""

import argparse
import http.client
import json
import socket
import time
from pathlib import Path
from statistics import quantiles

from lab.endpoints import PORT_A, Endpoint
from lab.lab import Lab
from lab.network import EDGE_V4
from lab.signals import end_on_signals

SHARED = str(Endpoint("udp", EDGE_V4, PORT_A))


class Connection(http.client.HTTPConnection):
    """Kept open, as a bridge to a media server does."""

    def __init__(self, path: Path):
        super().__init__("meetfence")
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)

    def ask(self, method: str, path: str, body: str | None = None) -> bytes:
        self.request(method, path, body)
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
        return text


def say(case: str, **figures: float) -> None:
    print(json.dumps({"case": case, **figures}), flush=True)


def known_by(ufrag: str) -> dict[str, object]:
    return {"ufrags": [{"endpoint": SHARED, "ufrag": ufrag}]}


def declare(connection: Connection, meetings: int) -> None:
    wanted = [{"id": f"m{i}", "shared_endpoints": [SHARED]} for i in range(meetings)]
    connection.ask("PUT", "/v1/declaration", json.dumps({"meetings": wanted}))


def load(connection: Connection, participants: int) -> None:
    lines = "".join(
        json.dumps({"method": "PUT", "path": f"/v1/meetings/m{i}/participants/p{i}",
                    "body": known_by(f"u{i:07d}")}) + "\n" for i in range(participants))
    begin = time.perf_counter()
    answers = connection.ask("POST", "/v1/batch", lines).splitlines()
    seconds = time.perf_counter() - begin
    refused = sum(b'"status": 201' not in line for line in answers)
    if refused or len(answers) != participants:
        raise RuntimeError(f"{refused} of {len(answers)} lines were refused")
    say("batch", participants=participants, seconds=round(seconds, 3),
        per_second=round(participants / seconds))


def change(connection: Connection, meetings: int, changes: int) -> None:
    """One after the other: a participant comes, changes transport, goes."""
    times = []
    begin = time.perf_counter()
    for i in range(changes):
        path = f"/v1/meetings/m{i // 3 % meetings}/participants/q{i // 3}"
        body = json.dumps(known_by(f"v{i:07d}"))
        started = time.perf_counter()
        connection.ask(*(("DELETE", path) if i % 3 == 2 else ("PUT", path, body)))
        times.append(1e6 * (time.perf_counter() - started))
    seconds = time.perf_counter() - begin
    points = quantiles(times, n=100)
    say("single_change", meetings=meetings, changes=changes, p50_us=round(points[49], 1),
        p99_us=round(points[98], 1), max_us=round(max(times), 1), per_second=round(changes / seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--meetings", type=int, default=100_000, help="%(default)s")
    parser.add_argument("--changes", type=int, default=60_000, help="%(default)s")
    chosen = parser.parse_args()
    end_on_signals()
    room = 2 * chosen.meetings
    with Lab() as lab:
        daemon = lab.daemon(lab.network(("US",)),
                            limits={"meetings": room, "participants": room, "flows": room}).start()
        connection = Connection(daemon.socket_path)
        declare(connection, chosen.meetings)
        load(connection, chosen.meetings)
        change(connection, chosen.meetings, chosen.changes)


if __name__ == "__main__":
    main()
