# SPDX-License-Identifier: Apache-2.0
"""Debian's Janus on the edge host, with a configuration of its own."""

import http.client
import json
import secrets
import signal
from pathlib import Path
from typing import Any

from lab import wait
from lab.namespaces import Namespace
from lab.network import EDGE_V4, EDGE_V6
from lab.program import Program

LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
API_PORT, WEBSOCKET_PORT, ADMIN_PORT = 8088, 8188, 7088
MEDIA_PORTS = (20000, 20999)
SECRET = "only the lab's"
START_S = 20.0

ROOMS, BRIDGED_ROOM = (1234, 5678), 1234


def http_handler(url: str, **more: Any) -> dict[str, str]:
    """Events by POST."""
    return {"sampleevh": _general(enabled=True, events="all", grouping=False, backend=url, **more)}


def websocket_handler(url: str, **more: Any) -> dict[str, str]:
    return {"wsevh": _general(enabled=True, events="all", grouping=False, backend=url, **more)}


def _general(**values: Any) -> str:
    return _section("general", **values)


def _section(name: str, **values: Any) -> str:
    lines = "".join(f"    {key} = {json.dumps(value)}\n" for key, value in values.items())
    return f"{name}: {{\n{lines}}}\n"


class Janus(Program):
    """Not yet started. `handlers`: of the events, as http_handler makes them."""

    def __init__(self, namespace: Namespace, folder: Path, handlers: dict[str, str] | None = None):
        super().__init__(namespace, folder / "log")
        self.folder = folder
        self.handlers: dict[str, str] = {}
        self.configure(handlers or {})

    def configure(self, handlers: dict[str, str]) -> None:
        """For its next start."""
        self.handlers = handlers
        files = {"janus": self._janus(bool(handlers))}
        files["transport.http"] = (
            _general(json="compact", http=True, port=API_PORT, ip=EDGE_V4) +
            _section("admin", admin_http=True, admin_port=ADMIN_PORT, admin_ip="127.0.0.1"))
        files["transport.websockets"] = _general(ws=True, ws_port=WEBSOCKET_PORT)
        room = {"publishers": 20, "audiocodec": "opus", "notify_joining": True}
        files["plugin.videoroom"] = "".join(_section(f"room-{number}", **room) for number in ROOMS)
        files["plugin.audiobridge"] = _section(f"room-{BRIDGED_ROOM}", sampling_rate=16000)
        files["plugin.textroom"] = _section(f"room-{ROOMS[0]}")
        for name, text in handlers.items():
            files[f"eventhandler.{name}"] = text
        for old in self.folder.glob("*.jcfg"):
            old.unlink()
        for name, text in files.items():
            prefix = "" if name == "janus" else "janus."
            (self.folder / f"{prefix}{name}.jcfg").write_text(text, encoding="utf-8")

    def _janus(self, events: bool) -> str:
        """With those of its parts alone that are needed: the others take their time to start."""
        parts = {"plugins": ("videoroom", "audiobridge", "textroom"),
                 "transports": ("http", "websockets"), "events": ("sampleevh", "wsevh")}
        folders = {}
        for kind, names in parts.items():
            folder = self.folder / kind
            folder.mkdir(exist_ok=True)
            for name in names:
                library = f"libjanus_{name}.so"
                if not (folder / library).is_symlink():
                    (folder / library).symlink_to(LIBRARIES / kind / library)
            folders[f"{kind}_folder"] = str(folder)
        return (_general(configs_folder=str(self.folder), **folders, debug_level=4,
                         admin_secret=SECRET, session_timeout=60) +
                _section("media", ipv6=True, rtp_port_range="-".join(map(str, MEDIA_PORTS))) +
                # One address a family: with each more, every connection has more paths to check.
                _section("nat", ice_enforce_list=f"{EDGE_V4},{EDGE_V6}") +
                _section("events", broadcast=events))

    def start(self) -> "Janus":
        command = self._namespace.command("/usr/bin/janus", f"--configs-folder={self.folder}",
                                          "--disable-colors", "--log-stdout")
        self._launch(command)
        wait.until(self._answers, START_S, lambda: f"Janus answers\n{self.log}")
        return self

    def _answers(self) -> bool:
        self.assert_alive()
        try:
            return self.admin("ping")["janus"] == "pong"
        except OSError:
            return False

    def admin(self, request: str, path: str = "", /, **more: Any) -> dict[str, Any]:
        """The Admin API; `path` is a session, and a handle."""
        return self._post("127.0.0.1", ADMIN_PORT, f"/admin{path}",
                          {"janus": request, "admin_secret": SECRET} | more)

    def plugin(self, plugin: str, /, **request: Any) -> dict[str, Any]:
        """What an administrator may ask a plugin for."""
        return self.admin("message_plugin", plugin=f"janus.plugin.{plugin}", request=request)

    def _post(self, host: str, port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(body | {"transaction": secrets.token_hex(4)})
        connection = http.client.HTTPConnection(host, port, timeout=5)
        with self._namespace.entered():
            connection.connect()
        try:
            connection.request("POST", path, text, {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
