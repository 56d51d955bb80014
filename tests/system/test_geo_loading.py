# SPDX-License-Identifier: Apache-2.0
"""Which databases come in force, which do not, and how one goes back."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import country_db, wait
from lab.client import each
from lab.daemon import Daemon, DidNotStart
from lab.lab import Lab
from lab.network import Network, overrides
from lab.paths import DATABASE
from lab.probes import check, everyone
from lab.endpoints import PORT_A
from lab.steps import register

# 203.0.113.0/24 and 2001:db8:c::/48 are CN; what else there is is large enough to lose a part of.
PLACES = {"203.0.113.0/24": "CN", "198.51.100.0/24": "US", "192.0.2.0/24": "HK",
          "2001:db8:c::/48": "CN", "2001:db8:a::/48": "US", "2001:db8:b::/48": "HK"}
SETTLED_S = 20.0


@pytest.fixture
def database(lab: Lab) -> Path:
    return country_db.make_simple(lab.new_folder("mmdb") / "country.mmdb", PLACES)


def replace(path: Path, places: dict[str, str]) -> None:
    country_db.make_simple(path.with_suffix(".new"), places).rename(path)


def without(country: str) -> dict[str, str]:
    return {prefix: code for prefix, code in PLACES.items() if code != country}


def started(make_daemon, *paths: Path, **geo) -> Daemon:
    daemon = make_daemon(geo={"databases": [str(path) for path in paths], **geo})
    daemon.config["geo"]["overrides"] = geo.get("overrides", {})
    daemon.write_config()
    return daemon.start()


def place(daemon: Daemon, address: str = "203.0.113.7") -> str:
    return daemon.ctl("geo", "lookup", address).ok().stdout.split()[1]


def blocked_cn(daemon: Daemon) -> Daemon:
    daemon.add_meeting("M", "udp:198.18.0.1:45000")
    daemon.block("M", "--country", "CN")
    return daemon


def generation(daemon: Daemon) -> int:
    return daemon.ctl.json("geo", "status")["generation"]


def stays(daemon: Daemon, *words: str) -> None:
    """A reload is refused with these words; the table in force stays, and says so."""
    before = generation(daemon)
    daemon.ctl("geo", "reload").refused("the country table in force stays", *words)
    status = daemon.ctl.json("geo", "status")
    assert status["generation"] == before and words[0] in status["problem"], status
    assert place(daemon) == "CN"


# What is refused.

def test_a_database_of_few_countries(make_daemon, database: Path):
    daemon = started(make_daemon, database, min_countries=3)
    replace(database, without("HK"))
    stays(daemon, "it knows 2 countries", "geo.min_countries is 3", str(database), "--force")
    daemon.ctl("geo", "reload", "--force").ok()
    assert place(daemon, "192.0.2.1") == "--"
    assert daemon.ctl.json("geo", "status")["problem"] is None


def test_by_default_it_takes_150(make_daemon, database: Path):
    daemon = make_daemon(geo={"databases": [str(database)], "overrides": {}})
    del daemon.config["geo"]["min_countries"]
    daemon.write_config()
    with pytest.raises(DidNotStart, match="it knows 3 countries, and geo.min_countries is 150"):
        daemon.start()


def test_a_database_that_has_lost_a_country_under_a_rule(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    replace(database, without("HK"))
    daemon.ctl("geo", "reload").ok()  # nobody asks for it
    replace(database, PLACES)
    blocked_cn(daemon).ctl("geo", "reload").ok()
    replace(database, without("CN"))
    stays(daemon, "no address of CN")
    daemon.ctl("geo", "reload", "--force").ok()
    assert place(daemon) == "--"


@pytest.mark.parametrize("smaller, words", [
    ({"203.0.113.0/25": "CN", "203.0.113.128/26": "CN"}, "25 % of its IPv4 addresses"),
    ({"203.0.113.0/24": "CN", "2001:db8:c::/49": "US", "2001:db8:e::/48": "CN",
      "2001:db8:c:8000::/49": "US"}, "50 % of its IPv6 /48s")])
def test_a_database_that_shrinks_a_country_under_a_rule(make_daemon, lab: Lab, smaller, words):
    both = PLACES | {"2001:db8:e::/48": "CN"} if "IPv6" in words else PLACES
    path = country_db.make_simple(lab.new_folder("mmdb") / "country.mmdb", both)
    daemon = blocked_cn(started(make_daemon, path))
    rest = {prefix: code for prefix, code in both.items() if code != "CN"}
    kept = {"2001:db8:c::/48": "CN"} if "IPv4" in words else {}
    replace(path, rest | kept | smaller)
    stays(daemon, words, "CN, which a rule names")
    daemon.ctl("geo", "reload", "--force").ok()


def test_an_old_database(make_daemon):
    """The pinned one is of June 2026, and older than 45 days for ever."""
    daemon = started(make_daemon, DATABASE)
    assert "geo.max_age is 45 days" in daemon.log
    assert "geo.max_age" in daemon.ctl.json("geo", "status")["databases"][0]["warning"]
    daemon.terminate()
    daemon.change_config(geo={"max_age": "3650d", "when_old": "refuse"})
    daemon.start()
    assert daemon.ctl.json("geo", "status")["databases"][0]["warning"] is None
    daemon.terminate()
    daemon.detach().ok()
    for copies in (daemon.state_dir / "geo" / "current").iterdir():
        copies.unlink()
    daemon.change_config(geo={"max_age": "45d"})
    with pytest.raises(DidNotStart, match="geo.max_age is 45 days"):
        daemon.start()


def test_wrong_keys(make_daemon):
    daemon = make_daemon()

    def refused(case: tuple[str, object, str]) -> None:
        key, value, word = case
        daemon.config["geo"] = {"databases": [], key: value}
        daemon.write_config()
        outcome = daemon.run_once("--check-config")
        assert outcome.code != 0 and word in outcome.stderr, outcome

    each([("min_countries", 0, "geo.min_countries"), ("min_countries", "x", "geo.min_countries"),
          ("max_age", "soon", "geo.max_age"), ("max_age", 45, "geo.max_age"),
          ("when_old", "ignore", "geo.when_old"), ("max_ages", "45d", "max_age")], refused)


# Files that are none.

def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_metadata(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"node_count", b"node_c0unt"))


CORRUPT: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<html>404 Not Found</html>", encoding="utf-8"),
    "zeroes": lambda path: path.write_bytes(bytes(100_000)),
    "cut": cut,
    "metadata": flip_metadata,
    "missing": lambda path: path.unlink(),
    "directory": lambda path: (path.unlink(), path.mkdir()),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


def test_corrupt_files(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    good = database.read_bytes()

    def refused(kind: str) -> None:
        CORRUPT[kind](database)
        stays(daemon, str(database))
        if database.is_dir():
            database.rmdir()
        else:
            database.unlink(missing_ok=True)
        database.write_bytes(good)

    each(CORRUPT, refused)
    daemon.ctl("geo", "reload").ok()


def test_a_start_with_corrupt_files_takes_the_last_good_ones(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    kept = daemon.state_dir / "geo" / "current" / "0.mmdb"
    wait.until(kept.exists, SETTLED_S, "the copy on the disk")
    daemon.terminate()
    daemon.detach().ok()
    database.write_bytes(b"nonsense")
    daemon.start()
    assert place(daemon) == "CN"
    assert "the last good ones are in force" in daemon.new_log
    assert str(database) in daemon.ctl.json("geo", "status")["problem"]


# Publishers.

def overwrite(path: Path, content: bytes) -> None:
    """In place and slowly: nothing is loaded before the writer is done."""
    with path.open("r+b") as file:
        file.truncate()
        file.write(content[:1000])
        file.flush()
        file.write(content[1000:])


def rename(path: Path, content: bytes) -> None:
    path.with_suffix(".part").write_bytes(content)
    path.with_suffix(".part").rename(path)


def link(path: Path, content: bytes) -> None:
    release = path.with_name("release-2.mmdb")
    release.write_bytes(content)
    path.with_name("next").symlink_to(release)
    path.with_name("next").rename(path)


@pytest.mark.parametrize("publish", [overwrite, rename, link])
def test_a_new_file_is_loaded(make_daemon, database: Path, publish):
    daemon = started(make_daemon, database)
    fresh = country_db.make_simple(database.with_name("fresh"), PLACES | {"203.0.113.0/24": "TW"})
    publish(database, fresh.read_bytes())
    wait.until(lambda: place(daemon) == "TW", SETTLED_S, lambda: f"the new file is loaded\n{daemon.log}")
    assert "the country databases have changed" in daemon.log


def test_a_writer_who_is_not_done_is_waited_for(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    fresh = country_db.make_simple(database.with_name("fresh"), PLACES | {"203.0.113.0/24": "TW"})
    other = database.with_name("other.mmdb")
    with database.open("r+b") as file:
        file.write(fresh.read_bytes())
        file.flush()
        # Somebody else's file in the same directory is of no concern, and neither is a half-written one.
        other.write_bytes(b"x")
        with pytest.raises(wait.TimedOut):
            wait.until(lambda: place(daemon) != "CN", 2.5, "a load")
    wait.until(lambda: place(daemon) == "TW", SETTLED_S, "the new file is loaded")


def test_a_broken_publication_changes_nothing(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    rename(database, b"nonsense")
    wait.until(lambda: daemon.ctl.json("geo", "status")["problem"], SETTLED_S, "the refusal")
    assert place(daemon) == "CN"


# Back.

def test_rollback(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    daemon.ctl("geo", "rollback").refused("no country databases to go back to")
    replace(database, PLACES | {"203.0.113.0/24": "TW"})
    daemon.ctl("geo", "reload").ok()
    assert place(daemon) == "TW"
    wait.until(lambda: daemon.ctl.json("geo", "status")["previous"], SETTLED_S, "the copies")
    status = daemon.ctl.json("geo", "rollback")
    assert status["rolled_back"] and place(daemon) == "CN"
    # The files that were rolled back do not come back by themselves.
    daemon.terminate()
    daemon.start()
    assert place(daemon) == "CN" and daemon.ctl.json("geo", "status")["rolled_back"]
    assert "rolled back" in daemon.new_log
    daemon.ctl("geo", "reload").ok()
    assert place(daemon) == "TW" and not daemon.ctl.json("geo", "status")["rolled_back"]


# Before.

def test_diff(make_daemon, database: Path, network: Network):
    daemon = blocked_cn(started(make_daemon, database))
    before = generation(daemon)
    moved = {prefix: code for prefix, code in PLACES.items() if not prefix.startswith("203.")}
    other = country_db.make_simple(database.with_name("next.mmdb"), moved | {
        "203.0.113.0/26": "HK", "203.0.113.64/26": "CN", "203.0.113.128/25": "CN"})
    answer = daemon.ctl("--json", "geo", "diff", other).exits(1).json
    assert answer["replaces"] == str(database)
    assert answer["changes"] == [{"from": "CN", "to": "HK", "under_rule": True, "ipv4_prefixes": 1,
                                  "ipv4_addresses": 64, "ipv6_prefixes": 0, "ipv6_48s": 0}]
    assert answer["total"]["ipv4_addresses"] == 64
    assert answer["participants"] == {"known": 0, "newly_blocked": 0, "no_longer_blocked": 0}
    text = daemon.ctl("geo", "diff", other).exits(1)  # CN would lose a quarter
    assert "CN (China)" in text.stdout and "64" in text.stdout
    text.says("25 % of its IPv4 addresses")
    same = daemon.ctl("geo", "diff", database).ok()
    assert "no address would change" in same.stdout
    daemon.ctl("geo", "diff", "/nonexistent").refused("/nonexistent")
    daemon.ctl("geo", "diff", "-", text="nonsense").refused("stdin")
    assert generation(daemon) == before and place(daemon) == "CN"


def test_diff_counts_those_who_are_there(make_daemon, database: Path):
    daemon = blocked_cn(started(make_daemon, database))
    for number, remote in enumerate(("203.0.113.10", "203.0.113.200", "192.0.2.10", "10.0.0.1")):
        daemon.put_participant("M", f"p{number}", flows=[
            {"local": "udp:198.18.0.1:45000", "remote": f"{remote}:5000"}]).expect(201)
    places = {prefix: code for prefix, code in PLACES.items() if not prefix.startswith("203.")}
    other = country_db.make_simple(database.with_name("next.mmdb"), places | {
        "203.0.113.0/26": "HK", "203.0.113.64/26": "CN", "203.0.113.128/25": "CN",
        "192.0.2.0/24": "CN"})
    answer = daemon.ctl("--json", "geo", "diff", other).json
    assert answer["participants"] == {"known": 4, "newly_blocked": 1, "no_longer_blocked": 1}


def test_diff_counts_those_who_are_there(make_daemon, database: Path):
    daemon = blocked_cn(started(make_daemon, database))
    for number, remote in enumerate(("203.0.113.10", "203.0.113.200", "192.0.2.10", "10.0.0.1")):
        daemon.put_participant("M", f"p{number}", flows=[
            {"local": "udp:198.18.0.1:45000", "remote": f"{remote}:5000"}]).expect(201)
    places = {prefix: code for prefix, code in PLACES.items() if not prefix.startswith("203.")}
    other = country_db.make_simple(database.with_name("next.mmdb"), places | {
        "203.0.113.0/26": "HK", "203.0.113.64/26": "CN", "203.0.113.128/25": "CN",
        "192.0.2.0/24": "CN"})
    answer = daemon.ctl("--json", "geo", "diff", other).json
    assert answer["participants"] == {"known": 4, "newly_blocked": 1, "no_longer_blocked": 1}


def test_diff_with_several_databases(make_daemon, lab: Lab, database: Path):
    other = country_db.make_simple(lab.new_folder("mmdb") / "other.mmdb", PLACES)
    daemon = started(make_daemon, database, other)
    daemon.ctl("geo", "diff", other).refused("--replaces", str(database), str(other))
    moved = country_db.make_simple(database.with_name("next.mmdb"), PLACES | {"192.0.2.0/24": "MO"})
    answer = daemon.ctl.json("geo", "diff", moved, "--replaces", other)
    # They would no longer agree.
    assert [(row["from"], row["to"]) for row in answer["changes"]] == [("HK", None)]
    daemon.ctl("geo", "diff", moved, "--replaces", "/etc/passwd").refused("/etc/passwd")


def test_disagreement(make_daemon, lab: Lab, database: Path):
    other = country_db.make_simple(lab.new_folder("mmdb") / "other.mmdb", PLACES | {
        "203.0.113.0/24": "HK", "2001:db8:a::/48": "CA", "198.18.9.0/24": "DE"})
    daemon = blocked_cn(started(make_daemon, database, other))
    pair, = daemon.ctl.json("geo", "status")["disagreement"]
    assert pair["databases"] == [str(database), str(other)]
    assert (pair["ipv4_addresses"], pair["ipv6_48s"]) == (256, 1)
    assert pair["under_rule"] == [{"countries": ["CN", "HK"], "ipv4_addresses": 256, "ipv6_48s": 0}]
    assert place(daemon) == "--"  # they do not agree
    assert "256" in daemon.ctl("geo", "status").ok().stdout


# Long work.

def test_others_are_served_while_a_table_is_made(make_daemon, network: Network):
    daemon = register(started(make_daemon, DATABASE, overrides=overrides()))
    daemon.block("A", "--country", "CN")
    outcome = []
    loads = threading.Thread(target=lambda: [
        outcome.append(daemon.api("POST", "/v1/geo/reload").status) for _ in range(5)])
    loads.start()
    steps, changes = set(), 0
    while loads.is_alive():
        working = daemon.api("GET", "/v1/geo").expect(200).json["working"]
        steps.add(working["step"] if working else None)
        daemon.api("PUT", f"/v1/meetings/X{changes % 7}",
                   {"endpoints": [f"udp:198.18.0.1:{46000 + changes % 7}"]})
        changes += 1
    loads.join()
    assert outcome == [200] * 5
    assert len(steps - {None}) >= 2, steps
    assert changes >= 10, changes
    check(everyone(network, {("CN", PORT_A)}))


def test_the_log_tells_the_times(make_daemon, database: Path):
    daemon = started(make_daemon, database)
    line = next(line for line in daemon.log.splitlines() if "in force" in line and "table" in line)
    for word in ("read in", "built in", "swapped in", "IPv4", "IPv6", "MB"):
        assert word in line, line
