# SPDX-License-Identifier: Apache-2.0
"""Programs of the bridges that run in Node: asked by lines of JSON, they answer by such lines."""

import json
import shutil
import subprocess
import threading
from queue import Queue
from typing import Any

from lab.paths import REPOSITORY

BRIDGES = REPOSITORY / "bridges"
ANSWER_S = 30.0


class NodeProgram:
    """`script` is a module's text, run in the folder of that bridge."""

    def __init__(self, bridge: str, script: str, *words: object, before: tuple[str, ...] = ()):
        node = shutil.which("node")
        assert node, "node is missing: ./run setup"
        self._process = subprocess.Popen(
            [*before, node, "--input-type=module", "--eval", script, *map(str, words)],
            cwd=BRIDGES / bridge, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answers: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, name="node")
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._answers.put(line)

    def next(self) -> Any:
        """The next line it writes."""
        return json.loads(self._answers.get(timeout=ANSWER_S))

    def __call__(self, **words: Any) -> Any:
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return self.next()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()
