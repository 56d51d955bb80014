# SPDX-License-Identifier: Apache-2.0
"""Somebody who takes part by WebRTC in rooms of Janus: python3 -m lab.webrtc_peer --help

It sends audio to every room it is in, receives everybody else's over a connection for each, and
begins anew when a connection fails. Stdin has a line for each order, "join ROOM" or "leave ROOM".
Stdout has a JSON line for every moment in which media came, with the packets by room and sender."""

import argparse
import asyncio
import contextlib
import fractions
import itertools
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aioice.ice
import aioice.stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from av.packet import Packet

from lab.janus_session import GaveUp, Handle, Refused, Session

PACKETS_PER_S = 10
REPORTS_PER_S = 10
SILENCE = b"\xf8\xff\xfe"  # 20 ms of Opus
CLOCK = 48000
# A client that is left without answers for so long begins anew. A browser takes some 15 s.
CONSENT_S, CONSENT_FAILURES = 0.5, 4
ATTEMPT_S = 1.2
PAUSE_S = 0.1
MIXED = "mix-"


class Audio(MediaStreamTrack):
    """Encoded already: what an encoder would say of it matters to nobody."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self._numbers = itertools.count()
        self._began = time.monotonic()

    async def recv(self) -> Packet:
        number = next(self._numbers)
        await asyncio.sleep(self._began + number / PACKETS_PER_S - time.monotonic())
        packet = Packet(SILENCE)
        packet.pts = number * CLOCK // PACKETS_PER_S
        packet.time_base = fractions.Fraction(1, CLOCK)
        return packet


class Counter:
    """Who was heard where, since the last report."""

    def __init__(self):
        self._connections: dict[RTCPeerConnection, tuple[str, str]] = {}
        self._counted: dict[RTCPeerConnection, int] = {}

    @contextlib.contextmanager
    def counting(self, connection: RTCPeerConnection, room: str, sender: str) -> Iterator[None]:
        self._connections[connection] = room, sender
        try:
            yield
        finally:
            del self._connections[connection]
            self._counted.pop(connection, None)

    async def report_forever(self) -> None:
        while True:
            await asyncio.sleep(1 / REPORTS_PER_S)
            news: dict[str, dict[str, int]] = {}
            for connection, (room, sender) in list(self._connections.items()):
                total = await self._received(connection)
                new = total - self._counted.get(connection, 0)
                self._counted[connection] = total
                if new:
                    heard = news.setdefault(room, {})
                    heard[sender] = heard.get(sender, 0) + new
            if news:
                say(media=news)

    @staticmethod
    async def _received(connection: RTCPeerConnection) -> int:
        total = 0
        for receiver in connection.getReceivers():
            if receiver.track is not None:
                stats = await receiver.getStats()
                total += sum(one.packetsReceived for one in stats.values()
                             if one.type == "inbound-rtp")
        return total


def say(**what: Any) -> None:
    # The clock is the same for all processes of the machine.
    print(json.dumps({"at": time.monotonic()} | what), flush=True)


def new_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def connected(connection: RTCPeerConnection) -> None:
    async def poll() -> None:
        while connection.connectionState != "connected":
            check_alive(connection)
            await asyncio.sleep(0.02)
    try:
        await asyncio.wait_for(poll(), ATTEMPT_S)
    except asyncio.TimeoutError as error:
        raise GaveUp("no connection") from error


def check_alive(connection: RTCPeerConnection) -> None:
    if connection.connectionState in ("failed", "closed"):
        raise GaveUp(f"the connection {connection.connectionState}")


class Place:
    """In one room, with all the connections that takes, until one of them fails."""

    def __init__(self, peer: "Peer", session: Session, room: str):
        self._peer, self._session, self.room = peer, session, room
        self._heard: dict[int, asyncio.Task[None]] = {}  # by the number of the sender

    async def be(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._hear_nobody)
            await self._enter(stack)

    async def _handle(self, stack: contextlib.AsyncExitStack, plugin: str) -> Handle:
        handle = await self._session.attach(plugin, self._peer.name)
        stack.push_async_callback(handle.detach)
        return handle

    async def _send(self, stack: contextlib.AsyncExitStack, handle: Handle,
                    **request: Any) -> RTCPeerConnection:
        connection = new_connection()
        stack.push_async_callback(connection.close)
        connection.addTrack(Audio())
        await connection.setLocalDescription(await connection.createOffer())
        answer = await handle.ask(connection.localDescription, request="configure", **request)
        await connection.setRemoteDescription(RTCSessionDescription(**_jsep(answer)))
        await connected(connection)
        say(joined=self.room)
        return connection

    async def _events(self, handle: Handle,
                      connection: RTCPeerConnection) -> AsyncIterator[dict[str, Any]]:
        """What the plugin says; GaveUp when there is nothing more to stay for."""
        while True:
            if self._session.ended:
                raise GaveUp("the session ended")
            check_alive(connection)
            self._check_heard()
            with contextlib.suppress(asyncio.TimeoutError):
                event = await asyncio.wait_for(handle.events.get(), 0.1)
                if event["janus"] in ("hangup", "detached"):
                    raise GaveUp(f"{event['janus']} by the server")
                yield event.get("plugindata", {}).get("data", {})

    async def _enter(self, stack: contextlib.AsyncExitStack) -> None:
        handle = await self._handle(stack, "videoroom")
        joined = await handle.ask(request="join", ptype="publisher", room=int(self.room),
                                  display=self._peer.name)
        data = joined["plugindata"]["data"]
        connection = await self._send(stack, handle, audio=True, video=False)
        self._hear(data["publishers"], data["private_id"])
        async for event in self._events(handle, connection):
            self._hear(event.get("publishers", []), data["private_id"])
            for gone in (event.get("unpublished"), event.get("leaving")):
                if gone in self._heard:
                    self._heard.pop(gone).cancel()

    def _hear(self, publishers: list[dict[str, Any]], private: int) -> None:
        for one in publishers:
            self._heard[one["id"]] = asyncio.ensure_future(
                self._subscribe(one["id"], one["display"], private))

    def _check_heard(self) -> None:
        for feed, task in list(self._heard.items()):
            if task.done():
                del self._heard[feed]
                with contextlib.suppress(Refused):  # the sender left in the meantime
                    task.result()

    async def _hear_nobody(self) -> None:
        for task in self._heard.values():
            task.cancel()
        await asyncio.gather(*self._heard.values(), return_exceptions=True)

    async def _subscribe(self, feed: int, display: str, private: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            handle = await self._handle(stack, "videoroom")
            offer = await handle.ask(request="join", ptype="subscriber", room=int(self.room),
                                     streams=[{"feed": feed}], private_id=private)
            connection = new_connection()
            stack.push_async_callback(connection.close)
            stack.enter_context(self._peer.counter.counting(connection, self.room, display))
            await connection.setRemoteDescription(RTCSessionDescription(**_jsep(offer)))
            await connection.setLocalDescription(await connection.createAnswer())
            await handle.ask(connection.localDescription, request="start")
            await connected(connection)
            while True:
                check_alive(connection)
                await asyncio.sleep(PAUSE_S)


class BridgedPlace(Place):
    """In a room of the AudioBridge: everybody comes mixed, over the one connection."""

    async def _enter(self, stack: contextlib.AsyncExitStack) -> None:
        handle = await self._handle(stack, "audiobridge")
        await handle.ask(request="join", room=int(self.room.removeprefix(MIXED)),
                         display=self._peer.name)
        connection = await self._send(stack, handle)
        stack.enter_context(self._peer.counter.counting(connection, self.room, "everybody"))
        async for _ in self._events(handle, connection):
            pass


def _jsep(answer: dict[str, Any]) -> dict[str, str]:
    return {"type": answer["jsep"]["type"], "sdp": answer["jsep"]["sdp"]}


class Peer:
    def __init__(self, name: str, host: str, port: int):
        self.name, self._host, self._port = name, host, port
        self.counter = Counter()
        self._session: Session | None = None
        self._beginning = asyncio.Lock()
        self._rooms: dict[str, asyncio.Task[None]] = {}

    async def session(self) -> Session:
        """One for all the rooms, as a page of a browser has it."""
        async with self._beginning:
            if self._session is None or self._session.ended:
                self._session = await Session.begin(self._host, self._port)
            return self._session

    def join(self, room: str) -> None:
        self._rooms[room] = asyncio.ensure_future(self._stay(room))

    async def _stay(self, room: str) -> None:
        kind = BridgedPlace if room.startswith(MIXED) else Place
        while True:
            try:
                await kind(self, await self.session(), room).be()
            except GaveUp as error:
                say(gave_up=room, why=str(error))
                await asyncio.sleep(PAUSE_S)

    async def leave(self, room: str) -> None:
        task = self._rooms.pop(room)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        say(left=room)

    async def obey(self) -> None:
        """To the end of stdin."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            order, room = line
            if order == "join":
                self.join(room)
            else:
                await self.leave(room)


async def run(options: argparse.Namespace) -> None:
    peer = Peer(options.name, options.server, options.port)
    reporting = asyncio.ensure_future(peer.counter.report_forever())
    for room in options.room:
        peer.join(room)
    await peer.obey()
    reporting.cancel()
    os._exit(0)  # as a browser that is closed: nobody says goodbye, and no thread is waited for


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--address", action="append", required=True, help="its own, for media")
    parser.add_argument("--server", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("room", nargs="*", help="a number, or mix-NUMBER of the AudioBridge")
    options = parser.parse_args()
    aioice.ice.get_host_addresses = lambda **_: options.address
    aioice.ice.CONSENT_INTERVAL = CONSENT_S
    aioice.ice.CONSENT_FAILURES = CONSENT_FAILURES
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
