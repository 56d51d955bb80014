# SPDX-License-Identifier: Apache-2.0
"""Persons in meetings on a shared port: a transport of the media server's each, and a client in
each family. Persons of one site stand behind one address, as behind a NAT: from outside, that is
several ports of one address, and that is what they have."""

from collections.abc import Iterable

from lab.client import Response
from lab.daemon import Daemon
from lab.ice import IceServer
from lab.ice_client import IceClient, shared_endpoint
from lab.network import FIRST_HOST, Network


class Person:
    def __init__(self, network: Network, server: IceServer, site: str, meeting: str, name: str,
                 families: tuple[int, ...] = (4, 6), transport: str = "udp",
                 host: int = FIRST_HOST):
        self.network, self.site, self.meeting, self.name = network, site, meeting, name
        self.transport = server.new_transport()
        self.over = transport
        self.clients = {family: self._client(family, host) for family in families}
        self._left: list[IceClient] = []

    def _client(self, family: int, host: int = FIRST_HOST, port: int = 0) -> IceClient:
        client = IceClient(self.network.participants[self.site], self.transport.credentials,
                           family, self.over, host, port)
        client.name = f"{self.name} of {self.meeting}, {client.name}"
        return client

    @property
    def ways(self) -> list[IceClient]:
        return list(self.clients.values())

    @property
    def ufrags(self) -> list[dict[str, str]]:
        """As they are handed over: by every way there is, for each of the transport's ufrags."""
        return [{"endpoint": str(shared_endpoint(family, self.over)), "ufrag": ufrag}
                for family in (4, 6) for ufrag in self.transport.passwords]

    def hand_over(self, daemon: Daemon) -> Response:
        return daemon.put_participant(self.meeting, self.name,
                                      ufrags=self.ufrags).expect(200, 201)

    def restart(self) -> None:
        """ICE restart: other credentials, the same addresses."""
        self.transport.restart()
        for client in self.clients.values():
            client.credentials = self.transport.credentials

    def move(self, family: int = 4, site: str = "", host: int = FIRST_HOST) -> IceClient:
        """To another port, and where it is named to another address. The old one is silent."""
        self.site = site or self.site
        if family in self.clients:
            self._left.append(self.clients.pop(family))
        self.clients[family] = self._client(family, host)
        return self.clients[family]

    def close(self) -> None:
        for client in (*self.clients.values(), *self._left):
            client.close()


class People:
    """Makes persons, and ends them."""

    def __init__(self, network: Network, server: IceServer):
        self._network, self.server = network, server
        self._made: list[Person] = []

    def __call__(self, site: str, meeting: str, name: str, **options) -> Person:
        self._made.append(Person(self._network, self.server, site, meeting, name, **options))
        return self._made[-1]

    def close(self) -> None:
        for person in self._made:
            person.close()


def ways_of(*people: Person) -> list[IceClient]:
    return [client for person in people for client in person.ways]


def hand_over(daemon: Daemon, people: Iterable[Person]) -> None:
    for person in people:
        person.hand_over(daemon)
