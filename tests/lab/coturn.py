# SPDX-License-Identifier: Apache-2.0
"""Debian's coturn on the edge host, with a Redis that it tells about its allocations."""

import secrets
import socket
import time
from pathlib import Path

from lab import stun, wait
from lab.endpoints import Endpoint
from lab.namespaces import Namespace
from lab.network import EDGE_V4, EDGE_V6
from lab.program import Program
from lab.shell import run
from lab.turn import SECRET

PORT, TLS_PORT, REDIS_PORT = 3478, 5349, 6379
REALM = "turn.example"
RELAY_PORTS = (49152, 49400)
START_S = 20.0

ENDPOINTS = tuple(Endpoint(transport, address, port) for address in (EDGE_V4, EDGE_V6)
                  for transport, port in (("udp", PORT), ("tcp", PORT), ("tcp", TLS_PORT)))


class Server(Program):
    """A process on the edge host; it runs as soon as there is somebody at all its endpoints."""

    def __init__(self, namespace: Namespace, log_path: Path, endpoints: tuple[Endpoint, ...],
                 *command: object):
        super().__init__(namespace, log_path)
        self._endpoints, self._command = endpoints, namespace.command(*command)

    def start(self) -> None:
        self._launch(self._command)
        wait.until(self._listens, START_S, lambda: f"{self._command} listens\n{self.log}")

    def _listens(self) -> bool:
        self.assert_alive()
        return all(self._is_there(end) for end in self._endpoints)

    def _is_there(self, end: Endpoint) -> bool:
        """TCP takes the connection; over UDP a STUN request is answered."""
        family = socket.AF_INET if end.family == 4 else socket.AF_INET6
        with self._namespace.socket(family, end.kind) as sock:
            sock.settimeout(0.2)
            try:
                sock.connect((end.address, end.port))
                if end.transport == "udp":
                    sock.send(stun.build(stun.REQUEST, secrets.token_bytes(12), []))
                    sock.recv(2048)
            except OSError:
                return False
        return True


class Coturn:
    def __init__(self, namespace: Namespace, folder: Path):
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={REALM}")
        config = folder / "turnserver.conf"
        config.write_text("\n".join((
            "use-auth-secret", f"static-auth-secret={SECRET}", f"realm={REALM}",
            f"listening-port={PORT}", f"tls-listening-port={TLS_PORT}",
            *(f"listening-ip={address}" for address in (EDGE_V4, EDGE_V6)),
            f"relay-ip={EDGE_V4}", f"min-port={RELAY_PORTS[0]}", f"max-port={RELAY_PORTS[1]}",
            f"cert={certificate}", f"pkey={key}", "no-cli", "log-file=stdout",
            f"pidfile={folder / 'pid'}", f"userdb={folder / 'users'}",
            f'redis-statsdb="ip=127.0.0.1 dbname=0 port={REDIS_PORT} connect_timeout=5"')) + "\n",
            encoding="utf-8")
        self.redis = Server(namespace, folder / "redis.log",
                            (Endpoint("tcp", "127.0.0.1", REDIS_PORT),), "/usr/bin/redis-server",
                            "--bind", "127.0.0.1", "--port", REDIS_PORT, "--save", "",
                            "--dir", folder)
        self.turn = Server(namespace, folder / "turn.log", ENDPOINTS,
                           "/usr/bin/turnserver", "-c", config)

    def start(self) -> "Coturn":
        self.redis.start()
        self.turn.start()
        return self

    def remove(self) -> None:
        self.turn.remove()
        self.redis.remove()


def username(meeting: str, participant: str) -> str:
    """Good for an hour."""
    return f"{int(time.time()) + 3600}:{meeting}/{participant}"
