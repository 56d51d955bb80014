# SPDX-License-Identifier: Apache-2.0
"""The demo says what is so, fails when it is not, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import wait
from lab.lab import Lab
from lab.paths import CONTROL, DAEMON, REPOSITORY

@contextmanager
def demo(**environment: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen([sys.executable, "-m", "demo.demo"], stdin=subprocess.DEVNULL,
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=REPOSITORY / "tests", env={**os.environ, **environment})
    with process:
        try:
            yield process
        finally:
            process.terminate()  # where it has not ended by itself


def residue(process: subprocess.Popen) -> list[str]:
    """What carries the demo's process number: namespaces, mounts, folders, processes."""
    mark = f"meetfence-{process.pid}-"
    left = [str(path) for folder in ("/run/netns", tempfile.gettempdir())
            for path in Path(folder).glob(f"{mark}*")]
    left += [line for line in Path("/proc/mounts").read_text().splitlines() if mark in line]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            left += [text] if mark in (text := command.read_text()) else []
        except OSError:  # it ended meanwhile
            pass
    return left


def test_as_promised():
    with demo() as process:
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stdout + stderr
    assert stderr == ""
    assert stdout.strip().splitlines()[-1].startswith("All as promised")
    assert all(len(line) <= 100 for line in stdout.splitlines()), stdout
    assert "\x1b" not in stdout
    assert residue(process) == []
    check_second_act(stdout)


def check_second_act(stdout: str) -> None:
    """A line for each person for whom something changes: cyd is none of them."""
    def rows(name: str) -> list[str]:
        return ["".join(line.split()[2:]) for line in stdout.splitlines()
                if line.startswith(f"  {name} ")]
    everything, nothing = "yes" * 6, "-" * 6
    assert rows("ann") == rows("bob") == [everything, nothing, everything], stdout
    assert rows("cyd") == [everything], stdout


@pytest.mark.parametrize("words, seen", [
    ("block A", "CN to UDP/IPv4 port 40000: expected that it is blocked"),
    ("block C", "ann over IPv4, check: expected that it is blocked")])
def test_a_broken_promise_is_noticed(lab: Lab, words: str, seen: str):
    """A control tool that blocks another country than it was told."""
    programs = lab.new_folder("false") / "bin"
    programs.mkdir()
    (programs / "meetfenced").symlink_to(DAEMON)
    tool = programs / "meetfencectl"
    tool.write_text(f'#!/bin/sh\ncase "$*" in *"{words}"*) for word; do shift; '
                    f'test "$word" = CN && word=HK; set -- "$@" "$word"; done;; esac\n'
                    f'exec {CONTROL} "$@"\n')
    tool.chmod(0o755)
    with demo(MEETFENCE_BUILD=str(programs.parent)) as process:
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert seen in stderr
    assert "Traceback" not in stderr
    assert residue(process) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals):
    with demo() as process:
        wait.until(lambda: any("meetfenced" in line for line in residue(process)), 30, "it begins")
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert residue(process) == []
