# SPDX-License-Identifier: Apache-2.0
"""Packets of many sources, made in the kernel: nothing of the sender is copied or woken up."""

import struct
from pathlib import Path

from pipeline.libbpf import BpfObject, send_live_frames

SENDER_MAC, RECEIVER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
# Where IPv4 has multicast: no database places it.
MEETING_ADDRESS = bytes.fromhex("20010db8e00000000000000000000001")
MEETING_ADDRESS_TEXT = "2001:db8:e000::1"
MEETING_PORT = 40000
SENDER_PORT = 50000
PAYLOAD = b"\x80" + bytes(171)  # about what one packet of speech has
UDP = 17


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def frame(source: bytes) -> bytes:
    """Right in every field and for every one of the sources: they sum up to the same."""
    length = 8 + len(PAYLOAD)
    pseudo_header = source + MEETING_ADDRESS + struct.pack("!II", length, UDP)
    ports = struct.pack("!HHH", SENDER_PORT, MEETING_PORT, length)
    checksum = _checksum(pseudo_header + ports + bytes(2) + PAYLOAD)
    ethernet = bytes.fromhex((RECEIVER_MAC + SENDER_MAC).replace(":", "")) + b"\x86\xdd"
    ip = struct.pack("!IHBB", 6 << 28, length, UDP, 64) + source + MEETING_ADDRESS
    return ethernet + ip + ports + struct.pack("!H", checksum) + PAYLOAD


class Sender:
    """The thread that sends is in the namespace of the sending ends."""

    def __init__(self, compiled: Path, sources: list[bytes]):
        self._mask = len(sources) - 1
        assert len(sources) & self._mask == 0, "the sources are a power of two"
        self._frame = frame(sources[0])
        self._object = BpfObject(compiled)
        self._object.resize("sources", len(sources))
        self._object.load()
        self._object.fill("sources", [struct.pack("=I", key) for key in range(len(sources))],
                          sources)
        self._program = self._object.program("send_next")

    def send(self, ifindex: int, count: int) -> None:
        """Starts with the first source, so that every round is the same."""
        self._object.set_globals(".bss", struct.pack("=III", ifindex, self._mask, 0))
        send_live_frames(self._program, self._frame, count)

    def close(self) -> None:
        self._object.close()
