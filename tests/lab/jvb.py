# SPDX-License-Identifier: Apache-2.0
"""A double of Jitsi Videobridge's private HTTP server: the keys that its public sources have, and none of its media.
Who is in which conference the test says."""

import contextlib
import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.namespaces import Namespace
from lab.people import Person

PORT = 8080


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        request = json.loads(self.rfile.read(size)) if size else {}
        jvb = self.server.jvb
        found: Any = None
        if self.command == "GET" and self.path == "/debug?full=true":
            found = jvb.debug_state()
        elif self.path.startswith("/colibri/v2/conferences"):
            found = jvb.colibri(request)
        body = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, namespace: Namespace, jvb: "Jvb"):
        self.jvb = jvb
        self._connections: list[socket.socket] = []
        with namespace.entered():
            super().__init__(("127.0.0.1", PORT), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look for the name of the host

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def end(self) -> None:
        """As a process does: with its connections."""
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Jvb:
    """Not yet started. `shows_ufrags`: as those with ICE restart do."""

    def __init__(self, namespace: Namespace, shows_ufrags: bool = True):
        self._namespace, self._shows_ufrags = namespace, shows_ufrags
        self._server: _Server | None = None
        self.there: list[Person] = []
        self.restarting: set[str] = set()  # names of persons: an ICE restart is under way

    def start(self) -> "Jvb":
        self._server = _Server(self._namespace, self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server:
            self._server.end()
            self._server = None

    def _ice(self, person: Person) -> dict[str, Any]:
        state: dict[str, Any] = {"closed": False, "iceConnected": True, "iceFailed": False}
        ufrags = list(person.transport.passwords)
        if self._shows_ufrags and person.name in self.restarting:
            state |= {"localUfrag": ufrags[-2], "restartPending": True, "pendingLocalUfrag": ufrags[-1]}
        elif self._shows_ufrags:
            state |= {"localUfrag": ufrags[-1], "restartPending": False}
        return state

    def debug_state(self) -> dict[str, Any]:
        conferences: dict[str, Any] = {}
        for person in self.there:
            conference = conferences.setdefault(f"id-{person.meeting}", {
                "id": f"id-{person.meeting}", "name": f"{person.meeting}@conference.example",
                "meeting_id": person.meeting, "expired": False, "endpoints": {}, "relays": {}})
            conference["endpoints"][person.name] = {
                "expired": False, "stats_id": "Garett-w1o", "ice_transport": self._ice(person)}
        return {"shutdown_state": "RUNNING", "drain": False, "conferences": conferences}

    def colibri(self, request: dict[str, Any]) -> dict[str, Any]:
        """What it answers of those whom the request names."""
        named = {endpoint["id"] for endpoint in request.get("endpoints", ())
                 if not endpoint.get("expire")}
        return {"endpoints": [
            {"id": person.name, "transport": {"transport": {
                "ufrag": person.transport.credentials.ufrag, "candidates": []}}}
            for person in self.there if person.name in named]}
