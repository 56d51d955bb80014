# SPDX-License-Identifier: Apache-2.0
"""The package that is installed, and the one before it."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

EARLIER = "0.0.1~earlier"


class PackageMissing(RuntimeError):
    pass


def _dpkg_deb(*words: object) -> str:
    result = subprocess.run(["dpkg-deb", *map(str, words)], text=True, capture_output=True, check=False)
    if result.returncode != 0:
        raise PackageMissing(f"dpkg-deb {words[0]}: {result.stderr.strip()}")
    return result.stdout


def built(repository: Path) -> Path:
    """By ./run package."""
    found = sorted(repository.glob("build/packages/meetfence_*.deb"))
    if len(found) != 1:
        raise PackageMissing(f"{len(found)} packages build/packages/meetfence_*.deb, one is wanted: ./run package")
    return found[0]


def bridges_of(package: Path) -> Path | None:
    """The package that was built beside it."""
    beside = package.with_name(package.name.replace("meetfence_", "meetfence-bridges_"))
    return beside if beside != package and beside.exists() else None


def dependencies(package: Path) -> list[str]:
    """Of it and of its bridges: names alone; of alternatives the first."""
    fields = "".join(f"{_dpkg_deb('-f', each, field)}," for each in (package, bridges_of(package)) if each
                     for field in ("Pre-Depends", "Depends"))
    names = (match[0] for part in fields.split(",") if (match := re.search(r"[a-z0-9][a-z0-9.+-]+", part)))
    return [name for name in dict.fromkeys(names) if name != "meetfence"]


def _repack(package: Path, target: Path) -> None:
    """The same under a lower version, as an earlier release without changes would be."""
    with tempfile.TemporaryDirectory(prefix="meetfence-vm-deb-") as folder:
        root = f"{folder}/root"
        _dpkg_deb("-R", package, root)
        control = Path(root, "DEBIAN/control")
        text = control.read_text(encoding="utf-8")
        control.write_text(re.sub(r"^Version: .*$", f"Version: {EARLIER}", text, flags=re.MULTILINE),
                           encoding="utf-8")
        _dpkg_deb("--root-owner-group", "-Znone", "-b", root, target)


def provide(package: Path, previous: Path | None, folder: Path) -> None:
    """As `new.deb`, `previous.deb`, and `bridges.deb` where there is one."""
    shutil.copyfile(package, folder / "new.deb")
    if bridges := bridges_of(package):
        shutil.copyfile(bridges, folder / "bridges.deb")
    if previous:
        shutil.copyfile(previous, folder / "previous.deb")
    else:
        _repack(package, folder / "previous.deb")
