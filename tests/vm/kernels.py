# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel packages: fetched by apt, which checks their signatures, unpacked, made bootable."""

import hashlib
import lzma
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vm.initramfs import Modules, initramfs

# What depends on the newest kernel of each line.
METAPACKAGES = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}
# The machine's own devices and file systems; then what the tests use.
MODULES = ("virtio_pci", "virtio_blk", "9p", "9pnet_virtio", "overlay", "crc32c_generic", "ext4",
           "veth", "tun", "8021q", "sch_ingress", "cls_bpf", "act_bpf")
GUEST = Path(__file__).parent / "guest"


class KernelMissing(RuntimeError):
    pass


@dataclass(frozen=True)
class Kernel:
    release: str      # as `uname -r` says it
    image: Path
    initramfs: Path

    @property
    def has_tcx(self) -> bool:
        numbers = re.match(r"(\d+)\.(\d+)", self.release)
        return numbers is not None and tuple(int(number) for number in numbers.groups()) >= (6, 6)


def command(*words: object, cwd: Path | None = None) -> str:
    result = subprocess.run([str(word) for word in words], cwd=cwd, text=True, capture_output=True,
                            stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        raise KernelMissing(f"{' '.join(map(str, words))}: status {result.returncode}\n"
                            f"{(result.stdout + result.stderr).strip()}")
    return result.stdout


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None


def _newest(metapackage: str) -> str | None:
    """PACKAGE=VERSION, as apt's lists have it."""
    package = _found(r"^\s*Depends: (linux-image-\d\S*)$", command("apt-cache", "depends", metapackage))
    version = package and _found(r"^\s*Candidate: (\d\S*)$", command("apt-cache", "policy", package))
    return f"{package}={version}" if version else None


def newest_package(line: str) -> str:
    """Old kernels leave the archive soon: what the host's lists say may be gone."""
    command("apt-get", "update", "-qq")
    package = _newest(METAPACKAGES[line])
    if package is None or not package.startswith(f"linux-image-{line}."):
        raise KernelMissing(f"apt knows no kernel {line}: {METAPACKAGES[line]} leads to {package}. Debian 12's archives, "
                            "bookworm-security among them, have it: are they in /etc/apt?")
    return package


def _download(package: str, folder: Path) -> Path:
    """The .deb, kept for the next run; those of earlier versions go."""
    file = folder / f"{package.replace('=', '_')}.deb"
    if not file.exists():
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            command("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package, cwd=Path(fresh))
            next(Path(fresh).glob("*.deb")).rename(file)
        for old in folder.glob("*.deb"):
            if old != file:
                old.unlink()
    return file


def _uncompressed(image: bytes) -> bytes:
    """QEMU starts the ELF file inside at once; the machine would unpack xz for seconds. The kernel's own start unpacks
    zstd quickly, which Python cannot."""
    offset, size = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    packed = image[start:start + size]
    return lzma.LZMADecompressor().decompress(packed) if packed.startswith(b"\xfd7zXZ\0") else image


def static_program(source: Path, target: Path) -> None:
    command("gcc", "-static", "-Os", "-Wall", "-Wextra", "-Werror", "-o", target, source)


def _unpack(package: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as made:
        tree = Path(made)
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", tree, "./boot", "./lib/modules"], stdin=archive.stdout, check=True)
        static_program(GUEST / "init.c", tree / "init")
        image = next(tree.glob("boot/vmlinuz-*"))
        (folder / "initramfs").write_bytes(
            initramfs((tree / "init").read_bytes(), Modules(tree / "lib/modules").with_dependencies(MODULES)))
        (folder / "image").write_bytes(_uncompressed(image.read_bytes()))
        (folder / "release").write_text(image.name.removeprefix("vmlinuz-"), encoding="ascii")


def _recipe(package: str) -> str:
    """Says whether what is in the cache was made by this very code."""
    sources = (Path(__file__), Path(__file__).with_name("initramfs.py"), GUEST / "init.c")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    return f"{package} {digest.hexdigest()}"


def prepare(line: str, cache: Path) -> Kernel:
    """Newest kernel of a line."""
    package = newest_package(line)
    folder = cache / f"kernel-{line}"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "made-of"
    if not stamp.exists() or stamp.read_text(encoding="ascii") != _recipe(package):
        stamp.unlink(missing_ok=True)
        _unpack(_download(package, folder), folder)
        stamp.write_text(_recipe(package), encoding="ascii")
    release = (folder / "release").read_text(encoding="ascii")
    return Kernel(release, folder / "image", folder / "initramfs")
