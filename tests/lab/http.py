# SPDX-License-Identifier: Apache-2.0
"""HTTP over TCP, asked inside a namespace."""

import http.client
import socket

from lab.client import Response
from lab.namespaces import Namespace

PATIENCE_S = 30


def ask(namespace: Namespace, address: tuple[str, int], method: str = "GET", path: str = "/",
        body: str = "", **headers: str) -> Response:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    connection = http.client.HTTPConnection(*address)
    connection.sock = namespace.socket(family, socket.SOCK_STREAM)
    connection.sock.settimeout(PATIENCE_S)
    connection.sock.connect(address)
    try:
        connection.request(method, path, body=body.encode(), headers=headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.getheader("Content-Type", ""),
                        answer.read().decode(), answer.headers)
    finally:
        connection.close()
