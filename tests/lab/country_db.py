# SPDX-License-Identifier: Apache-2.0
"""Country databases: small ones made for a test, and a second opinion on the real one."""

import ipaddress
import random
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.paths import DATA
from lab.shell import run

MAKER = DATA / "make_mmdb.pl"


def make(path: Path, places: Iterable[str], layout: str = "code", version: int = 6,
         alias: bool = False) -> Path:
    """A database of lines "PREFIX CC [REGISTERED]"."""
    run("perl", str(MAKER), str(path), layout, str(version), *(["--alias"] if alias else []),
        text="\n".join(places) + "\n")
    return path


def make_simple(path: Path, places: dict[str, str], **options) -> Path:
    return make(path, (f"{prefix} {code}" for prefix, code in places.items()), **options)


class Oracle:
    """libmaxminddb itself, in a program of a few lines."""

    def __init__(self, folder: Path):
        self._program = folder / "oracle"
        run("g++", "-std=c++20", "-O2", "-o", str(self._program), str(DATA / "oracle.cpp"),
            "-lmaxminddb")

    def lookup(self, database: Path, addresses: list[str]) -> list[str]:
        """ "IP CC" for each address."""
        return self._run(database, "lookup", text="\n".join(addresses) + "\n")

    def edges(self, database: Path) -> list[str]:
        """The first and the last address of every network."""
        return self._run(database, "edges", text="")

    def _run(self, database: Path, what: str, text: str) -> list[str]:
        result = subprocess.run([self._program, database, what], input=text, text=True,
                                capture_output=True, check=True)
        return result.stdout.splitlines()


def sample(edges: list[str], count: int, seed: int) -> list[str]:
    """`count` addresses, the same for the same seed: half of them random, half from `edges`."""
    source = random.Random(seed)
    chosen = source.sample(edges, min(len(edges), count // 2))
    while len(chosen) < count:
        if len(chosen) % 2:
            chosen.append(str(ipaddress.IPv4Address(source.getrandbits(32))))
        else:  # 2000::/3 is what is given out
            chosen.append(str(ipaddress.IPv6Address((1 << 125) | source.getrandbits(125))))
    return chosen
