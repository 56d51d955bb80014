# SPDX-License-Identifier: Apache-2.0
"""The archive that a kernel starts from: `init`, and modules in the order in which they are loaded. Nothing else:
neither the host nor the machine needs kmod, cpio or busybox."""

import lzma
import re
from pathlib import Path
from stat import S_IFCHR, S_IFDIR, S_IFREG

CONSOLE = (5, 1)
FOLDERS = ("dev", "proc", "modules", "root")


class NoSuchModule(RuntimeError):
    pass


def contents(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


class Modules:
    """Of an unpacked kernel package, by name."""

    def __init__(self, folder: Path):
        self._paths = {self._name(path): path for path in folder.rglob("*.ko*")}
        built_in = next(folder.rglob("modules.builtin")).read_text(encoding="ascii").splitlines()
        self._built_in = {self._name(Path(line)) for line in built_in}

    @staticmethod
    def _name(path: Path) -> str:
        return path.name.partition(".")[0].replace("-", "_")

    def with_dependencies(self, wanted: tuple[str, ...]) -> dict[str, bytes]:
        """By name, in the order of loading."""
        loaded: dict[str, bytes] = {}
        for name in wanted:
            self._add(name, loaded)
        return loaded

    def _add(self, name: str, loaded: dict[str, bytes]) -> None:
        if name in loaded or name in self._built_in:
            return
        if name not in self._paths:
            raise NoSuchModule(f"this kernel has no module {name}")
        data = contents(self._paths[name])
        for dependency in self._dependencies(data):
            self._add(dependency, loaded)
        loaded[name] = data

    @staticmethod
    def _dependencies(data: bytes) -> list[str]:
        lists = re.findall(rb"\0depends=([^\0]*)\0", data)
        return [name.replace("-", "_") for text in lists for name in text.decode().split(",") if name]


class Archive:
    """cpio in its "newc" form, which is what the kernel reads."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._serial = 0

    def add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._serial += 1
        words = name.encode() + b"\0"
        fields = (self._serial, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(words), 0)
        self._append(b"070701" + b"".join(b"%08X" % field for field in fields) + words)
        self._append(data)

    def _append(self, data: bytes) -> None:
        self.data += data
        self.data += b"\0" * (-len(self.data) % 4)


def initramfs(init: bytes, modules: dict[str, bytes]) -> bytes:
    archive = Archive()
    for folder in FOLDERS:
        archive.add(folder, S_IFDIR | 0o755)
    archive.add("dev/console", S_IFCHR | 0o600, device=CONSOLE)
    archive.add("init", S_IFREG | 0o755, init)
    for number, (name, data) in enumerate(modules.items()):
        archive.add(f"modules/{number:03d}-{name}.ko", S_IFREG | 0o644, data)
    archive.add("TRAILER!!!", 0)
    return bytes(archive.data)
