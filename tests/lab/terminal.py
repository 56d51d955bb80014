# SPDX-License-Identifier: Apache-2.0
"""A program at a terminal of its own, and what it shows there."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios

from lab import wait
from lab.signals import held

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
BEGIN_PAGE = "\x1b[H"
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    def __init__(self, command: list[str], rows: int = 30, columns: int = 100, **environment: str):
        self._master, self._slave = os.openpty()
        self.resize(rows, columns, tell=False)
        self.settings = self.current_settings()
        self.output = ""
        with held():
            self.process = subprocess.Popen(
                command, stdin=self._slave, stdout=self._slave, stderr=subprocess.PIPE,
                env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment},
                start_new_session=True)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._master)
        os.close(self._slave)

    def resize(self, rows: int, columns: int, tell: bool = True) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            # It is nobody's controlling terminal: the kernel does not know whom to tell.
            self.process.send_signal(signal.SIGWINCH)

    def current_settings(self) -> list:
        return termios.tcgetattr(self._slave)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self) -> str:
        """All that was written so far."""
        while select.select([self._master], [], [], 0)[0]:
            self.output += os.read(self._master, 65536).decode()
        return self.output

    @property
    def page(self) -> list[str]:
        """The lines of the last whole page."""
        pages = self.read().replace("\r", "").split(BEGIN_PAGE)[1:]
        whole = [page for page in pages if "\x1b[J" in page]
        return _SEQUENCE.sub("", whole[-1].split("\x1b[J")[0]).split("\n") if whole else []

    def until(self, word: str, seconds: float = 10) -> list[str]:
        """The first page from now on that has `word` in it."""
        wait.until(lambda: any(word in line for line in self.page), seconds,
                   lambda: f"{word!r} is shown\n" + "\n".join(self.page))
        return self.page

    def ends(self, code: int, seconds: float = 10) -> str:
        """It ends so, and leaves the terminal as it was; what it says on stderr."""
        _, said = self.process.communicate(timeout=seconds)
        assert self.process.returncode == code, (self.process.returncode, said)
        output = self.read()
        assert output.rindex(LEAVE) > output.rindex(ENTER), "the page is left on the screen"
        assert output.rindex(SHOW_CURSOR) > output.rindex(HIDE_CURSOR), "the cursor is hidden"
        assert self.current_settings() == self.settings, "keys are not echoed any more"
        return said.decode()
