# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client (RFC 6455), as far as talking to Janus takes: whole text messages."""

import asyncio
import base64
import os
import struct

CONTINUATION, TEXT, CLOSE, PING, PONG = 0, 1, 8, 9, 10
FINAL, MASKED = 0x80, 0x80


class WebSocket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int, subprotocol: str) -> "WebSocket":
        reader, writer = await asyncio.open_connection(host, port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                     f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     f"Sec-WebSocket-Key: {key}\r\n"
                     f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"no WebSocket: {head!r}")
        return cls(reader, writer)

    def send(self, text: str) -> None:
        self._frame(TEXT, text.encode())

    def _frame(self, kind: int, data: bytes) -> None:
        length = len(data)
        if length < 126:
            head = bytes((FINAL | kind, MASKED | length))
        elif length < 1 << 16:
            head = struct.pack("!BBH", FINAL | kind, MASKED | 126, length)
        else:
            head = struct.pack("!BBQ", FINAL | kind, MASKED | 127, length)
        # A mask of zeros is a mask, and nobody listens in who could be confused.
        self._writer.write(head + bytes(4) + data)

    async def receive(self) -> str:
        """The next message; ConnectionError at the end."""
        message = b""
        while True:
            final, kind, data = await self._next()
            if kind == CLOSE:
                raise ConnectionError("the server closed the WebSocket")
            if kind == PING:
                self._frame(PONG, data)
            elif kind in (TEXT, CONTINUATION):
                message += data
                if final:
                    return message.decode()

    async def _next(self) -> tuple[bool, int, bytes]:
        try:
            first, length = await self._reader.readexactly(2)
            if length == 126:
                length, = struct.unpack("!H", await self._reader.readexactly(2))
            elif length == 127:
                length, = struct.unpack("!Q", await self._reader.readexactly(8))
            return bool(first & FINAL), first & 15, await self._reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the WebSocket ended") from error

    def close(self) -> None:
        self._writer.close()
