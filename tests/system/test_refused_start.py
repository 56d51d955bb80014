# SPDX-License-Identifier: Apache-2.0
"""What meetfenced does not start with: one clear line, status 1, and nothing left in the kernel."""

import json
import os
from pathlib import Path

import pytest

from lab.client import each
from lab.daemon import Daemon
from lab.endpoints import PORT_A
from lab.lab import Lab
from lab.network import INTERFACE
from lab.paths import DATABASE
from lab.steps import refused_start


# Pin directory.

def test_bpf_dir_not_on_bpffs(make_daemon, lab: Lab):
    refused_start(make_daemon(bpf_dir=str(lab.new_folder("plain") / "meetfence")), "bpf")


def test_bpf_dir_writable_by_others(make_daemon):
    daemon = make_daemon()
    daemon.bpf_dir.mkdir()
    daemon.bpf_dir.chmod(0o777)
    refused_start(daemon, str(daemon.bpf_dir), "others")


def test_bpf_dir_of_somebody_else(make_daemon):
    daemon = make_daemon()
    daemon.bpf_dir.mkdir(mode=0o700)
    os.chown(daemon.bpf_dir, 1, 1)
    refused_start(daemon, str(daemon.bpf_dir), "own")


# Country database.

def bad_database(folder: Path, kind: str) -> Path:
    path = folder / "bad.mmdb"
    real = DATABASE.read_bytes()
    contents = {
        "empty": b"",
        "zeros": bytes(4096),
        "text": b"PREFIX,COUNTRY\n" * 100,
        # What a download that broke off leaves: the metadata stand at the end.
        "cut in half": real[:len(real) // 2],
        # The metadata are there, the tree is not what they say.
        "without its tree": real[-4096:],
        "overwritten in its tree": bytes(1 << 20) + real[1 << 20:],
        "tree of nonsense": b"\xff" * (4 << 20) + real[4 << 20:],
    }
    path.write_bytes(contents[kind])
    return path


BAD_DATABASES = ("empty", "zeros", "text", "cut in half", "without its tree",
                 "overwritten in its tree", "tree of nonsense")


@pytest.mark.parametrize("kind", BAD_DATABASES)
def test_bad_database(make_daemon, lab: Lab, kind: str):
    path = bad_database(lab.new_folder("databases"), kind)
    refused_start(make_daemon(geo={"databases": [str(path)]}), str(path))


def test_missing_database(make_daemon, lab: Lab):
    path = lab.new_folder("databases") / "country.mmdb"
    refused_start(make_daemon(geo={"databases": [str(path)]}), str(path))


@pytest.mark.parametrize("kind", BAD_DATABASES)
def test_bad_database_at_reload(make_daemon, lab: Lab, kind: str):
    """The last good state stays in force."""
    folder = lab.new_folder("databases")
    path = folder / "country.mmdb"
    path.write_bytes(DATABASE.read_bytes())
    daemon = make_daemon(geo={"databases": [str(path)]}).start()
    daemon.add_meeting("A", f"udp:*:{PORT_A}")
    daemon.block("A", "--country", "CN")
    before = daemon.ctl.json("geo", "status")
    bad_database(folder, kind).rename(path)
    daemon.ctl("geo", "reload").refused(str(path))
    assert daemon.ctl.json("geo", "status")["generation"] == before["generation"]
    assert daemon.ctl("geo", "lookup", "1.2.4.8").ok().stdout.split()[:2] == ["1.2.4.8", "CN"]
    assert daemon.explain("203.0.113.10:1000", f"udp:198.18.0.1:{PORT_A}")["verdict"] == "drop"


# Configuration.

BAD_CONFIGURATIONS = (
    ({"interfaces": []}, ("interfaces",)),
    ({"interfaces": [{"name": "eth0", "mode": "nativ"}]}, ("nativ", "native")),
    ({"interfaces": [{"name": "eth0", "mod": "native"}]}, ("interfaces", "mod", "mode")),
    ({"interfaces": [{"mode": "native"}]}, ("name",)),
    ({"interfaces": [{"name": "eth0"}, {"name": "eth0"}]}, ("eth0",)),
    ({"interfaces": [{"name": "a-name-that-is-too-long"}]}, ("interfaces[0].name",)),
    ({"geo": {"database": ["x"]}}, ("geo.database", "databases")),
    ({"geo": {"agreement": "most"}}, ("agreement", "most")),
    ({"geo": {"overrides": {"203.0.113.0/24": "China"}}}, ("China", "CN")),
    ({"geo": {"overrides": {"203.0.113.1/24": "CN"}}}, ("203.0.113.1/24",)),
    ({"exempt": ["198.51.100.7/33"]}, ("198.51.100.7/33",)),
    ({"exempt": "198.51.100.7/32"}, ("exempt",)),
    ({"control": {"sokket": "/x"}}, ("control.sokket", "socket")),
    ({"control": {"socket": "/tmp/" + "x" * 108}}, ("control.socket",)),
    ({"metrics": {"listen": 9435}}, ("metrics.listen",)),
    ({"policy": {"approvals": 4}}, ("approvals", "3")),
    ({"policy": {"max_duration": "30 days"}}, ("max_duration",)),
    ({"limits": {"meetings": -1}}, ("limits.meetings",)),
    ({"limits": {"meetings": 0}}, ("limits.meetings",)),
    ({"limits": {"meeting": 5}}, ("limits.meeting", "meetings")),
    ({"state_dirs": "/x"}, ("state_dirs", "state_dir")),
    ({"state_dir": "relative/path"}, ("state_dir",)),
    ({"bpf_dir": 5}, ("bpf_dir",)),
)


def test_bad_configuration(make_daemon):
    """--check-config and a start say the same."""
    def is_refused(case: tuple[dict, tuple[str, ...]]) -> None:
        changes, words = case
        daemon = make_daemon(**changes)
        daemon.run_once("--check-config").refused(str(daemon.config_path), *words)
        refused_start(daemon, *words)
    each(BAD_CONFIGURATIONS, is_refused)


def test_bad_json(make_daemon):
    daemon = make_daemon()

    def is_refused(case: tuple[str, tuple[str, ...]]) -> None:
        text, words = case
        daemon.config_path.write_text(text, encoding="utf-8")
        daemon.run_once("--check-config").refused(str(daemon.config_path), *words)
        refused_start(daemon, *words)
    each((("", ()), ("{", ()), ("[]", ("object",)), ("[" * 100000, ()), ("\x00", ()),
          ('{"interfaces": [{"name": "eth0"}],}', ()),
          ('{"interfaces": [{"name": "eth0"}], "interfaces": []}', ("interfaces", "twice"))),
         is_refused)


def test_missing_configuration(make_daemon):
    daemon = make_daemon()
    daemon.config_path.unlink()
    refused_start(daemon, str(daemon.config_path))


def test_a_good_configuration_is_only_checked(make_daemon):
    daemon = make_daemon()
    daemon.run_once("--check-config").ok()
    assert not daemon.xdp_attached() and not daemon.bpf_dir.exists()
    assert list(daemon.state_dir.iterdir()) == []


def test_interfaces_are_all_that_is_needed(make_daemon):
    """Everything else has a default, as the contract gives it."""
    daemon = make_daemon()
    daemon.config_path.write_text(json.dumps({"interfaces": [{"name": INTERFACE}]}))
    daemon.run_once("--check-config").ok()


def test_usage(make_daemon):
    daemon = make_daemon()
    daemon.run_once("--help").ok()
    daemon.run_once("--version").ok()
    assert daemon.run_once("--detatch").exits(2).says("--detatch")
