# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what the programs know, and print without a complaint."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from lab.bridge import BRIDGE
from lab.lab import Lab
from lab.paths import BUILD, CONTROL, DAEMON, REPOSITORY
from lab.shell import run

PAGES = BUILD / "share" / "man"
CONTROL_PAGE = PAGES / "man1" / "meetfencectl.1"
CONFIG_PAGE = PAGES / "man5" / "meetfence.json.5"
DAEMON_PAGE = PAGES / "man8" / "meetfenced.8"
BRIDGE_PAGE = PAGES / "man8" / "meetfence-bridge.8"


def printed(page: Path) -> str:
    """As `man` prints it on lines that are long enough for everything."""
    done = subprocess.run(["groff", "-Kutf8", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=500n", page],
                          capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    return done.stdout


def configuration_keys() -> set[str]:
    """As the daemon's own tables of keys have them: "geo.databases", "interfaces[].name"."""
    source = (REPOSITORY / "daemon" / "config" / "config.cpp").read_text(encoding="utf-8")
    tables = {name: re.findall(r'"([a-z_]+)"', keys) for name, keys in
              re.findall(r"constexpr auto k(\w+)Keys\s*=\s*std::to_array<std::string_view>\(\s*\{(.*?)\}", source, re.S)}
    top = tables.pop("Top")
    sections = {"Interface": "interfaces[]", "Limit": "limits"}
    inner = {f"{sections.get(name, name.lower())}.{key}" for name, keys in tables.items() for key in keys}
    assert {"interfaces[].name", "geo.databases", "limits.meetings"} <= inner, inner
    return inner | {key for key in top if not any(name.startswith(key) for name in inner)} | {"interfaces"}


@pytest.mark.parametrize("page", [CONTROL_PAGE, CONFIG_PAGE, DAEMON_PAGE, BRIDGE_PAGE], ids=lambda page: page.name)
def test_it_prints(page: Path):
    text = printed(page)
    assert "@" not in re.sub(r"\w@\w", "", text), "a mark that was to be replaced"
    # The line that apropos and whatis read.
    assert re.search(rf"^NAME\n +{re.escape(page.stem)} - \w", text, re.M), text[:400]


def test_every_key_of_the_configuration():
    described = set(re.findall(r"^ {7}([a-z_.\[\]]+) \(", printed(CONFIG_PAGE), re.M))
    assert described == configuration_keys()


def test_the_example_of_the_configuration(lab: Lab):
    text = printed(CONFIG_PAGE)
    example = json.loads(re.search(r"^EXAMPLE\n.*?(^ +\{$.*^ +\}$)", text, re.M | re.S)[1])
    path = lab.new_folder("example") / "meetfence.json"
    path.write_text(json.dumps(example), encoding="utf-8")
    run(DAEMON, "--config", path, "--check-config")
    named = {key if not isinstance(value, dict) else f"{key}.{inner}" for key, value in example.items()
             for inner in (value if isinstance(value, dict) else [""])}
    named |= {f"interfaces[].{key}" for interface in example["interfaces"] for key in interface}
    assert named == configuration_keys()


@pytest.mark.parametrize(("program", "page"), [(DAEMON, DAEMON_PAGE), (BRIDGE, BRIDGE_PAGE)],
                         ids=["meetfenced", "meetfence-bridge"])
def test_every_option_of_the_programs(program: Path, page: Path):
    text = printed(page)
    options = re.findall(r"^ +(?:-\w \[ )?(--[a-z-]+)", run(program, "--help").stdout, re.M)
    assert len(options) >= 5
    for option in options:
        assert re.search(rf"^ {{7}}(-\w, )?{option}\b", text, re.M), option


def test_every_kind_and_common_key_of_the_bridges():
    text = printed(BRIDGE_PAGE)
    kinds = re.findall(r"^  ([a-z]+)  +\S", run(BRIDGE, "--help").stdout, re.M)
    assert "jvb" in kinds
    source = (REPOSITORY / "bridges" / "settings.cpp").read_text(encoding="utf-8")
    keys = re.findall(r'"([a-z_]+)"', re.search(r"kCommonKeys\s*=.*?\{(.*?)\}", source, re.S)[1])
    assert "prefix" in keys
    for word in (*kinds, *keys):
        assert re.search(rf"^ {{7}}{word}( \(|$)", text, re.M), word


def test_every_command_and_option_of_the_tool():
    text = printed(CONTROL_PAGE)
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", run(CONTROL, "--help").stdout, re.M)
    assert len(commands) > 30
    for command in commands:
        entry = re.search(rf"^ {{7}}({command}\b.*\n(?: {{8,}}.*\n|\n)*)", text, re.M)
        assert entry, command
        usage = run(CONTROL, *command.split(), "--help").stdout
        own = usage.partition("Options of every command:")[0]
        for option in re.findall(r"^  (--[a-z-]+)", own, re.M):
            assert re.search(rf"^ {{11}}{option}\b", entry[1], re.M), f"{command} {option}"
