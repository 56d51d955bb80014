# SPDX-License-Identifier: Apache-2.0
"""The packages of `./run package`: what is in them, what they ask for, what they leave."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.paths import BUILD, REPOSITORY
from lab.shell import run

PACKAGES = BUILD / "packages"
SCRIPTS = ("postinst", "prerm", "postrm")
PROGRAMS = (("meetfence", "usr/sbin/meetfenced"), ("meetfence", "usr/bin/meetfencectl"),
            ("meetfence-bridges", "usr/bin/meetfence-bridge"))


def package(name: str) -> Path:
    found = list(PACKAGES.glob(f"{name}_*.deb"))
    assert len(found) == 1, f"{PACKAGES} has {found}: ./run package"
    return found[0]


@pytest.fixture(scope="module")
def meetfence() -> Path:
    return package("meetfence")


@pytest.fixture(scope="module")
def bridges() -> Path:
    return package("meetfence-bridges")


def field(deb: Path, name: str) -> str:
    return run("dpkg-deb", "-f", deb, name).stdout.strip()


def modes(deb: Path) -> dict[str, str]:
    """Path to "MODE OWNER"."""
    lines = (line.split(maxsplit=5) for line in run("dpkg-deb", "-c", deb).stdout.splitlines())
    return {words[5].removeprefix("."): f"{words[0]} {words[1]}" for words in lines}


def test_files_are_where_debian_has_them(meetfence: Path):
    found = modes(meetfence)
    wanted = {
        "/usr/sbin/meetfenced": "-rwxr-xr-x root/root",
        "/usr/bin/meetfencectl": "-rwxr-xr-x root/root",
        "/etc/meetfence/meetfence.json": "-rw-r--r-- root/root",
        "/lib/systemd/system/meetfenced.service": "-rw-r--r-- root/root",
        "/usr/lib/sysusers.d/meetfence.conf": "-rw-r--r-- root/root",
        "/usr/lib/tmpfiles.d/meetfence.conf": "-rw-r--r-- root/root",
        "/usr/share/doc/meetfence/copyright": "-rw-r--r-- root/root",
        "/usr/share/doc/meetfence/examples/meetfence.json": "-rw-r--r-- root/root",
        "/usr/share/doc/meetfence/examples/dispatcher.conf": "-rw-r--r-- root/root",
    }
    assert {path: found.get(path) for path in wanted} == wanted
    assert all(mode.endswith(" root/root") for mode in found.values())
    assert not [path for path, mode in found.items() if "s" in mode.split()[0]]


def test_bridges_are_a_package_of_their_own(meetfence: Path, bridges: Path):
    found = modes(bridges)
    wanted = {
        "/usr/bin/meetfence-bridge": "-rwxr-xr-x root/root",
        "/lib/systemd/system/meetfence-bridge@.service": "-rw-r--r-- root/root",
        "/usr/lib/sysusers.d/meetfence-bridges.conf": "-rw-r--r-- root/root",
        "/usr/share/bash-completion/completions/meetfence-bridge": "-rw-r--r-- root/root",
        "/usr/share/man/man8/meetfence-bridge.8.gz": "-rw-r--r-- root/root",
        "/usr/share/meetfence/mediasoup/index.js": "-rw-r--r-- root/root",
        "/usr/share/meetfence/mediasoup/package.json": "-rw-r--r-- root/root",
        "/usr/share/meetfence/notice/notice.js": "-rw-r--r-- root/root",
    }
    assert {path: found.get(path) for path in wanted} == wanted
    assert all(mode.endswith(" root/root") for mode in found.values())
    assert not [path for path in found if "/test/" in path or "/etc/" in path]
    both = {path for path in set(found) & set(modes(meetfence)) if not path.endswith("/")}
    assert both == set(), "files of two packages"
    version = re.escape(field(meetfence, "Version"))
    assert re.search(rf"\bmeetfence \(= {version}\)", field(bridges, "Depends"))
    assert field(bridges, "Architecture") == field(meetfence, "Architecture")


def test_the_units_start_what_is_there(meetfence: Path, bridges: Path, tmp_path: Path):
    for deb, unit in ((meetfence, "meetfenced.service"), (bridges, "meetfence-bridge@.service")):
        run("dpkg-deb", "-x", deb, tmp_path)
        unpacked = (tmp_path / "lib/systemd/system" / unit).read_text(encoding="utf-8")
        assert "@" not in re.sub(r"#.*|@(system-service|privileged|resources)", "", unpacked), unpacked
        program = re.search(r"^ExecStart=(\S+)", unpacked, re.M).group(1)
        assert modes(deb)[program].startswith("-rwxr-xr-x")


def test_each_kind_of_bridge_has_an_example(bridges: Path, tmp_path: Path):
    """And it is one that the program takes."""
    run("dpkg-deb", "-x", bridges, tmp_path)
    program = tmp_path / "usr/bin/meetfence-bridge"
    kinds = re.findall(r"^  ([a-z]+)  +\S", run(program, "--help").stdout, re.M)
    assert "jvb" in kinds
    secret = tmp_path / "secret"
    secret.write_text("x\n", encoding="ascii")
    for kind in kinds:
        example = tmp_path / f"usr/share/doc/meetfence-bridges/examples/bridge-{kind}.json"
        text = re.sub(r'(_file": )"[^"]+"', rf'\1"{secret}"', example.read_text(encoding="utf-8"))
        example.write_text(text, encoding="utf-8")
        run(program, kind, "--config", example, "--check-config")


def test_version_is_the_project_s(meetfence: Path, bridges: Path):
    project = (REPOSITORY / "CMakeLists.txt").read_text()
    version = re.search(r"project\(meetfence VERSION (\S+)", project).group(1)
    assert [field(deb, "Version") for deb in (meetfence, bridges)] == [version, version]


def test_libraries_are_asked_for(meetfence: Path):
    wanted = {"libbpf1", "libmaxminddb0", "libsqlite3-0", "libssl3", "libsystemd0"}
    asked = {word.split()[0] for word in re.split(r"[,|]\s*", field(meetfence, "Depends"))}
    assert wanted <= asked


def test_lintian_is_content(meetfence: Path, bridges: Path):
    # For root it only says that it would rather not be.
    run("lintian", "--allow-root", "--fail-on", "error,warning", meetfence, bridges, seconds=180)


@pytest.mark.parametrize("name", ("meetfence", "meetfence-bridges"))
def test_maintainer_scripts_are_clean(name: str, tmp_path: Path):
    run("dpkg-deb", "-e", package(name), tmp_path)
    run("shellcheck", "-s", "sh", *(str(tmp_path / script) for script in SCRIPTS))


def test_nothing_tells_where_it_was_built(meetfence: Path, bridges: Path, tmp_path: Path):
    for deb in (meetfence, bridges):
        run("dpkg-deb", "-x", deb, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if str(REPOSITORY).encode() in path.read_bytes()]


@pytest.mark.parametrize(("name", "program"), PROGRAMS)
def test_programs_are_hardened(name: str, program: str, tmp_path: Path):
    run("dpkg-deb", "-x", package(name), tmp_path)
    said = run("readelf", "-W", "-h", "-l", "-d", "--dyn-syms", tmp_path / program).stdout
    for mark in ("DYN (Position-Independent", "GNU_RELRO", "BIND_NOW", "__stack_chk_fail", "_chk@"):
        assert mark in said, mark
    # Indirect jumps may land at these alone, where the machine watches over it.
    assert "endbr64" in run("objdump", "-d", "--no-show-raw-insn", tmp_path / program).stdout


# Installed, removed and purged in a root of its own, with the scripts.

class Root:
    def __init__(self, path: Path):
        self.path = path
        for folder in ("etc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "sys/fs/bpf", "run"):
            (path / folder).mkdir(parents=True)
        for file in ("var/lib/dpkg/status", "var/lib/dpkg/available", "etc/passwd", "etc/group"):
            (path / file).touch()

    def dpkg(self, *words: object) -> None:
        run("dpkg", f"--root={self.path}", "--force-depends", "--force-script-chrootless", *words)

    def users(self) -> set[str]:
        return {line.split(":")[0] for line in (self.path / "etc/passwd").read_text().splitlines()}

    def named(self) -> set[str]:
        """Paths of ours, apart from dpkg's own notes."""
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*meetfence*")
                if "var/lib/dpkg/" not in str(path)}


@pytest.fixture
def installed(tmp_path: Path, meetfence: Path, bridges: Path) -> Iterator[Root]:
    root = Root(tmp_path / "root")
    root.dpkg("-i", meetfence, bridges)
    yield root
    shutil.rmtree(root.path)


def test_installed(installed: Root):
    assert {"meetfence", "meetfence-bridge"} <= installed.users()
    assert "meetfence-bridge" in re.search(
        r"^meetfence:.*$", (installed.path / "etc/group").read_text(), re.M).group(0)
    wants = installed.path / "etc/systemd/system/multi-user.target.wants"
    assert [unit.name for unit in wants.iterdir()] == ["meetfenced.service"]  # and no bridge


def test_shipped_configuration_names_what_to_write(installed: Root):
    shipped = installed.path / "etc/meetfence/meetfence.json"
    assert json.loads(shipped.read_text())["interfaces"] == []
    daemon = installed.path / "usr/sbin/meetfenced"
    said = run(daemon, "--config", shipped, "--check-config", check=False)
    assert said.returncode == 1
    assert '"interfaces": [{"name": "eth0"}]' in said.stderr + said.stdout


def test_changed_configuration_survives_an_upgrade_and_a_removal(installed: Root, meetfence: Path):
    configuration = installed.path / "etc/meetfence/meetfence.json"
    configuration.write_text('{"interfaces": [{"name": "lo"}]}\n')
    installed.dpkg("-i", meetfence)
    assert "lo" in configuration.read_text()
    installed.dpkg("-r", "meetfence-bridges", "meetfence")
    assert "lo" in configuration.read_text()


def test_purge_leaves_only_the_users(installed: Root):
    state = installed.path / "var/lib/meetfence/audit"
    state.mkdir(parents=True)
    (state / "log").touch()
    bridge = installed.path / "etc/meetfence/bridge-jvb.json"
    bridge.write_text("{}\n", encoding="ascii")
    enabled = installed.path / "etc/systemd/system/multi-user.target.wants/meetfence-bridge@jvb.service"
    enabled.symlink_to("/lib/systemd/system/meetfence-bridge@.service")
    installed.dpkg("-r", "meetfence-bridges")
    assert bridge.exists()
    installed.dpkg("-P", "meetfence-bridges")
    assert not bridge.exists() and not enabled.is_symlink()
    installed.dpkg("-P", "meetfence")
    assert installed.named() == set()
    assert {"meetfence", "meetfence-bridge"} <= installed.users()
