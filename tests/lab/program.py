# SPDX-License-Identifier: Apache-2.0
"""A program in a namespace, with a log of its own."""

import subprocess
from pathlib import Path

from lab.namespaces import Namespace
from lab.signals import held


class Program:
    """Not yet started."""

    def __init__(self, namespace: Namespace, log_path: Path):
        self._namespace, self.log_path = namespace, log_path
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _launch(self, command: list[str]) -> None:
        assert not self.alive, "it runs already"
        with self.log_path.open("ab") as log, held():
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)

    def assert_alive(self) -> None:
        assert self.alive, f"it ended with status {self.process.returncode}\n{self.log}"

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        if self.alive:
            self.kill9()
