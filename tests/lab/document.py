# SPDX-License-Identifier: Apache-2.0
"""The commands of a document, typed as it shows them.

    ```text letter.txt      a file that is there
    ```console              commands of several users and what they print
    alice$ meetfencectl status
    …                       anything may stand in the place of such a line
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^(\w+)\$ (.*)$")
ANYTHING = "…"


@dataclass
class Typed:
    user: str
    command: str
    output: list[str] = field(default_factory=list)


def files(text: str) -> dict[str, str]:
    return {name: body for _, name, body in FENCE.findall(text) if name}


def typed(text: str) -> Iterator[Typed]:
    for language, _, body in FENCE.findall(text):
        if language == "console":
            yield from _of_block(body)


def _of_block(block: str) -> Iterator[Typed]:
    current: Typed | None = None
    for line in block.splitlines():
        if current is not None and current.command.endswith("\\") and not current.output:
            current.command += "\n" + line
        elif prompt := PROMPT.match(line):
            if current is not None:
                yield current
            current = Typed(*prompt.groups())
        else:
            assert current is not None, f"no command before: {line}"
            current.output.append(line)
    if current is not None:
        yield current


class Typist:
    """Runs what is typed, as the user who types it, in one folder."""

    def __init__(self, folder: Path, users: dict[str, list[str]], places: dict[str, str],
                 programs: Path):
        """`users`: the command that makes somebody each; `places`: what stands for a word of the
        document, such as a path."""
        self._folder, self._users, self._places = folder, users, places
        self._environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        self._status = 0

    def type(self, one: Typed) -> list[str]:
        """What it prints; whatever fails is asked for its status next."""
        if one.command == "echo $?":
            status, self._status = self._status, 0
            return [str(status)]
        assert self._status == 0, f"ended with status {self._status}: before {one.command}"
        command = one.command
        for place, real in self._places.items():
            command = command.replace(place, real)
        done = subprocess.run([*self._users[one.user], "bash", "-c", command], cwd=self._folder,
                              env=self._environment, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              check=False)
        self._status = done.returncode
        output = done.stdout
        for place, real in self._places.items():
            output = output.replace(real, place)
        return output.splitlines()

    def finish(self) -> None:
        assert self._status == 0, f"the last command ended with status {self._status}"


def words_of(lines: list[str]) -> list[str]:
    """What is the same on another day: no times, counts and hashes."""
    result = []
    for line in lines:
        line = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", line)
        line = re.sub(r"\b[0-9a-f]{64}\b", "HASH", line)
        line = re.sub(r"uid \d+ \((\w+)\)", r"\1", line)
        line = re.sub(r"\((in )?\d+[dhms]( \d+[dhms])*( ago)?\)|\(now\)", "(WHEN)", line)
        line = re.sub(r"\d[\d.,]*( packets?\b| [KMG]?i?B\b)?", "N", line)
        result.append(" ".join(line.split()))
    return result


def _is_same(one: str, other: str) -> bool:
    """Where a line is cut depends on the length of its numbers."""
    if one.endswith(ANYTHING) and other.endswith(ANYTHING):
        length = min(len(one), len(other)) - 8
        return one[:length] == other[:length]
    return one == other


def is_like(expected: list[str], seen: list[str]) -> bool:
    """`ANYTHING` stands for any number of lines."""
    if not expected:
        return not seen
    if expected[0] == ANYTHING:
        return any(is_like(expected[1:], seen[at:]) for at in range(len(seen) + 1))
    return bool(seen) and _is_same(expected[0], seen[0]) and is_like(expected[1:], seen[1:])
