# SPDX-License-Identifier: Apache-2.0
"""An interactive bash at a terminal of its own: what does the Tab key put on the command line?"""

import os
import pty
import re
import select
import signal
import time
from pathlib import Path

TIMEOUT_S = 20.0
# Keys that no completion is bound to.
SHOW, TAB, ALL, KILL = "\x18p", "\t", "\x1b*", "\x01\x0b"
# The line comes out in hexadecimal: nothing in it can look like the terminal's own bytes.
SHOW_LINE = r"""bind -x '"\C-xp": printf "%s" "$READLINE_LINE" | od -An -v -tx1 | tr -d " \n" | sed "s/.*/<&>/"'"""


class Bash:
    def __init__(self, folder: Path, *sources: Path, path: str = ""):
        pid, self._fd = pty.fork()
        if pid == 0:
            environment = {"PATH": path + os.environ["PATH"], "HOME": str(folder), "TERM": "dumb",
                           "PS1": "", "HISTFILE": "/dev/null", "LC_ALL": "C.UTF-8"}
            os.chdir(folder)
            os.execve("/bin/bash", ["bash", "--noprofile", "--norc", "-i"], environment)
        self._pid = pid
        for source in sources:
            self._type(f". '{source}'\n")
        self._type("bind 'set bell-style none'; bind 'set completion-query-items 0'; set +H\n")
        self._type(SHOW_LINE + "\n")
        self.line("true", "")  # it reads keys now

    def _type(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._fd, data):]

    def line(self, start: str, keys: str) -> str:
        """What the line is once `keys` were pressed behind `start`."""
        self._type(KILL + start + keys + SHOW)
        seen = b""
        until = time.monotonic() + TIMEOUT_S
        while not (shown := re.search(rb"<([0-9a-f]*)>", seen)):
            readable, _, _ = select.select([self._fd], [], [], max(0.0, until - time.monotonic()))
            assert readable, f"bash does not show its line: {seen!r}"
            seen += os.read(self._fd, 65536)
        return bytes.fromhex(shown[1].decode()).decode()

    def completed(self, start: str) -> str:
        return self.line(start, TAB)

    def offered(self, start: str) -> list[str]:
        """All that could stand in the place of the word at the cursor."""
        return self.line(start, ALL).split()[len(start.split()) - (not start.endswith(" ")):]

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)
