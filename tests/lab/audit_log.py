# SPDX-License-Identifier: Apache-2.0
"""The audit log, by its files: what the daemon says about it is one thing, what is written another."""

import hashlib
import json
from pathlib import Path
from typing import Any

from lab import wait
from lab.daemon import Daemon


def folder(daemon: Daemon) -> Path:
    return Path(daemon.config["state_dir"]) / "audit"


def files(daemon: Daemon) -> list[Path]:
    return sorted(folder(daemon).iterdir())


def lines(daemon: Daemon) -> list[str]:
    return [line for path in files(daemon)
            for line in path.read_text(encoding="utf-8").splitlines()]


def entries(daemon: Daemon, *kinds: str) -> list[dict[str, Any]]:
    """All of them, or those of these kinds."""
    return [entry for entry in map(json.loads, lines(daemon))
            if not kinds or entry["what"] in kinds]


def bodies(daemon: Daemon, kind: str) -> list[dict[str, Any]]:
    return [entry["body"] for entry in entries(daemon, kind)]


def soon(daemon: Daemon, kind: str, count: int = 1) -> list[dict[str, Any]]:
    """What is told right after the answer, not before it."""
    return wait.until(lambda: len(found := bodies(daemon, kind)) >= count and found, 5,
                      lambda: f"{count} entries {kind}: {lines(daemon)}")


def check_chain(daemon: Daemon) -> int:
    """By nothing but SHA-256 and the words of the documentation; how many entries there are."""
    previous, count = "0" * 64, 0
    for count, line in enumerate(lines(daemon), start=1):
        entry = json.loads(line)
        assert list(entry) == ["seq", "time", "actor", "what", "body", "prev", "hash"], line
        assert (entry["seq"], entry["prev"]) == (count, previous), f"entry {count}: {line}"
        previous = hashlib.sha256(line[:line.rindex(',"hash":')].encode()).hexdigest()
        assert entry["hash"] == previous, f"entry {count}: {line}"
    return count


def verified(daemon: Daemon) -> None:
    check_chain(daemon)
    daemon.ctl("audit", "verify").ok()
