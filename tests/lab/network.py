# SPDX-License-Identifier: Apache-2.0
"""The topology: participants - router - edge host. No link leads out of it.

    CN  203.0.113.0/24    2001:db8:c::/48 --+
    HK  198.51.100.0/24   2001:db8:b::/48 --+-- router --[eth0] edge 198.18.0.1, 2001:db8:e::1
    US  192.0.2.0/24      2001:db8:a::/48 --+                        198.18.0.2, 2001:db8:e::2
    ...
"""

import itertools
import os
import socket
from dataclasses import dataclass

from lab.namespaces import Namespace

INTERFACE = "eth0"
EDGE_V4, EDGE_V6 = "198.18.0.1", "2001:db8:e::1"
EDGE_SECOND_V4, EDGE_SECOND_V6 = "198.18.0.2", "2001:db8:e::2"
FIRST_HOST, SECOND_HOST = 10, 20  # the two addresses every participant has in each family


@dataclass(frozen=True)
class Site:
    """A country, or "nowhere" that no database knows, by the first part of its addresses."""

    name: str
    v4: str
    v6: str

    @property
    def prefixes(self) -> tuple[str, str]:
        return f"{self.v4}.0/24", f"{self.v6}::/48"

    def address(self, family: int, host: int = FIRST_HOST) -> str:
        return f"{self.v4}.{host}" if family == 4 else f"{self.v6}::{host}"


NOWHERE = "nowhere"
SITES = {site.name: site for site in (
    Site("CN", "203.0.113", "2001:db8:c"),
    Site("HK", "198.51.100", "2001:db8:b"),
    Site("US", "192.0.2", "2001:db8:a"),
    Site("TW", "198.18.2", "2001:db8:7"),
    Site("MO", "198.18.3", "2001:db8:3"),
    Site(NOWHERE, "198.18.4", "2001:db8:f"),
)}


def overrides(names: tuple[str, ...] = tuple(SITES)) -> dict[str, str]:
    """`geo.overrides` that place the participants."""
    return {prefix: name for name in names if name != NOWHERE for prefix in SITES[name].prefixes}


class Participant:
    def __init__(self, site: Site, namespace: Namespace):
        self.name, self.site, self.namespace = site.name, site, namespace

    def socket(self, family: int, kind: socket.SocketKind, host: int = FIRST_HOST,
               port: int = 0) -> socket.socket:
        """A socket bound to one of the participant's addresses."""
        sock = self.namespace.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind)
        sock.bind((self.site.address(family, host), port))
        return sock


class Network:
    """Made whole or not at all; `remove` takes everything away, and may be called twice."""

    _serial = itertools.count(1)

    def __init__(self, names: tuple[str, ...] = tuple(SITES)):
        # The process number keeps apart what runs at the same time on one machine.
        self.tag = f"meetfence-{os.getpid()}-{next(self._serial)}"
        self._namespaces: list[Namespace] = []
        try:
            self.router = self._namespace("router")
            self.edge = self._namespace("edge")
            self._connect_edge()
            self.participants = {name: self._connect(SITES[name]) for name in names}
        except BaseException:
            self.remove()
            raise

    def _namespace(self, role: str) -> Namespace:
        namespace = Namespace(f"{self.tag}-{role}")
        self._namespaces.append(namespace)
        return namespace

    def _connect_edge(self) -> None:
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.router.sysctl(f"net/{key}", 1)
        self.router.ip(
            f"link add name edge type veth peer name {INTERFACE} netns {self.edge.name}",
            "address add 198.18.0.254/24 dev edge",
            "address add 2001:db8:e::fe/64 dev edge nodad",
            "link set edge up")
        addresses = [f"address add {address}/24 dev {INTERFACE}"
                     for address in (EDGE_V4, EDGE_SECOND_V4)]
        addresses += [f"address add {address}/64 dev {INTERFACE} nodad"
                      for address in (EDGE_V6, EDGE_SECOND_V6)]
        self.edge.ip(*addresses, f"link set {INTERFACE} up",
                     "route add default via 198.18.0.254",
                     f"route add ::/0 via 2001:db8:e::fe dev {INTERFACE}")

    def _connect(self, site: Site) -> Participant:
        namespace, port = self._namespace(site.name), f"to-{site.name}"
        self.router.ip(
            f"link add name {port} type veth peer name eth0 netns {namespace.name}",
            f"address add {site.address(4, 254)}/24 dev {port}",
            f"address add {site.address(6, 254)}/64 dev {port} nodad",
            f"link set {port} up")
        hosts = (FIRST_HOST, SECOND_HOST)
        namespace.ip(
            *(f"address add {site.address(4, host)}/24 dev eth0" for host in hosts),
            *(f"address add {site.address(6, host)}/64 dev eth0 nodad" for host in hosts),
            "link set eth0 up",
            f"route add default via {site.address(4, 254)}",
            f"route add ::/0 via {site.address(6, 254)} dev eth0")
        return Participant(site, namespace)

    def remove(self) -> None:
        while self._namespaces:
            self._namespaces.pop().remove()
