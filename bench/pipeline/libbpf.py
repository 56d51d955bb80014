# SPDX-License-Identifier: Apache-2.0
"""As much of libbpf as the benchmark needs, and the compiler in front of it."""

import ctypes
import os
import sysconfig
from pathlib import Path

from lab.shell import run

XDP_FLAGS_DRV_MODE = 1 << 2
BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1
_lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
_lib.libbpf_set_print(None)  # errors come as values
_pointer = ctypes.c_void_p
for _name in ("bpf_object__open_file", "bpf_object__find_map_by_name",
              "bpf_object__find_program_by_name", "bpf_map__initial_value"):
    getattr(_lib, _name).restype = _pointer


class _TestRunOptions(ctypes.Structure):
    """struct bpf_test_run_opts"""

    _fields_ = [("sz", ctypes.c_size_t), ("data_in", _pointer), ("data_out", _pointer),
                ("data_size_in", ctypes.c_uint32), ("data_size_out", ctypes.c_uint32),
                ("ctx_in", _pointer), ("ctx_out", _pointer),
                ("ctx_size_in", ctypes.c_uint32), ("ctx_size_out", ctypes.c_uint32),
                ("retval", ctypes.c_uint32), ("repeat", ctypes.c_int),
                ("duration", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("cpu", ctypes.c_uint32), ("batch_size", ctypes.c_uint32)]


def compile_bpf(source: Path, folder: Path) -> Path:
    """As cmake/BpfObject.cmake does it."""
    target = folder / f"{source.name.split('.')[0]}.o"
    # asm/ headers are in the multiarch folder.
    include = f"/usr/include/{sysconfig.get_config_var('MULTIARCH')}"
    run("clang-14", "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Wextra", "-Werror",
        "-isystem", include, "-c", str(source), "-o", str(target))
    return target


def _done(result: int, what: str) -> None:
    if result != 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")


class BpfObject:
    """One object file, loaded into the kernel for as long as it is open."""

    def __init__(self, path: Path):
        self._object = _pointer(_lib.bpf_object__open_file(str(path).encode(), None))
        if not self._object:
            code = ctypes.get_errno()
            raise OSError(code, f"{path}: {os.strerror(code)}")
        self._loaded = False

    def close(self) -> None:
        _lib.bpf_object__close(self._object)
        self._object = _pointer(None)

    def _map(self, name: str) -> _pointer:
        found = _pointer(_lib.bpf_object__find_map_by_name(self._object, name.encode()))
        if not found:
            raise KeyError(f"the object has no map {name}")
        return found

    def resize(self, name: str, entries: int) -> None:
        _done(_lib.bpf_map__set_max_entries(self._map(name), entries), name)

    def set_globals(self, section: str, content: bytes) -> None:
        """`.rodata` before the object is loaded, `.bss` at any time."""
        found, size, first = self._map(section), ctypes.c_size_t(), ctypes.c_uint32(0)
        start = _pointer(_lib.bpf_map__initial_value(found, ctypes.byref(size)))
        assert len(content) <= size.value, f"{section} has {size.value} bytes"
        ctypes.memmove(start, content, len(content))
        if self._loaded:  # from then on, that was only libbpf's copy
            _done(_lib.bpf_map_update_elem(_lib.bpf_map__fd(found), ctypes.byref(first), start,
                                           ctypes.c_uint64(0)), section)

    def load(self) -> None:
        _done(_lib.bpf_object__load(self._object), "loading a BPF object")
        self._loaded = True

    def fill(self, name: str, keys: list[bytes], values: list[bytes]) -> None:
        count = ctypes.c_uint32(len(keys))
        _done(_lib.bpf_map_update_batch(_lib.bpf_map__fd(self._map(name)), b"".join(keys),
                                        b"".join(values), ctypes.byref(count), None), name)
        assert count.value == len(keys)

    def program(self, name: str) -> int:
        """Its file descriptor."""
        program = _pointer(_lib.bpf_object__find_program_by_name(self._object, name.encode()))
        return _lib.bpf_program__fd(program)


def attach_xdp(program: int, ifindex: int) -> None:
    """In the driver, in the namespace the thread is in, until the interface is gone."""
    _done(_lib.bpf_xdp_attach(ifindex, program, XDP_FLAGS_DRV_MODE, None), "attaching XDP")


def send_live_frames(program: int, frame: bytes, count: int) -> None:
    """Runs an XDP program on `count` real frames; what it redirects is really sent."""
    data = ctypes.create_string_buffer(frame, len(frame))
    options = _TestRunOptions(sz=ctypes.sizeof(_TestRunOptions), repeat=count,
                              data_in=ctypes.cast(data, _pointer), data_size_in=len(frame),
                              flags=BPF_F_TEST_XDP_LIVE_FRAMES)
    _done(_lib.bpf_prog_test_run_opts(program, ctypes.byref(options)), "sending live frames")
