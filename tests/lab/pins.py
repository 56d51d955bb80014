# SPDX-License-Identifier: Apache-2.0
"""Reaching into the pinned kernel objects, to make them what a test needs."""

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
# More than struct mf_control in kernel-headers/abi.h has. Its layout number stands at offset 0 for
# ever, and nothing else of it is looked at.
CONTROL_BYTES = 4096


def set_layout(bpf_dir: Path, layout: int) -> None:
    """Makes the pinned maps those of another version of the program."""
    descriptor = _libbpf.bpf_obj_get(str(bpf_dir / "maps" / "control").encode())
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    try:
        key, value = ctypes.c_uint32(0), ctypes.create_string_buffer(CONTROL_BYTES)
        assert _libbpf.bpf_map_lookup_elem(descriptor, ctypes.byref(key), value) == 0
        struct.pack_into("=I", value, 0, layout)
        assert _libbpf.bpf_map_update_elem(descriptor, ctypes.byref(key), value,
                                           ctypes.c_uint64(0)) == 0
    finally:
        os.close(descriptor)


class PinnedArray:
    """An array of the pinned maps, element by element."""

    def __init__(self, bpf_dir: Path, name: str, element_bytes: int):
        self._element_bytes = element_bytes
        self._descriptor = _libbpf.bpf_obj_get(str(bpf_dir / "maps" / name).encode())
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())

    def __enter__(self) -> "PinnedArray":
        return self

    def __exit__(self, *_) -> None:
        os.close(self._descriptor)

    def get(self, index: int) -> bytearray | None:
        """None behind the last one."""
        key, value = ctypes.c_uint32(index), ctypes.create_string_buffer(self._element_bytes)
        if _libbpf.bpf_map_lookup_elem(self._descriptor, ctypes.byref(key), value) != 0:
            return None
        return bytearray(value.raw)

    def put(self, index: int, element: bytearray) -> None:
        key = ctypes.c_uint32(index)
        value = ctypes.create_string_buffer(bytes(element), self._element_bytes)
        assert _libbpf.bpf_map_update_elem(self._descriptor, ctypes.byref(key), value,
                                           ctypes.c_uint64(0)) == 0

    def all(self) -> Iterator[tuple[int, bytearray]]:
        """From 1 on."""
        index = 1
        while (element := self.get(index)) is not None:
            yield index, element
            index += 1


# Of kernel-headers/abi.h: sizes, and where the words stand that are spoilt here.
RULE_BYTES, POLICY_BYTES, MEETING_BYTES = 80, 104, 16
RULE_COUNTRIES, RULE_MODE = 8, 76
POLICY_COUNTRIES, POLICY_RULE_COUNT, POLICY_RULES = 0, 32, 40
MEETING_POLICY = 8
COUNTRY_WORDS = "=4Q"


def _find(elements: PinnedArray, number: int) -> tuple[int, bytearray]:
    """By the daemon's own number, which comes first in a rule and in a meeting."""
    return next((index, element) for index, element in elements.all()
                if struct.unpack_from("=Q", element)[0] == number)


def _add_countries(element: bytearray, at: int, countries: tuple[int, ...]) -> None:
    had = struct.unpack_from(COUNTRY_WORDS, element, at)
    struct.pack_into(COUNTRY_WORDS, element, at, *(a | b for a, b in zip(had, countries)))


def widen_rule(bpf_dir: Path, rule: int, like: int) -> None:
    """The rule hits the countries of another one, too."""
    with (PinnedArray(bpf_dir, "rules", RULE_BYTES) as rules,
          PinnedArray(bpf_dir, "policies", POLICY_BYTES) as policies):
        countries = struct.unpack_from(COUNTRY_WORDS, _find(rules, like)[1], RULE_COUNTRIES)
        index, element = _find(rules, rule)
        _add_countries(element, RULE_COUNTRIES, countries)
        rules.put(index, element)
        for number, policy in policies.all():
            count = struct.unpack_from("=I", policy, POLICY_RULE_COUNT)[0]
            if index in struct.unpack_from(f"={count}I", policy, POLICY_RULES):
                _add_countries(policy, POLICY_COUNTRIES, countries)
                policies.put(number, policy)


def enforce_rule(bpf_dir: Path, rule: int) -> None:
    """A rule that shall only monitor drops."""
    with PinnedArray(bpf_dir, "rules", RULE_BYTES) as rules:
        index, element = _find(rules, rule)
        element[RULE_MODE] = 0
        rules.put(index, element)


def give_policy(bpf_dir: Path, meeting: int, of: int) -> None:
    """A meeting is judged by the rules of another one."""
    with PinnedArray(bpf_dir, "meetings", MEETING_BYTES) as meetings:
        policy = struct.unpack_from("=I", _find(meetings, of)[1], MEETING_POLICY)[0]
        for index, element in meetings.all():
            if struct.unpack_from("=Q", element)[0] == meeting:
                struct.pack_into("=I", element, MEETING_POLICY, policy)
                meetings.put(index, element)
