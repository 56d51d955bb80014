# SPDX-License-Identifier: Apache-2.0
"""What is run, in which order, under which kernels."""

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vm import packages, tree
from vm.kernels import GUEST, METAPACKAGES, Kernel, KernelMissing, prepare, static_program
from vm.machine import Machine
from vm.report import Report

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MEETFENCE_CACHE", REPOSITORY / ".cache")) / "vm"
PARTS = ("data-plane", "package", "walkthrough", "integrations")
# What docs/integrations.md begins with, and what its participants are made of.
SERVERS = ("janus", "coturn", "redis-server", "openssl", "python3")
# A quiet machine of two cores takes a tenth of these; what takes longer does not come to an end.
SHORT_S, DATA_PLANE_S, BOOT_S = 600, 7200, 3600


@contextmanager
def step(what: str) -> Iterator[None]:
    print(f"» {what}", flush=True)
    start = time.monotonic()
    yield
    print(f"     {time.monotonic() - start:.0f} s", flush=True)


def show_instructions(report: Report, kernel: Kernel, path: Path) -> None:
    """The most that any test of the verifier saw, by program; the tests themselves keep the budget."""
    counts: dict[str, int] = {}
    budget = ""
    for found in report.properties(path):
        budget = found.get("verified_budget", budget)
        for program, name in (("meetfence_xdp", "verified_instructions"),
                              ("meetfence_egress", "verified_instructions_egress")):
            if name in found:
                counts[program] = max(counts.get(program, 0), int(found[name]))
    for program, count in counts.items():
        print(f"{kernel.release}  {program}  {count} instructions (budget {budget})", flush=True)
    if len(counts) != 2:
        report.fail(f"{kernel.release}: instructions by program (got {sorted(counts)}, want both programs)")


def show_end(log: Path, lines: int) -> None:
    if log.exists():
        print(*log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:], sep="\n", flush=True)


def data_plane(report: Report, kernel: Kernel, short: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="meetfence-vm-") as folder:
        control = Path(folder, "control")
        control.mkdir()
        machine = Machine(kernel, control, print)
        words = (GUEST / "data_plane.sh", "short" if short else "full", "yes" if kernel.has_tcx else "no")
        status = machine.run(
            f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8\n"
            f"export MEETFENCE_DATABASE={shlex.quote(os.environ['MEETFENCE_DATABASE'])}\n"
            f"cd {shlex.quote(str(REPOSITORY))} && exec bash {shlex.join(map(str, words))}\n",
            SHORT_S if short else DATA_PLANE_S)
        if status != 0:
            report.fail(f"{kernel.release}: the machine ran its script (got status {status}, want 0)")
        failed = report.failed
        show_instructions(report, kernel, control / "bpf_tests.xml")
        for name in ("bpf_tests", "system_tests"):
            report.suite(f"{kernel.release} {name}", control / f"{name}.xml")
            if report.failed > failed:
                show_end(control / f"{name}.log", 200)


def boot(report: Report, kernel: Kernel, disk: Path, control: Path, script: str) -> bool:
    """Whether the script ran to its end."""
    machine = Machine(kernel, control, report.line, disk)
    failed = report.failed
    status = machine.run(f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin\ncd /run/vm && exec bash {script}\n", BOOT_S)
    if status != 0:
        report.fail(f"{kernel.release}: {script} ran to its end (got status {status}, want 0)")
    if report.failed > failed:
        show_end(control / "journal", 100)
    return status == 0


def provide_scripts(control: Path) -> None:
    for script in GUEST.glob("*.sh"):
        (control / script.name).write_bytes(script.read_bytes())
    static_program(GUEST / "traffic.c", control / "traffic")


def walkthrough(report: Report, kernel: Kernel, new: Path) -> None:
    """docs/operations.md, as it stands, in a fresh tree."""
    with tempfile.TemporaryDirectory(prefix="meetfence-vm-") as folder:
        control, disk = Path(folder, "control"), Path(folder, "disk.ext4")
        control.mkdir()
        tree.copy(tree.image(CACHE, packages.dependencies(new)), disk)
        packages.provide(new, None, control)
        provide_scripts(control)
        shutil.copyfile(REPOSITORY / "docs" / "operations.md", control / "operations.md")
        shutil.copyfile(os.environ["MEETFENCE_DATABASE"], control / "country.mmdb")
        with step(f"{kernel.release}: docs/operations.md, typed"):
            boot(report, kernel, disk, control, "walkthrough.sh")


def integrations(report: Report, kernel: Kernel, new: Path) -> None:
    """docs/integrations.md for Janus and coturn, as it stands, in a fresh tree that has them."""
    documents = REPOSITORY / "docs"
    with tempfile.TemporaryDirectory(prefix="meetfence-vm-") as folder:
        control, disk = Path(folder, "control"), Path(folder, "disk.ext4")
        control.mkdir()
        tree.copy(tree.image(CACHE, [*packages.dependencies(new), *SERVERS], "servers"), disk)
        packages.provide(new, None, control)
        provide_scripts(control)
        shutil.copyfile(GUEST / "participant.py", control / "participant.py")
        (control / "lab").mkdir()
        shutil.copyfile(REPOSITORY / "tests" / "lab" / "stun.py", control / "lab" / "stun.py")
        for document in ("operations", "integrations", "integrations/janus", "integrations/coturn"):
            shutil.copyfile(documents / f"{document}.md", control / f"{Path(document).name}.md")
        shutil.copyfile(os.environ["MEETFENCE_DATABASE"], control / "country.mmdb")
        with step(f"{kernel.release}: docs/integrations.md for Janus and coturn, typed"):
            boot(report, kernel, disk, control, "integrations.sh")


def package(report: Report, kernel: Kernel, new: Path, previous: Path | None) -> None:
    """Two boots of one disk."""
    with tempfile.TemporaryDirectory(prefix="meetfence-vm-") as folder:
        control, disk = Path(folder, "control"), Path(folder, "disk.ext4")
        control.mkdir()
        tree.copy(tree.image(CACHE, packages.dependencies(new)), disk)
        packages.provide(new, previous, control)
        provide_scripts(control)
        with step(f"{kernel.release}: the package, first boot"):
            if not boot(report, kernel, disk, control, "package.sh"):
                return
        with step(f"{kernel.release}: the package, second boot"):
            boot(report, kernel, disk, control, "reboot.sh")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run test-vm", description="Tests under Debian's own kernels.")
    parser.add_argument("--short", action="store_true", help="the first kernel alone, and a handful of tests")
    parser.add_argument("--kernel", action="append", choices=METAPACKAGES, help="this one alone; may be repeated")
    parser.add_argument("--part", action="append", choices=PARTS, help="this one alone; may be repeated")
    parser.add_argument("--package", type=Path, metavar="FILE.deb", help="instead of what ./run package made")
    parser.add_argument("--previous", type=Path, metavar="FILE.deb",
                        help="an earlier release, to upgrade from; else the same one under a lower version")
    return parser.parse_args()


def run(chosen: argparse.Namespace, report: Report) -> None:
    lines = chosen.kernel or list(METAPACKAGES)[:1 if chosen.short else None]
    parts = chosen.part or PARTS[:1 if chosen.short else None]
    kernels = []
    for line in lines:
        with step(f"kernel {line} from Debian's archive"):
            kernels.append(prepare(line, CACHE))
    for kernel in kernels:
        if "data-plane" in parts:
            with step(f"{kernel.release}: data plane and network namespaces"):
                data_plane(report, kernel, chosen.short)
        if "package" in parts:
            package(report, kernel, chosen.package or packages.built(REPOSITORY), chosen.previous)
        if "walkthrough" in parts:
            walkthrough(report, kernel, chosen.package or packages.built(REPOSITORY))
        if "integrations" in parts:
            integrations(report, kernel, chosen.package or packages.built(REPOSITORY))


def main() -> int:
    # An end by a signal, too, takes the machine and the temporary folders with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    report = Report()
    try:
        run(options(), report)
    except (KernelMissing, packages.PackageMissing) as error:
        print(f"run: {error}", file=sys.stderr)
        report.failed += 1
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


sys.exit(main())
