# SPDX-License-Identifier: Apache-2.0
"""Debian's coturn, clients that are relayed by it over every transport, and the bridge that reads
from Redis who they are."""

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from conftest import MakeDaemon
from lab import wait
from lab.bridge import Bridge
from lab.coturn import ENDPOINTS, PORT, REDIS_PORT, TLS_PORT, Coturn, username
from lab.daemon import Daemon
from lab.lab import Lab
from lab.media import Stream, expect_end, expect_every_second, expect_flow, expect_silence
from lab.network import Network
from lab.turn import RelayPeer, TurnClient

MEETING, OTHER_MEETING = "weekly-4711", "daily"
STOPPED_S, BACK_S, CONVERGED_S = 1.0, 3.0, 5.0
PATIENCE_S, WATCHED_S = 20.0, 2.0
# Transport, family and port: all that coturn is asked for in practice.
WAYS = (("udp", 4, PORT), ("udp", 6, PORT), ("tcp", 4, PORT), ("tls", 6, TLS_PORT))


@pytest.fixture(scope="module")
def coturn(lab: Lab, network: Network) -> Iterator[Coturn]:
    made = Coturn(network.edge, lab.new_folder("coturn"))
    yield made.start()
    made.remove()


@pytest.fixture(scope="module")
def peer(network: Network) -> Iterator[RelayPeer]:
    made = RelayPeer(network.edge)
    yield made
    made.close()


MakeClient = Callable[..., TurnClient]


@pytest.fixture
def client(network: Network, coturn: Coturn) -> Iterator[MakeClient]:
    """Of a site, in a meeting, by one of WAYS."""
    made: list[TurnClient] = []

    def make(site: str, meeting: str = MEETING, way: tuple[str, int, int] = WAYS[0]) -> TurnClient:
        name = username(meeting, f"{site}-{len(made)}")
        made.append(TurnClient(network.participants[site], name, *way))
        return made[-1].begin()

    yield make
    for one in made:
        one.end()


@pytest.fixture
def daemon(client: MakeClient, make_daemon: MakeDaemon) -> Daemon:
    """It is gone before the clients are: what they say at the end is heard, and no allocation is
    left to the next test."""
    return make_daemon().start()


@pytest.fixture
def bridge(lab: Lab, network: Network, daemon: Daemon, coturn: Coturn) -> Iterator[Bridge]:
    made = Bridge(network.edge, lab.new_folder("bridge"), "coturn",
                  socket=str(daemon.socket_path), turn_endpoints=[str(end) for end in ENDPOINTS],
                  redis={"address": f"127.0.0.1:{REDIS_PORT}"})
    yield made.start()
    made.remove()
    print(f"--- log of the bridge\n{made.log}")


def streams(peer: RelayPeer, *clients: TurnClient) -> list[Stream]:
    """In both directions."""
    return [stream for client in clients for stream in client.streams(peer)]


def bound(bridge: Bridge, participants: int) -> None:
    bridge.until(lambda status: status["participants"] == participants)


def test_blocked_by_every_transport(daemon: Daemon, bridge: Bridge, client: MakeClient,
                                    peer: RelayPeer):
    ours = [client("CN", way=way) for way in WAYS]
    others = [*(client("HK", way=way) for way in WAYS), client("CN", OTHER_MEETING)]
    cut, kept = streams(peer, *ours), streams(peer, *others)
    expect_flow([*cut, *kept], PATIENCE_S)
    bound(bridge, len(ours) + len(others))
    began = time.monotonic()
    rule = daemon.block(MEETING, "--country", "CN")
    blocked = time.monotonic()
    expect_silence(cut, blocked + STOPPED_S, WATCHED_S)
    expect_every_second(kept, began, time.monotonic())
    daemon.ctl("unblock", rule).ok()
    unblocked = time.monotonic()
    # TCP waits for longer and longer before it sends again; who does not want to wait comes anew.
    anew = [client("CN", way=way) for way in WAYS if way[0] != "udp"]
    datagrams = [one for one, way in zip(ours, WAYS) if way[0] == "udp"]
    expect_flow(streams(peer, *anew, *datagrams), BACK_S, since=unblocked)


def test_a_new_allocation_of_a_blocked_person(daemon: Daemon, bridge: Bridge, client: MakeClient,
                                              peer: RelayPeer):
    known = client("HK")
    bound(bridge, 1)
    daemon.block(MEETING, "--country", "CN")
    # Bound while it was still asking, or right after.
    with contextlib.suppress(TimeoutError):
        expect_end(streams(peer, client("CN")), STOPPED_S)
    expect_flow(streams(peer, known), PATIENCE_S)


def test_bridge_killed(daemon: Daemon, bridge: Bridge, client: MakeClient, peer: RelayPeer):
    client("HK")
    bound(bridge, 1)
    daemon.block(MEETING, "--country", "CN")
    bridge.kill9()
    late = client("CN")
    expect_flow(streams(peer, late), PATIENCE_S)  # nobody told the daemon
    bridge.start()
    expect_end(streams(peer, late), CONVERGED_S)


def test_daemon_killed(daemon: Daemon, bridge: Bridge, client: MakeClient, peer: RelayPeer):
    client("HK")
    bound(bridge, 1)
    daemon.block(MEETING, "--country", "CN")
    daemon.kill9()
    late = client("CN")
    expect_flow(streams(peer, late), PATIENCE_S)
    daemon.start()
    expect_end(streams(peer, late), CONVERGED_S)


def test_coturn_killed(daemon: Daemon, bridge: Bridge, coturn: Coturn, client: MakeClient,
                       peer: RelayPeer):
    """Its numbers begin anew, and Redis has no word about those that ended."""
    before = client("CN"), client("HK")
    bound(bridge, 2)
    daemon.block(MEETING, "--country", "CN")
    expect_end(streams(peer, before[0]), STOPPED_S)
    coturn.turn.kill9()
    coturn.turn.start()
    other = client("HK")
    with contextlib.suppress(TimeoutError):
        expect_end(streams(peer, client("CN")), CONVERGED_S)
    expect_flow(streams(peer, other), PATIENCE_S)


def out_by_refresh(late: TurnClient, other: TurnClient, peer: RelayPeer) -> None:
    def silent() -> bool:
        late.refresh()
        other.refresh()
        quiet_since = time.monotonic() - STOPPED_S
        return began < quiet_since and not any(stream.since(quiet_since)
                                               for stream in streams(peer, late))
    began = time.monotonic()
    wait.until(silent, CONVERGED_S + STOPPED_S, "nothing came any more")


def test_redis_restarted(daemon: Daemon, bridge: Bridge, coturn: Coturn, client: MakeClient,
                         peer: RelayPeer):
    """It forgets everything, and coturn's first words are lost; the next are not."""
    ours, other = client("CN"), client("HK")
    bound(bridge, 2)
    began = time.monotonic()
    daemon.block(MEETING, "--country", "CN")
    expect_end(streams(peer, ours), STOPPED_S)
    stopped = time.monotonic()
    coturn.redis.kill9()
    coturn.redis.start()
    bridge.until(lambda status: status["server"]["resyncs"] >= 2)
    with contextlib.suppress(TimeoutError):  # those words were not lost
        out_by_refresh(client("CN"), other, peer)
    expect_silence(streams(peer, ours), stopped)
    expect_every_second(streams(peer, other), began, time.monotonic())


def test_whose_meeting_is_unknown(daemon: Daemon, bridge: Bridge, client: MakeClient,
                                  peer: RelayPeer):
    """Nobody is put into a meeting by guessing."""
    untagged = client("CN", meeting="")
    client("HK")
    bound(bridge, 1)
    daemon.block(MEETING, "--country", "CN")
    since = time.monotonic()
    expect_flow(streams(peer, untagged), PATIENCE_S, since=since + STOPPED_S)
    assert sum(bridge.status()["unbound"].values()) == 1
