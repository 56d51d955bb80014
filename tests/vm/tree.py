# SPDX-License-Identifier: Apache-2.0
"""A minimal Debian 12 tree with systemd and what a package depends on, as a disk image."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

# To look at what the package does, beside what it needs.
BASE = ("systemd", "systemd-sysv", "dbus", "iproute2", "bpftool", "apt")
SIZE = "2G"  # sparse


class TreeMissing(RuntimeError):
    pass


def _run(*words: str) -> None:
    result = subprocess.run(words, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        raise TreeMissing(f"{words[0]}: status {result.returncode}\n{(result.stdout + result.stderr).strip()}")


def _make(packages: list[str], image: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="meetfence-vm-tree-") as folder:
        root = f"{folder}/root"
        _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
             "--aptopt=Acquire::Languages \"none\"", "bookworm", root)
        fresh = image.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        _run("mke2fs", "-q", "-t", "ext4", "-d", root, "-O", "^has_journal", "-m", "0", str(fresh), SIZE)
        fresh.rename(image)


def image(cache: Path, dependencies: list[str], name: str = "tree") -> Path:
    """Made once for a list of packages; of an earlier list under this name none is left."""
    packages = sorted({*BASE, *dependencies})
    recipe = Path(__file__).read_bytes() + " ".join(packages).encode()
    path = cache / f"{name}-{hashlib.sha256(recipe).hexdigest()[:16]}.ext4"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob(f"{name}-*"):
            old.unlink()
        _make(packages, path)
    return path


def copy(image: Path, target: Path) -> None:
    _run("cp", "--sparse=always", "--reflink=auto", str(image), str(target))
