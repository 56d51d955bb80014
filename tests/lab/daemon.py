# SPDX-License-Identifier: Apache-2.0
"""One daemon with a configuration, a state and a pin directory of its own."""

import json
import os
import shutil
import signal
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

from lab import wait
from lab.client import Api, Control, Outcome, Response
from lab.network import INTERFACE, Network, overrides
from lab.paths import DAEMON
from lab.shell import run
from lab.signals import held

START_S = 30.0
STOP_S = 15.0
# Groups that every Debian has, with their numbers in base-passwd.
OPERATORS, OPERATORS_GID = "daemon", 1
VIEWERS, VIEWERS_GID = "games", 60


class DidNotStart(AssertionError):
    pass


class DidNotReload(AssertionError):
    pass


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` put over it, object by object."""
    result = deepcopy(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


class Daemon:
    def __init__(self, directory: Path, bpf_dir: Path, network: Network,
                 changes: dict[str, Any] | None = None):
        self.network = network
        self.directory, self.bpf_dir = directory, bpf_dir
        self.config_path = directory / "meetfence.json"
        self.log_path = directory / "log"
        self.socket_path = directory / "control.sock"
        self.state_dir = directory / "state"
        self.state_dir.mkdir(parents=True, mode=0o700)
        directory.chmod(0o755)  # other users are let through to the socket
        self.log_path.touch()
        self.config = merged(self._defaults(), changes or {})
        self.write_config()
        # On the edge host: with the daemon dead, the tool asks the kernel about its interfaces.
        self.ctl = Control(self.socket_path, tuple(network.edge.command()))
        self.api = Api(self.socket_path)
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}  # beside the lab's own
        self.wrapper: tuple[str, ...] = ()  # runs it, as setpriv does
        self._log_start = 0

    def _defaults(self) -> dict[str, Any]:
        return {
            "interfaces": [{"name": INTERFACE, "mode": "native"}],
            # Overrides alone: a start without a database takes no time.
            # Databases made for a test know a handful of countries.
            "geo": {"databases": [], "overrides": overrides(), "min_countries": 1},
            "control": {"socket": str(self.socket_path), "operators": OPERATORS,
                        "viewers": VIEWERS},
            # Small tables are made quickly: there are hundreds of daemons.
            "limits": {"meetings": 1024, "participants": 4096, "flows": 4096},
            "metrics": {"listen": "off"},  # the daemons of one host would fight for the port
            "state_dir": str(self.state_dir),
            "bpf_dir": str(self.bpf_dir),
        }

    def write_config(self) -> None:
        self.config_path.write_text(json.dumps(self.config, indent=2), encoding="utf-8")

    def change_config(self, **changes: Any) -> None:
        self.config = merged(self.config, changes)
        self.write_config()

    def command(self, *options: str) -> list[str]:
        return self.network.edge.command(*self.wrapper, DAEMON, "--config", self.config_path,
                                         *options)

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def new_log(self) -> str:
        """What was logged since the last start."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        """Starts the process and does not wait until it answers."""
        assert not self.alive, "it runs already"
        self._log_start = self.log_path.stat().st_size
        with self.log_path.open("ab") as log, held():
            # A session of its own: Ctrl-C reaches the lab, and the lab ends the daemon.
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True,
                                            env=os.environ | self.environment)

    def start(self) -> "Daemon":
        self.launch()
        wait.until(self._answers, START_S,
                   lambda: f"meetfenced answers\n{self.ctl('status')}\n{self.log}")
        return self

    def _answers(self) -> bool:
        if not self.alive:
            raise DidNotStart(f"meetfenced ended with status {self.process.returncode}\n{self.log}")
        # Not the tool's `status`: that does with the pins alone.
        try:
            return self.api("GET", "/v1/status").status == 200
        except OSError:
            return False

    def run_once(self, *options: str) -> Outcome:
        """Runs meetfenced to its end: --check-config, --detach, or a start that is refused."""
        result = subprocess.run(self.command(*options), stdin=subprocess.DEVNULL, text=True,
                                capture_output=True, timeout=START_S, check=False)
        return Outcome(result.returncode, result.stdout, result.stderr)

    def kill9(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def hang_up(self) -> None:
        """SIGHUP: the configuration is read again."""
        self.process.send_signal(signal.SIGHUP)

    def reload(self, **changes: Any) -> None:
        """Writes another configuration and waits until it is in force, or DidNotReload."""
        self.change_config(**changes)
        before = len(self.log)
        self.hang_up()

        def decided() -> bool:
            new = self.log[before:]
            if "stays, whole" in new or "<3>configuration" in new:
                raise DidNotReload(new)
            return f"{self.config_path} is in force" in new
        wait.until(decided, 20, lambda: f"the reload is done\n{self.log}")

    def terminate(self) -> int:
        """SIGTERM; the exit status. A process that does not follow is an error, and is killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill9()
            raise AssertionError(f"SIGTERM does not end it\n{self.log}") from error

    def detach(self) -> Outcome:
        return self.run_once("--detach")

    def remove(self) -> None:
        """Ends everything, also of a daemon that does not do what it should."""
        if self.alive:
            self.kill9()
        if self.bpf_dir.exists():
            shutil.rmtree(self.bpf_dir)  # the last reference to program, link and maps

    def xdp_attached(self) -> bool:
        """What the kernel says about the interface."""
        shown = run(*self.network.edge.command("ip", "-details", "link", "show", "dev", INTERFACE))
        return "prog/xdp" in shown.stdout

    # What nearly every test says in these words.

    def add_meeting(self, meeting: str, *ends: object) -> None:
        options = [word for end in ends for word in ("--endpoint", end)]
        self.ctl("meeting", "add", meeting, *options).ok()

    def add_shared(self, meeting: str, *ends: object) -> None:
        options = [word for end in ends for word in ("--shared-endpoint", end)]
        self.ctl("meeting", "add", meeting, *options).ok()

    def put_participant(self, meeting: str, participant: str, **known_by: Any) -> Response:
        return self.api("PUT", f"/v1/meetings/{meeting}/participants/{participant}", known_by)

    def participants(self, meeting: str) -> dict[str, dict[str, Any]]:
        """By their identifiers."""
        listed = self.ctl.json("participant", "list", meeting)
        return {participant["id"]: participant for participant in listed}

    def block(self, meeting: str, *options: object) -> str:
        """The number of the rule."""
        return self.ctl.json("block", meeting, *options, "--yes")["id"]

    def rule(self, rule: str) -> dict[str, Any]:
        return self.ctl.json("rule", "show", rule)

    def packets(self) -> dict[str, int]:
        return self.ctl.json("status")["packets"]

    def explain(self, source: str, endpoint: object) -> dict[str, Any]:
        return self.ctl.json("explain", "--from", source, "--to", endpoint)
