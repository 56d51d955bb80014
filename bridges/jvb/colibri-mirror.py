#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands between Jitsi Videobridge and what controls it over HTTP, and hands each request with its answer to
meetfence-bridge: after the answer was given, so that nobody waits for it.

    colibri-mirror.py [LISTEN [VIDEOBRIDGE [BRIDGE]]]     each as 127.0.0.1:8081
"""

import http.client
import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DEFAULTS = ["127.0.0.1:8081", "127.0.0.1:8080", "127.0.0.1:9439"]
LISTEN, VIDEOBRIDGE, BRIDGE = (sys.argv[1:] + DEFAULTS[len(sys.argv) - 1:])[:3]
exchanges: "queue.Queue[tuple[str, str, bytes]]" = queue.Queue(10000)


class Mirror(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self) -> None:
        request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection(VIDEOBRIDGE, timeout=10)
        upstream.request(self.command, self.path, request,
                         {"Content-Type": self.headers.get("Content-Type", "application/json")})
        answer = upstream.getresponse()
        response = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)
        if self.command in ("POST", "PATCH") and answer.status == 200:
            body = b'{"request":' + (request or b"{}") + b',"response":' + (response or b"{}") + b"}"
            try:
                exchanges.put_nowait((self.command, self.path, body))
            except queue.Full:
                pass  # the next poll of the bridge says who is there

    do_GET = do_POST = do_PATCH = do_DELETE = forward

    def log_message(self, *_: object) -> None:
        """Paths have the names of meetings."""


def hand_over() -> None:
    while True:
        method, path, body = exchanges.get()
        try:
            bridge = http.client.HTTPConnection(BRIDGE, timeout=10)
            bridge.request(method, path, body, {"Content-Type": "application/json"})
            status = bridge.getresponse().status
            bridge.close()
            if status >= 300:
                print(json.dumps({"bridge_answered": status}), file=sys.stderr)
        except OSError as error:
            print(f"meetfence-bridge: {error}", file=sys.stderr)


threading.Thread(target=hand_over, daemon=True).start()
host, port = LISTEN.rsplit(":", 1)
ThreadingHTTPServer((host, int(port)), Mirror).serve_forever()
