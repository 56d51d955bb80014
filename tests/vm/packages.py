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


def dependencies(package: Path) -> list[str]:
    """Names alone; of alternatives the first."""
    fields = _dpkg_deb("-f", package, "Pre-Depends") + "," + _dpkg_deb("-f", package, "Depends")
    return [match[0] for part in fields.split(",") if (match := re.search(r"[a-z0-9][a-z0-9.+-]+", part))]


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
    """As `new.deb` and `previous.deb`."""
    shutil.copyfile(package, folder / "new.deb")
    if previous:
        shutil.copyfile(previous, folder / "previous.deb")
    else:
        _repack(package, folder / "previous.deb")
