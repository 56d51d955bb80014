# SPDX-License-Identifier: Apache-2.0
"""STUN messages as ICE sends them (RFC 8489, RFC 8445 section 7)."""

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass

COOKIE = 0x2112A442
REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0006, 0x0008, 0x0009
XOR_MAPPED_ADDRESS, PRIORITY = 0x0020, 0x0024
FINGERPRINT, ICE_CONTROLLING = 0x8028, 0x802A
HEADER_BYTES, INTEGRITY_BYTES, FINGERPRINT_BYTES = 20, 24, 8
FINGERPRINT_MASK = 0x5354554E


def _header(kind: int, length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", kind, length, COOKIE) + transaction


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _integrity(password: str | bytes, text: bytes) -> bytes:
    """Over what comes before it, with the length as if nothing came after it. Bytes are the key
    that long-term credentials make."""
    length = struct.pack("!H", len(text) - HEADER_BYTES + INTEGRITY_BYTES)
    key = password.encode() if isinstance(password, str) else password
    return hmac.digest(key, text[:2] + length + text[4:], "sha1")


def _fingerprint(text: bytes) -> bytes:
    length = struct.pack("!H", len(text) - HEADER_BYTES + FINGERPRINT_BYTES)
    return struct.pack("!I", zlib.crc32(text[:2] + length + text[4:]) ^ FINGERPRINT_MASK)


def build(kind: int, transaction: bytes, attributes: list[tuple[int, bytes]],
          password: str | bytes = "") -> bytes:
    text = _header(kind, 0, transaction) + b"".join(_attribute(*item) for item in attributes)
    if password:
        text += _attribute(MESSAGE_INTEGRITY, _integrity(password, text))
    text += _attribute(FINGERPRINT, _fingerprint(text))
    return text[:2] + struct.pack("!H", len(text) - HEADER_BYTES) + text[4:]


def check(transaction: bytes, username: str, password: str) -> bytes:
    """A Binding Request as Chrome orders it."""
    return build(REQUEST, transaction, [(USERNAME, username.encode()),
                                        (ICE_CONTROLLING, bytes(8)),
                                        (PRIORITY, struct.pack("!I", 0x6E7F1EFF))], password)


def success(transaction: bytes, address: str, port: int, password: str) -> bytes:
    packed = ipaddress.ip_address(address).packed
    mask = struct.pack("!I", COOKIE) + transaction
    mapped = struct.pack("!xBH", 1 if len(packed) == 4 else 2, port ^ COOKIE >> 16)
    mapped += bytes(one ^ other for one, other in zip(packed, mask))
    return build(SUCCESS, transaction, [(XOR_MAPPED_ADDRESS, mapped)], password)


def unauthorized(transaction: bytes) -> bytes:
    return build(ERROR, transaction, [(ERROR_CODE, b"\0\0\x04\x01Unauthorized")])


@dataclass(frozen=True)
class Message:
    kind: int
    transaction: bytes
    text: bytes
    places: dict[int, tuple[int, bytes]]  # attribute → where it begins, its value

    def value(self, attribute: int) -> bytes:
        return self.places.get(attribute, (0, b""))[1]

    def is_by(self, password: str) -> bool:
        """Sent by somebody who knows the password, and not damaged."""
        for attribute, expected in (
                (MESSAGE_INTEGRITY, lambda text: _integrity(password, text)),
                (FINGERPRINT, _fingerprint)):
            at, value = self.places.get(attribute, (0, b""))
            if not at or not hmac.compare_digest(value, expected(self.text[:at])):
                return False
        return True


def parse(data: bytes) -> Message | None:
    """None for what is no STUN message, such as media."""
    if len(data) < HEADER_BYTES or data[4:8] != struct.pack("!I", COOKIE):
        return None
    places: dict[int, tuple[int, bytes]] = {}
    at = HEADER_BYTES
    while at + 4 <= len(data):
        attribute, length = struct.unpack_from("!HH", data, at)
        places.setdefault(attribute, (at, data[at + 4:at + 4 + length]))
        at += 4 + length + -length % 4
    return Message(struct.unpack_from("!H", data)[0], data[8:HEADER_BYTES], data, places)
