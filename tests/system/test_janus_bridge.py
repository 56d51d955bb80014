# SPDX-License-Identifier: Apache-2.0
"""Debian's Janus with clients of WebRTC, and the bridge that tells the daemon who they are. Every
client has a connection for what it sends and one for everybody it hears, each on a port of its
own."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import wait
from lab.bridge import Bridge
from lab.callers import Call, Caller
from lab.daemon import Daemon
from lab.janus import ADMIN_PORT, SECRET, Janus, http_handler, websocket_handler
from lab.lab import Lab
from lab.media import Stream, expect_end, expect_every_second, expect_flow, expect_silence
from lab.network import Network

ROOM, OTHER_ROOM = "1234", "5678"
MIXED_ROOM, MIXED_MEETING, EVERYBODY = "mix-1234", "audiobridge-1234", "everybody"
MEETINGS = {ROOM: ROOM, OTHER_ROOM: OTHER_ROOM, MIXED_ROOM: MIXED_MEETING}
EVENTS_PORT = 9437
STOPPED_S, BACK_S, CONVERGED_S = 1.0, 3.0, 5.0
PATIENCE_S = 20.0
WATCHED_S = 2.0

BY_HTTP = http_handler(f"http://127.0.0.1:{EVENTS_PORT}/")
BY_WEBSOCKET = websocket_handler(f"ws://127.0.0.1:{EVENTS_PORT}/")
BY_POLLING: dict[str, str] = {}


@pytest.fixture(scope="module")
def started_janus(lab: Lab, network: Network) -> Iterator[Janus]:
    made = Janus(network.edge, lab.new_folder("janus"), BY_HTTP)
    yield made.start()
    made.remove()


@pytest.fixture
def janus(request: pytest.FixtureRequest, started_janus: Janus) -> Janus:
    """The parameter is how it tells its events."""
    handlers = getattr(request, "param", BY_HTTP)
    if started_janus.handlers != handlers:
        started_janus.stop()
        started_janus.configure(handlers)
        started_janus.start()
    return started_janus


@pytest.fixture(scope="module")
def callers(network: Network, started_janus: Janus) -> Iterator[Call]:
    """The same for all tests: to come in takes them longer than most tests."""
    there = network.participants
    made = Call(Caller(there["CN"], (4,), ROOM, OTHER_ROOM), Caller(there["HK"], (6,), ROOM),
                Caller(there["US"], (4, 6), ROOM, OTHER_ROOM))
    yield made
    made.close()


@pytest.fixture
def call(callers: Call, janus: Janus) -> Iterator[Call]:
    """Everybody hears everybody."""
    expect_flow(everything(callers), PATIENCE_S)
    yield callers
    print(f"--- what the callers say\n{callers.story}")


MakeBridge = Callable[..., Bridge]


@pytest.fixture
def make_bridge(lab: Lab, network: Network, daemon: Daemon, call: Call) -> Iterator[MakeBridge]:
    """Running; its keywords are put into the configuration."""
    made: list[Bridge] = []

    def make(**config: Any) -> Bridge:
        folder = lab.new_folder("bridge")
        secret = folder / "secret"
        secret.write_text(f"{SECRET}\n", encoding="ascii")
        admin = {"url": f"http://127.0.0.1:{ADMIN_PORT}/admin", "secret_file": str(secret)}
        made.append(Bridge(network.edge, folder, "janus", socket=str(daemon.socket_path),
                           listen=f"127.0.0.1:{EVENTS_PORT}", interval="1s", admin=admin, **config))
        return made[-1].start()

    yield make
    for bridge in made:
        bridge.remove()
        print(f"--- log of the bridge\n{bridge.log}")


@pytest.fixture
def bridge(make_bridge: MakeBridge) -> Bridge:
    return make_bridge()


@pytest.fixture
def mixing(call: Call) -> Iterator[list[Caller]]:
    """CN and HK, in the AudioBridge too."""
    both = list(call.callers[:2])
    for caller in both:
        caller.join(MIXED_ROOM)
    yield both
    for caller in both:
        caller.leave(MIXED_ROOM)


def everything(call: Call) -> list[Stream]:
    return [*call.streams(ROOM), *call.streams(OTHER_ROOM)]


def cn(call: Call) -> Caller:
    return call.callers[0]


def cut(call: Call) -> list[Stream]:
    """What CN hears in ROOM, and what is heard of it."""
    return call.of(cn(call), ROOM)


def kept(call: Call) -> list[Stream]:
    """What must go on without CN in ROOM, also of CN's in the other room."""
    return [*call.without(cn(call), ROOM), *call.streams(OTHER_ROOM)]


def all_bound(daemon: Daemon, bridge: Bridge, call: Call, events: bool = True) -> None:
    """In a room, a client has a connection for what it sends and one for each whom it hears; the
    next of its checks confirms the path. Janus may take its time to try again to tell events."""
    inside = {meeting: sum(room in caller.rooms for caller in call.callers)
              for room, meeting in MEETINGS.items()}
    each = {meeting: 1 if meeting == MIXED_MEETING else number
            for meeting, number in inside.items()}
    bridge.until(lambda status: status["participants"] == sum(inside.values()) and
                 (status["server"]["events"] > 0) is events)

    def confirmed() -> bool:
        return all(one["confirmed_flows"] >= each[meeting] for meeting, number in inside.items()
                   if number for one in daemon.participants(meeting).values())
    wait.until(confirmed, PATIENCE_S, lambda: f"confirmed paths\n{bridge.status()}")


def rejoin(call: Call) -> None:
    """CN, in ROOM: every connection anew, from new ports to new ports. It is heard."""
    before = len(cn(call).times("joined", ROOM))
    cn(call).leave(ROOM)
    cn(call).join(ROOM)
    wait.until(lambda: len(cn(call).times("joined", ROOM)) > before, PATIENCE_S, "CN joins")
    expect_flow(cut(call), PATIENCE_S, since=cn(call).times("joined", ROOM)[-1])


@pytest.mark.parametrize("janus", (BY_HTTP, BY_WEBSOCKET, BY_POLLING), indirect=True,
                         ids=("http", "websocket", "polling"))
def test_blocked_in_one_room(daemon: Daemon, janus: Janus, bridge: Bridge, call: Call):
    all_bound(daemon, bridge, call, events=janus.handlers != BY_POLLING)
    began = time.monotonic()
    rule = daemon.block(ROOM, "--country", "CN")
    blocked = time.monotonic()
    expect_silence(cut(call), blocked + STOPPED_S, WATCHED_S)
    unblocked_after(call, daemon, rule, began)


def unblocked_after(call: Call, daemon: Daemon, rule: str, began: float) -> None:
    expect_every_second(kept(call), began, time.monotonic())
    daemon.ctl("unblock", rule).ok()
    expect_flow(cut(call), BACK_S)


def test_back_where_the_client_gave_up(daemon: Daemon, bridge: Bridge, call: Call):
    """It tries to join again and again meanwhile, and does not get in."""
    all_bound(daemon, bridge, call)
    began = time.monotonic()
    rule = daemon.block(ROOM, "--country", "CN")
    blocked = time.monotonic()
    wait.until(lambda: len(cn(call).reasons(ROOM, blocked)) >= 2, PATIENCE_S, "CN gives up")
    expect_silence(cut(call), blocked + STOPPED_S)
    unblocked_after(call, daemon, rule, began)


def test_bridge_killed(daemon: Daemon, bridge: Bridge, call: Call):
    all_bound(daemon, bridge, call)
    bridge.kill9()
    daemon.block(ROOM, "--country", "CN")
    rejoin(call)  # of those connections nobody told the daemon
    bridge.start()
    expect_end(cut(call), CONVERGED_S)


def test_janus_restarted(daemon: Daemon, bridge: Bridge, janus: Janus, call: Call):
    all_bound(daemon, bridge, call)
    daemon.block(ROOM, "--country", "CN")
    before = set(daemon.participants(OTHER_ROOM))
    janus.kill9()
    janus.start()
    expect_flow(kept(call), PATIENCE_S)
    expect_end(cut(call), CONVERGED_S)
    after = set(daemon.participants(OTHER_ROOM))
    assert len(after) == len(before) and not after & before


def test_daemon_killed(daemon: Daemon, bridge: Bridge, call: Call):
    all_bound(daemon, bridge, call)
    daemon.block(ROOM, "--country", "CN")
    daemon.kill9()
    rejoin(call)
    daemon.start()
    expect_end(cut(call), CONVERGED_S)


def test_events_too_late(daemon: Daemon, bridge: Bridge, call: Call):
    all_bound(daemon, bridge, call)
    daemon.block(ROOM, "--country", "CN")
    bridge.freeze()
    rejoin(call)
    bridge.thaw()
    expect_end(cut(call), CONVERGED_S)


def test_the_mixed_room(daemon: Daemon, bridge: Bridge, call: Call, mixing: list[Caller]):
    """AudioBridge: a meeting of its own, whatever its number."""
    heard = [call.stream(EVERYBODY, caller, MIXED_ROOM) for caller in mixing]
    expect_flow(heard, PATIENCE_S)
    all_bound(daemon, bridge, call)
    began = time.monotonic()
    daemon.block(MIXED_MEETING, "--country", "CN")
    blocked = time.monotonic()
    expect_silence(heard[:1], blocked + STOPPED_S, WATCHED_S)
    expect_every_second([*heard[1:], *everything(call)], began, time.monotonic())


def test_kicked_beside(daemon: Daemon, make_bridge: MakeBridge, call: Call):
    """Where the operator wants it, the client is told at once instead of waiting for answers."""
    all_bound(daemon, make_bridge(kick={"enabled": True}), call)
    began = time.monotonic()
    daemon.block(ROOM, "--country", "CN")

    def kicked() -> bool:
        return any("by the server" in why for why in cn(call).reasons(ROOM, began))
    wait.until(kicked, PATIENCE_S, "CN is kicked")
    expect_end(cut(call), STOPPED_S)
