# SPDX-License-Identifier: Apache-2.0
"""What the product is for, shown on this machine's kernel: one meeting, one country, nobody else.
`PYTHONPATH=tests python3 -m demo.demo`, as root.

Every line is checked; the first one that is not as promised ends the demo with status 1.
"""

import sys

from demo.story import Story
from demo.terminal import Terminal
from lab import paths
from lab.lab import Lab
from lab.signals import end_on_signals


def main() -> int:
    terminal = Terminal()
    missing = paths.missing()
    if missing:
        for line in missing:
            terminal.error(line)
        return 1
    end_on_signals()
    try:
        with Lab() as lab:
            story = Story(lab, terminal)
            story.tell()
        terminal.summary(story.summary)
    except AssertionError as broken:  # also what was waited for in vain
        terminal.error(f"not as promised: {broken}")
        return 1
    except Exception as error:  # the daemon's or the lab's own words, without a traceback
        terminal.error(f"the demo could not go on: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
