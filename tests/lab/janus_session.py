# SPDX-License-Identifier: Apache-2.0
"""Janus' API over a WebSocket: a session, and its handles."""

import asyncio
import contextlib
import json
import secrets
from typing import Any

from aiortc import RTCSessionDescription

from lab.websocket import WebSocket


class GaveUp(Exception):
    pass


class Refused(GaveUp):
    pass


class Handle:
    """A plugin's, in a session."""

    def __init__(self, session: "Session", number: int):
        self._session, self.number = session, number
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def ask(self, jsep: RTCSessionDescription | None = None, **body: Any) -> dict[str, Any]:
        """The plugin's answer, which comes as an event."""
        more = {"jsep": {"type": jsep.type, "sdp": jsep.sdp}} if jsep else {}
        return await self._session.ask("message", self.number, event=True, body=body, **more)

    async def detach(self) -> None:
        self._session.handles.pop(self.number, None)
        with contextlib.suppress(GaveUp):
            await self._session.ask("detach", self.number)


class Session:
    """Over one WebSocket, which it ends with."""

    def __init__(self, socket: WebSocket):
        self._socket, self._number = socket, 0
        self._waiting: dict[str, tuple[bool, asyncio.Future[dict[str, Any]]]] = {}
        self.handles: dict[int, Handle] = {}
        self._reader = asyncio.ensure_future(self._read())
        self._keeper = asyncio.ensure_future(self._keep())

    @classmethod
    async def begin(cls, host: str, port: int) -> "Session":
        try:
            session = cls(await WebSocket.connect(host, port, "janus-protocol"))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise GaveUp(str(error)) from error
        session._number = (await session.ask("create"))["data"]["id"]
        return session

    async def ask(self, request: str, handle: int = 0, event: bool = False,
                  **more: Any) -> dict[str, Any]:
        """The answer, or the event that is one."""
        if self.ended:
            raise GaveUp("the session ended")
        transaction = secrets.token_hex(6)
        message = {"janus": request, "transaction": transaction} | more
        if self._number:
            message["session_id"] = self._number
        if handle:
            message["handle_id"] = handle
        answer = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = (event, answer)
        try:
            self._socket.send(json.dumps(message))
            answered = await asyncio.wait_for(answer, 10)
        except (asyncio.TimeoutError, OSError) as error:
            raise GaveUp(f"{request}: {error!r}") from error
        finally:
            del self._waiting[transaction]
        plugin = answered.get("plugindata", {}).get("data", {})
        refused = answered.get("error") or plugin.get("error")
        if refused:
            raise Refused(f"{request}: {refused}")
        return answered

    async def attach(self, plugin: str, opaque: str) -> Handle:
        answer = await self.ask("attach", plugin=f"janus.plugin.{plugin}", opaque_id=opaque)
        handle = Handle(self, answer["data"]["id"])
        self.handles[handle.number] = handle
        return handle

    @property
    def ended(self) -> bool:
        return self._reader.done()

    async def _read(self) -> None:
        with contextlib.suppress(OSError):  # the server is gone
            while True:
                self._take(json.loads(await self._socket.receive()))
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the session ended"))

    def _take(self, message: dict[str, Any]) -> None:
        for_event, answer = self._waiting.get(message.get("transaction", ""), (False, None))
        if answer is not None:
            # An acknowledgement says that the event is still to come.
            if not answer.done() and (message["janus"] != "ack" or not for_event):
                answer.set_result(message)
        elif message.get("sender") in self.handles:
            self.handles[message["sender"]].events.put_nowait(message)

    async def _keep(self) -> None:
        while not self.ended:
            await asyncio.sleep(20)
            with contextlib.suppress(GaveUp):
                await self.ask("keepalive")

    def close(self) -> None:
        self._keeper.cancel()
        self._reader.cancel()
        self._socket.close()
