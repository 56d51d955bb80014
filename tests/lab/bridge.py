# SPDX-License-Identifier: Apache-2.0
"""meetfence-bridge on the edge host."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from lab import wait
from lab.namespaces import Namespace
from lab.paths import BUILD
from lab.program import Program

BRIDGE = BUILD / "bin" / "meetfence-bridge"
START_S = 20.0


class Bridge(Program):
    """Not yet started."""

    def __init__(self, namespace: Namespace, folder: Path, kind: str, **config: Any):
        super().__init__(namespace, folder / "bridge.log")
        self._kind, self._config_path = kind, folder / "bridge.json"
        self._config_path.write_text(json.dumps(config), encoding="utf-8")

    def _command(self, *options: str) -> list[str]:
        return self._namespace.command(BRIDGE, self._kind, "--config", self._config_path, *options)

    def start(self) -> "Bridge":
        self._launch(self._command())
        self.until(lambda status: status["server"]["connected"] and status["daemon"]["connected"])
        return self

    def status(self) -> dict[str, Any] | None:
        """None while it does not answer."""
        result = subprocess.run(self._command("--status", "--json"), text=True,
                                capture_output=True, timeout=START_S, check=False)
        return json.loads(result.stdout) if result.stdout else None

    def until(self, condition, seconds: float = START_S) -> dict[str, Any]:
        """The status, as soon as it is like that."""
        def holds() -> dict[str, Any] | None:
            self.assert_alive()
            status = self.status()
            return status if status is not None and condition(status) else None
        return wait.until(holds, seconds, lambda: f"the bridge is so: {self.status()}\n{self.log}")

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)
