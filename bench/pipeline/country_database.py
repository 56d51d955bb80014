# SPDX-License-Identifier: Apache-2.0
"""The IPv4 half of a real country database, moved beneath 2001:db8::/32.

No packet may carry an address that belongs to somebody, and the address space for tests is too
small for a real database in IPv4. So 203.0.113.0/24 becomes 2001:db8:cb00:7100::/56: every prefix
is there, with the same countries, the same nesting and the same neighbours, 32 bits further down.
"""

import random
import sys
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

MOVED_TO = bytes.fromhex("20010db8")
SHIFT = 8 * len(MOVED_TO)
METADATA_MARK = b"\xab\xcd\xefMaxMind.com"
SEPARATOR_BYTES = 16  # between the tree and the data; data pointers count from its start
# What publishers write where they know no country.
NO_COUNTRY = {"", "-", "--", "EU", "AP", "A1", "A2", "O1", "ZZ", "XX"}


class Prefix(NamedTuple):
    """An IPv4 prefix of the real database."""

    start: int
    length: int
    country: str

    @property
    def size(self) -> int:
        return 1 << (32 - self.length)

    @property
    def moved(self) -> bytes:
        """The first 8 bytes of the IPv6 prefix; the others are zero."""
        return MOVED_TO + self.start.to_bytes(4, "big")

    @property
    def moved_text(self) -> str:
        return f"2001:db8:{self.start >> 16:x}:{self.start & 0xFFFF:x}::/{self.length + SHIFT}"


class _Decoder:
    """The data format of MaxMind DB, as far as country databases use it."""

    _EXTENDED, _POINTER, _TEXT, _MAP, _ARRAY = 0, 1, 2, 7, 11
    _UNSIGNED = {5, 6, 9, 10}

    def __init__(self, data: bytes):
        self._data = data

    def value(self, at: int) -> Any:
        return self._decode(at)[0]

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._data[at:at + size], "big")

    def _decode(self, at: int) -> tuple[Any, int]:
        control = self._data[at]
        kind, size, at = control >> 5, control & 31, at + 1
        if kind == self._POINTER:
            return self._pointer(control, at)
        if kind == self._EXTENDED:
            kind, at = 7 + self._data[at], at + 1
        if size >= 29:
            more = size - 28
            size, at = (29, 285, 65821)[more - 1] + self._number(at, more), at + more
        if kind == self._MAP:
            return self._map(at, size)
        if kind == self._ARRAY:
            return self._array(at, size)
        if kind == self._TEXT:
            return self._data[at:at + size].decode(), at + size
        if kind in self._UNSIGNED:
            return self._number(at, size), at + size
        return None, at + size  # numbers of other kinds: nobody asks for them

    def _pointer(self, control: int, at: int) -> tuple[Any, int]:
        more = (control >> 3 & 3) + 1
        upper = 0 if more == 4 else (control & 7) << 8 * more
        target = upper + self._number(at, more) + (0, 2048, 526336, 0)[more - 1]
        return self.value(target), at + more

    def _map(self, at: int, size: int) -> tuple[dict[str, Any], int]:
        result = {}
        for _ in range(size):
            key, at = self._decode(at)
            result[key], at = self._decode(at)
        return result, at

    def _array(self, at: int, size: int) -> tuple[list[Any], int]:
        result = []
        for _ in range(size):
            item, at = self._decode(at)
            result.append(item)
        return result, at


def _control(kind: int, size: int) -> bytes:
    return bytes([kind << 5 | size]) if kind <= 7 else bytes([size, kind - 7])


def _encode_number(kind: int, value: int) -> bytes:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(data)) + data


def _encode_text(text: str) -> bytes:
    return _control(2, len(text)) + text.encode("ascii")


class Database:
    def __init__(self, path: Path):
        content = path.read_bytes()
        mark = content.rindex(METADATA_MARK)
        self._metadata = _Decoder(content[mark + len(METADATA_MARK):]).value(0)
        self._nodes: int = self._metadata["node_count"]
        tree_bytes = self._nodes * self._metadata["record_size"] // 4
        self._records = _unpack(content[:tree_bytes], self._metadata["record_size"])
        self._data = content[tree_bytes + SEPARATOR_BYTES:mark]

    @property
    def _ipv4_root(self) -> int:
        node = 0
        if self._metadata["ip_version"] == 6:
            for _ in range(96):
                if node >= self._nodes:
                    break
                node = self._records[2 * node]
        return node

    def prefixes(self) -> list[Prefix]:
        """The placed IPv4 prefixes in order; neighbours of one country are one prefix."""
        merged: list[Prefix] = []
        for prefix in self._leaves():
            merged.append(prefix)
            while len(merged) > 1 and _siblings(*merged[-2:]):
                merged.pop()
                left = merged.pop()
                merged.append(left._replace(length=left.length - 1))
        return merged

    def _leaves(self) -> Iterator[Prefix]:
        decoder, places = _Decoder(self._data), {self._nodes: ""}
        waiting = [(self._ipv4_root, 0, 0)]
        while waiting:
            record, start, length = waiting.pop()
            if record < self._nodes:
                if length == 32:
                    raise ValueError("an IPv4 prefix is longer than 32 bits")
                half = 1 << (31 - length)
                waiting.append((self._records[2 * record + 1], start | half, length + 1))
                waiting.append((self._records[2 * record], start, length + 1))
                continue
            if record not in places:
                places[record] = _country(
                    decoder.value(record - self._nodes - SEPARATOR_BYTES))
            if places[record] not in NO_COUNTRY:
                yield Prefix(start, length, places[record])

    def write_moved(self, path: Path) -> None:
        """An IPv6 database that holds the IPv4 tree beneath 2001:db8::/32 and nothing else: the
        way there is put in front of the nodes, so that all references grow by its length."""
        nothing = self._nodes + SHIFT
        root = self._ipv4_root + SHIFT
        records = array("I")
        for depth in range(SHIFT):
            onward = depth + 1 if depth + 1 < SHIFT else root
            right = MOVED_TO[depth // 8] >> (7 - depth % 8) & 1
            records.extend((nothing, onward) if right else (onward, nothing))
        records.extend(record + SHIFT for record in self._records)
        if sys.byteorder == "little":
            records.byteswap()
        path.write_bytes(records.tobytes() + bytes(SEPARATOR_BYTES) + self._data +
                         METADATA_MARK + self._moved_metadata(nothing))

    def _moved_metadata(self, nodes: int) -> bytes:
        texts = {"database_type": "Country-moved-to-2001-db8"}
        numbers = {"node_count": (6, nodes), "record_size": (5, 32), "ip_version": (5, 6),
                   "binary_format_major_version": (5, 2), "binary_format_minor_version": (5, 0),
                   "build_epoch": (9, self._metadata["build_epoch"])}
        # libmaxminddb opens nothing that lacks the last two.
        empty = {"languages": _control(11, 0), "description": _control(7, 0)}
        result = _control(7, len(texts) + len(numbers) + len(empty))
        for key, text in texts.items():
            result += _encode_text(key) + _encode_text(text)
        for key, (kind, number) in numbers.items():
            result += _encode_text(key) + _encode_number(kind, number)
        for key, value in empty.items():
            result += _encode_text(key) + value
        return result


def _unpack(tree: bytes, record_size: int) -> array:
    if record_size == 32:
        records = array("I", tree)
        if sys.byteorder == "little":
            records.byteswap()
        return records
    if record_size == 24:
        columns = (tree[0::3], tree[1::3], tree[2::3])
        return array("I", (a << 16 | b << 8 | c for a, b, c in zip(*columns)))
    if record_size == 28:
        records = array("I", bytes(4 * (2 * len(tree) // 7)))
        left = (tree[0::7], tree[1::7], tree[2::7], tree[3::7])
        right = (tree[3::7], tree[4::7], tree[5::7], tree[6::7])
        records[0::2] = array("I", ((d >> 4) << 24 | a << 16 | b << 8 | c
                                    for a, b, c, d in zip(*left)))
        records[1::2] = array("I", ((d & 15) << 24 | a << 16 | b << 8 | c
                                    for d, a, b, c in zip(*right)))
        return records
    raise ValueError(f"records of {record_size} bits are in no MaxMind DB")


def _country(record: Any) -> str:
    """By any of the spellings publishers use."""
    country = record.get("country", record.get("country_code", ""))
    return country.get("iso_code", "") if isinstance(country, dict) else country


def _siblings(left: Prefix, right: Prefix) -> bool:
    return (left.length == right.length and left.country == right.country and left.length > 0
            and left.start ^ right.start == left.size and left.start < right.start)


def sources(prefixes: Iterable[Prefix], count: int, seed: int) -> list[bytes]:
    """`count` different participants of these prefixes as IPv6 addresses, every address of the
    space equally likely. Their last 16 bits keep the sum of an address the same, and with it the
    UDP checksum of the one frame that is sent from all of them."""
    chosen_from = list(prefixes)
    ends = list(accumulate(prefix.size for prefix in chosen_from))
    chooser = random.Random(seed)
    chosen: dict[int, None] = {}  # in the order of choosing
    while len(chosen) < count:
        number = chooser.randrange(ends[-1])
        index = bisect(ends, number)
        chosen[chosen_from[index].start + ends[index] - 1 - number] = None
    return [_balanced(address) for address in chosen]


def _balanced(address: int) -> bytes:
    total = (address >> 16) + (address & 0xFFFF)
    total = (total & 0xFFFF) + (total >> 16)
    return MOVED_TO + address.to_bytes(4, "big") + bytes(6) + (total ^ 0xFFFF).to_bytes(2, "big")
