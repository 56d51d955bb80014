# SPDX-License-Identifier: Apache-2.0
"""Endpoints by the product's own spelling, and the ones the meetings of the lab use."""

import ipaddress
import socket
from dataclasses import dataclass

from lab.network import EDGE_V4, EDGE_V6

PORT_A, PORT_B, PORT_C, PORT_D = 40000, 40001, 40002, 40003
PORT_OTHER = 50000  # never registered: the host's other traffic


@dataclass(frozen=True)
class Endpoint:
    transport: str
    address: str
    port: int

    @property
    def family(self) -> int:
        return ipaddress.ip_address(self.address).version

    @property
    def kind(self) -> socket.SocketKind:
        return socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM

    def __str__(self) -> str:
        host = self.address if self.family == 4 else f"[{self.address}]"
        return f"{self.transport}:{host}:{self.port}"


def endpoints(port: int) -> list[Endpoint]:
    """Both transports, both families."""
    return [Endpoint(transport, address, port)
            for transport in ("udp", "tcp") for address in (EDGE_V4, EDGE_V6)]


def texts(port: int) -> list[str]:
    return [str(endpoint) for endpoint in endpoints(port)]


def as_options(port: int) -> list[str]:
    """For `meetfencectl meeting add`."""
    return ["--endpoint", *texts(port)]
