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
from lab.signals import held

BRIDGE = BUILD / "bin" / "meetfence-bridge"
START_S = 20.0


class Bridge:
    """Not yet started."""

    def __init__(self, namespace: Namespace, folder: Path, kind: str, **config: Any):
        self._namespace, self._kind = namespace, kind
        self._config_path, self.log_path = folder / "bridge.json", folder / "bridge.log"
        self._config_path.write_text(json.dumps(config), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _command(self, *options: str) -> list[str]:
        return self._namespace.command(BRIDGE, self._kind, "--config", self._config_path, *options)

    def start(self) -> "Bridge":
        assert not self.alive, "it runs already"
        with self.log_path.open("ab") as log, held():
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
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
            assert self.alive, f"the bridge ended with status {self.process.returncode}\n{self.log}"
            status = self.status()
            return status if status is not None and condition(status) else None
        return wait.until(holds, seconds, lambda: f"the bridge is so: {self.status()}\n{self.log}")

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait()

    def remove(self) -> None:
        if self.alive:
            self.kill9()
