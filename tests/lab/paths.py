# SPDX-License-Identifier: Apache-2.0
"""Where things are. Everything can be moved by the environment."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "tests" / "data"
BUILD = Path(os.environ.get("MEETFENCE_BUILD", REPOSITORY / "build"))
DAEMON = BUILD / "bin" / "meetfenced"
CONTROL = BUILD / "bin" / "meetfencectl"
DATABASE = Path(os.environ.get("MEETFENCE_DATABASE", REPOSITORY / ".cache" / "country.mmdb"))


def missing() -> list[str]:
    """What the demo and the tests need and do not find, each as one line with the next step."""
    lines = []
    if os.geteuid() != 0:
        lines.append("network namespaces and BPF need root: use sudo")
    for program in (DAEMON, CONTROL):
        if not os.access(program, os.X_OK):
            lines.append(f"{program} is not built: ./run build")
    if not DATABASE.is_file():
        lines.append(f"{DATABASE} is missing: ./run setup")
    return lines
