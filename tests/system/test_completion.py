# SPDX-License-Identifier: Apache-2.0
"""The completion of bash, by the Tab key of an interactive shell at a terminal."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.client import each
from lab.daemon import Daemon
from lab.lab import Lab
from lab.paths import BUILD, CONTROL, REPOSITORY
from lab.interactive_bash import Bash

SCRIPT = BUILD / "share" / "bash-completion" / "completions" / "meetfencectl"
BRIDGE_SCRIPT = REPOSITORY / "bridges" / "meetfence-bridge.bash"
PACKAGE = Path("/usr/share/bash-completion/bash_completion")
# A platform may call its meetings so; a shell must take each for one word and nothing else.
HOSTILE = ("room:1", "room:22=3", "conf@muc", 'q"uote', "it's", "$(touch${IFS}pwned)", "x;touch>pwned",
           "back\\slash", "h!!istory", "--yes", "`pwned`", "*", "~")


@pytest.fixture(params=[(), (PACKAGE,)], ids=["bash alone", "with bash-completion"])
def bash(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Bash]:
    folder = lab.new_folder("bash")
    (folder / "letter.txt").touch()
    (folder / "le:tter").mkdir()
    shell = Bash(folder, *request.param, SCRIPT, BRIDGE_SCRIPT, path=f"{CONTROL.parent}:")
    yield shell
    shell.close()
    assert not list(folder.glob("pwned*")), "a completion ran what it should have written"


def offers(bash: Bash, *cases: tuple[str, str]) -> None:
    """All words that may stand there, in the order of bash."""

    def check(case: tuple[str, str]) -> None:
        assert bash.offered(case[0]) == case[1].split(), bash.offered(case[0])

    each(cases, check)


def becomes(bash: Bash, *cases: tuple[str, str]) -> None:

    def check(case: tuple[str, str]) -> None:
        assert bash.completed(case[0]) == case[1], bash.completed(case[0])

    each(cases, check)


def test_the_script_is_sound():
    subprocess.run(["shellcheck", "-s", "bash", SCRIPT, BRIDGE_SCRIPT], check=True)


def test_commands_and_options(bash: Bash):
    offers(bash,
           ("meetfencectl geo ", "diff lookup reload rollback status"),
           ("meetfencectl --json rule ", "enforce list monitor show"),
           ("meetfencectl rule list --", "--bpf-dir --help --json --socket --version"),
           ("meetfencectl geo reload --", "--bpf-dir --force --help --json --socket --version"),
           ("meetfencectl geo reload --force --json --", "--bpf-dir --help --socket --version"),
           ("meetfencectl nonsense ", ""), ("meetfencectl rule nonsense ", ""))
    becomes(bash,
            ("meetfencectl unb", "meetfencectl unblock "), ("meetfencectl part", "meetfencectl participant "),
            ("meetfencectl --js", "meetfencectl --json "),
            # Behind the colons of an endpoint: it is one word.
            ("meetfencectl meeting add A --endpoint udp:198.18.0.1:40000 --sh",
             "meetfencectl meeting add A --endpoint udp:198.18.0.1:40000 --shared-endpoint "),
            ("meetfencectl meeting add A --endpoint=tcp:[2001:db8::1]:443 --un",
             "meetfencectl meeting add A --endpoint=tcp:[2001:db8::1]:443 --until "))


def test_bridges(bash: Bash):
    offers(bash,
           ("meetfence-bridge --config letter.txt --st", "--status"),
           ("meetfence-bridge jvb --", "--check-config --config --help --json --status --version"))
    becomes(bash,
            ("meetfence-bridge jv", "meetfence-bridge jvb "),
            ("meetfence-bridge --config letter.txt sd", "meetfence-bridge --config letter.txt sdp "),
            ("meetfence-bridge jvb sd", "meetfence-bridge jvb sd"),
            ("meetfence-bridge jvb --config let", "meetfence-bridge jvb --config letter.txt "))


def test_values(bash: Bash):
    offers(bash,
           ("meetfencectl block A --country CN H", "HK HM HN HR HT HU"),
           ("meetfencectl report --format ", "csv html json"),
           ("meetfencectl order list --state re", "recorded rejected"))
    becomes(bash,
            ("meetfencectl order add O --jurisdiction T", "meetfencectl order add O --jurisdiction T"),
            ("meetfencectl order add O --jurisdiction TW", "meetfencectl order add O --jurisdiction TW "),
            ("meetfencectl report --format=h", "meetfencectl report --format=html "),
            ("meetfencectl report --format='h", "meetfencectl report --format='html' "),
            ("meetfencectl order reject O --why over", "meetfencectl order reject O --why overbroad "),
            ("meetfencectl order add O --document let", "meetfencectl order add O --document letter.txt "),
            ("meetfencectl apply let", "meetfencectl apply letter.txt "),
            ("meetfencectl report --audit le", "meetfencectl report --audit le\\:tter/"))


def test_identifiers_come_from_the_daemon(daemon: Daemon, bash: Bash):
    for meeting in HOSTILE:
        daemon.api("PUT", "/v1/meetings/" + "".join(f"%{byte:02x}" for byte in meeting.encode()),
                   {"endpoints": []}).expect(201)
    daemon.put_participant("room:1", "alice", flows=[{"local": "udp:198.18.0.1:10000",
                                                     "remote": "203.0.113.10:51000"}]).expect(201)
    rule = daemon.block("room:1", "--country", "CN")
    tool = f"meetfencectl --socket {daemon.socket_path}"
    offers(bash, (f"{tool} unblock ", rule), (f"{tool} participant remove room:1 ", "alice"),
           (f"{tool} meeting show room", "room:1 room:22=3"))
    becomes(bash,
            (f"{tool} meeting show room:2", f"{tool} meeting show room:22=3 "),
            (f"{tool} meeting show room:22=", f"{tool} meeting show room:22=3 "),
            (f"{tool} meeting show room\\:2", f"{tool} meeting show room\\:22=3 "),
            (f"{tool} meeting show conf@", f"{tool} meeting show conf@muc "),
            (f"{tool} meeting show it", f"{tool} meeting show it\\'s "),
            (f"{tool} meeting show 'it", f"{tool} meeting show 'it'\\''s' "),
            (f"{tool} meeting show \"q", f"{tool} meeting show \"q\"\\\"\"uote\" "),
            (f"{tool} meeting show '$", f"{tool} meeting show '$(touch${{IFS}}pwned)' "),
            (f"{tool} meeting show \\$", f"{tool} meeting show \\$\\(touch\\$\\{{IFS\\}}pwned\\) "),
            (f"{tool} meeting show x", f"{tool} meeting show x\\;touch\\>pwned "),
            (f"{tool} meeting show ba", f"{tool} meeting show back\\\\slash "),
            (f"{tool} meeting show \"h", f"{tool} meeting show \"h\"\\!\"\"\\!\"istory\" "),
            # The shell would run it: that is left to who typed it.
            (f"{tool} meeting show \"$(", f"{tool} meeting show \"$("))


def test_a_daemon_that_does_not_answer(lab: Lab, bash: Bash):
    path = lab.new_folder("silent") / "control.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        offers(bash, (f"meetfencectl --socket {path} meeting show ", ""))
    offers(bash, (f"meetfencectl --socket={path}.nobody meeting show ", ""),
           ("meetfencectl rule list --j", "--json"))
