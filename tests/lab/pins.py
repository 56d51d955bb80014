# SPDX-License-Identifier: Apache-2.0
"""Reaching into the pinned kernel objects, to make them what a test needs."""

import ctypes
import os
import struct
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
