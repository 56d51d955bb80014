# SPDX-License-Identifier: Apache-2.0
"""Running the system's own programs."""

import subprocess


class CommandFailed(RuntimeError):
    pass


def run(*command: str, text: str | None = None, check: bool = True,
        seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, `text` on its stdin."""
    words = [str(word) for word in command]
    result = subprocess.run(words, input=text if text is not None else "", text=True,
                            capture_output=True, timeout=seconds, check=False)
    if check and result.returncode != 0:
        raise CommandFailed(f"{' '.join(words)}: status {result.returncode}\n"
                            f"{result.stdout}{result.stderr}".rstrip())
    return result
