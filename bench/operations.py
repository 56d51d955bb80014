# SPDX-License-Identifier: Apache-2.0
"""What an operator waits for and pays for: start, reload, memory, idle time, a scrape. With default limits and the
pinned country database, in a namespace. One JSON object a line."""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from lab import wait
from lab.daemon import Daemon
from lab.lab import Lab
from lab.network import EDGE_V4
from lab.paths import DATABASE
from lab.service_manager import ServiceManager

ROUNDS = 7
RULES = 10_000
IDLE_S = 30
LIMITS = {"meetings": 65536, "participants": 1048576, "flows": 1048576}


def report(case: str, value: float, unit: str, asked: float) -> None:
    print(json.dumps({"case": case, "value": round(value, 3), "unit": unit, "asked": asked}),
          flush=True)


def median_s(action: Callable[[], None], rounds: int = ROUNDS,
             after: Callable[[], None] = lambda: None) -> float:
    times = []
    for _ in range(rounds):
        begin = time.monotonic()
        action()
        times.append(time.monotonic() - begin)
        after()
    return statistics.median(times)


def memory_beside_maps_mb(pid: int) -> float:
    """Resident, without the kernel's maps, which are the kernel's memory mapped again."""
    resident, is_map = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            is_map = "bpf-map" in line
        elif words[0] == "Rss:" and not is_map:
            resident += int(words[1])
    return resident / 1024


def cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def declaration() -> dict[str, object]:
    return {"meetings": [{"id": f"M{number}",
                          "endpoints": [f"udp:{EDGE_V4}:{10000 + number}"],
                          "rules": [{"countries": ["CN"]}]} for number in range(RULES)]}


def measure(daemon: Daemon, manager: ServiceManager) -> None:
    def start() -> None:
        daemon.launch()
        manager.wait_for("READY", 60)

    def end() -> None:
        daemon.terminate()
        manager.drain()

    def reload() -> None:
        daemon.hang_up()
        manager.wait_for("READY", 60)

    def scrape() -> None:
        assert daemon.api("GET", "/metrics").status == 200

    report("start_new_tables", median_s(start, after=lambda: (end(), daemon.detach().ok())), "s", 1)
    start()
    end()
    report("start_adopted_tables", median_s(start, after=end), "s", 1)
    start()
    manager.drain()
    report("reload", median_s(reload, after=manager.drain), "s", 1)
    pid = daemon.process.pid
    before = cpu_s(pid)
    time.sleep(IDLE_S)
    report("idle", 100 * (cpu_s(pid) - before) / IDLE_S, "% of a CPU", 0.5)
    report("resident_beside_maps", memory_beside_maps_mb(pid), "MB", 80)
    daemon.api("PUT", "/v1/declaration", declaration()).expect(200)
    at_once = memory_beside_maps_mb(pid)
    wait.until(lambda: memory_beside_maps_mb(pid) < at_once, 10, "memory is given back")
    report(f"resident_beside_maps_{RULES}_rules", memory_beside_maps_mb(pid), "MB", 80)
    scrape()
    report(f"scrape_{RULES}_rules", 1000 * median_s(scrape, 21), "ms", 50)
    end()
    report(f"start_adopted_{RULES}_rules", median_s(start, after=end), "s", 1)


def main() -> None:
    with Lab() as lab:
        daemon = lab.daemon(lab.network(("CN",)), limits=LIMITS,
                            geo={"databases": [str(DATABASE)], "min_countries": 150})
        manager = ServiceManager(daemon.directory)
        daemon.environment = manager.environment
        try:
            measure(daemon, manager)
        finally:
            manager.close()


if __name__ == "__main__":
    main()
