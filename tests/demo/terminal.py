# SPDX-License-Identifier: Apache-2.0
"""What the demo prints: at most 100 columns, colour only for somebody who sees it."""

import os
import sys
import textwrap

WIDTH = 96


class BrokenPromise(AssertionError):
    pass


def promise(kept: bool, text: str) -> None:
    if not kept:
        raise BrokenPromise(text)


class Terminal:
    def __init__(self):
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        # Whether what was printed can be printed over.
        self.is_live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def good(self, text: str) -> str:
        return self.paint(text, "32")

    def bad(self, text: str) -> str:
        return self.paint(text, "31")

    def line(self, text: str = "") -> None:
        print(text, flush=True)

    def over(self, lines: list[str], count: int) -> None:
        """In place of the last `count` lines."""
        up = f"\x1b[{count}A\x1b[J" if count else ""
        print(up + "".join(f"{line}\n" for line in lines), end="", flush=True)

    def heading(self, text: str) -> None:
        self.line()
        self.line(self.paint(text, "1"))

    def say(self, text: str) -> None:
        for line in textwrap.wrap(" ".join(text.split()), WIDTH):
            self.line(line)

    def command(self, words: list[str]) -> None:
        """As somebody would type it; long ones over several lines."""
        lines, current = [], "$"
        for word in words:
            if len(current) + len(word) + 3 > WIDTH:
                lines.append(current + " \\")
                current = "   "
            current += " " + word
        for line in (*lines, current):
            self.line(self.paint(line, "36"))

    def output(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            self.line("  " + line)

    def summary(self, text: str) -> None:
        self.line()
        self.line(self.good(text))

    def error(self, text: str) -> None:
        sys.stdout.flush()
        print(f"demo: {text}", file=sys.stderr, flush=True)
