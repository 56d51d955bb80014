# SPDX-License-Identifier: Apache-2.0
"""One virtual machine: boots, runs a script as root, powers off. By software emulation alone: /dev/kvm may be there and
hang. No network card: nothing leaves it. It ends with whoever started it, however that ends."""

import codecs
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from vm.kernels import Kernel

PAUSE_S = 0.1
# On a busy host the emulated timer is late, and the kernel would give it up for broken.
CONSOLE = "console=ttyS0 panic=-1 loglevel=4 no_timer_check"
ON_HOST_ROOT = "vm.root=host"
ON_DISK = "vm.root=disk systemd.unit=multi-user.target systemd.getty_auto=0 systemd.show_status=0"
UNIT = """[Unit]
Description=The test's script
After=multi-user.target

[Service]
Environment=HOME=/root LC_ALL=C.UTF-8
StandardOutput=append:/run/vm/output
StandardError=append:/run/vm/output
ExecStart=/bin/bash -c '/bin/bash /run/vm/command; echo $? >/run/vm/status; systemctl poweroff'
"""


class Machine:
    """`control` is /run/vm in there; what the script leaves in it can be read here afterwards.

        status = Machine(kernel, folder, print).run("uname -r", 60)
    """

    def __init__(self, kernel: Kernel, control: Path, on_line: Callable[[str], None], disk: Path | None = None):
        self._kernel, self._control, self._on_line, self._disk = kernel, control, on_line, disk
        self._console = control.with_name(f"{control.name}.console")
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def run(self, script: str, seconds: float) -> int | None:
        """The script's status; None where the machine did not get to the end."""
        (self._control / "command").write_text(script, encoding="utf-8")
        (self._control / "vm-test.service").write_text(UNIT, encoding="utf-8")
        for left in ("output", "status"):
            (self._control / left).unlink(missing_ok=True)
        (self._control / "output").touch()
        with (self._control / "output").open("rb") as output, self._start() as machine:
            try:
                self._follow(machine, output, time.monotonic() + seconds)
            finally:
                machine.kill()
        status = self._control / "status"
        if status.exists():
            return int(status.read_text(encoding="ascii"))
        self._explain()
        return None

    def _command(self) -> list[str]:
        words = f"{CONSOLE} {ON_DISK if self._disk else ON_HOST_ROOT}"
        line = f"""qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -monitor none -nic none
            -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 2G"""
        return ["setpriv", "--pdeathsig", "KILL", *shlex.split(line),
                "-serial", f"file:{self._console}", "-append", words,
                "-kernel", str(self._kernel.image), "-initrd", str(self._kernel.initramfs),
                "-virtfs", f"local,path={self._control},mount_tag=control,security_model=none",
                *self._root()]

    def _root(self) -> list[str]:
        if self._disk:
            return ["-drive", f"file={self._disk},format=raw,if=virtio"]
        return ["-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command(), stdin=subprocess.DEVNULL)

    def _follow(self, machine: subprocess.Popen[bytes], output, deadline: float) -> None:
        while True:
            ended = machine.poll() is not None
            self._pass_on(output.read())
            if ended or time.monotonic() >= deadline:
                break
            time.sleep(PAUSE_S)
        if self._rest:
            self._pass_on(b"\n")

    def _pass_on(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + self._decode(data)).split("\n")
        for line in lines:
            self._on_line(line)

    def _explain(self) -> None:
        self._on_line("the machine's console, its last lines:")
        if self._console.exists():
            for line in self._console.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]:
                self._on_line(f"  {line}")
