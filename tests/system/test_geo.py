# SPDX-License-Identifier: Apache-2.0
"""Where an address is: databases in every layout, and their reload under traffic."""

from pathlib import Path

import pytest

from lab import country_db
from lab.daemon import Daemon
from lab.endpoints import PORT_A, PORT_B, Endpoint
from lab.lab import Lab
from lab.network import EDGE_V4, EDGE_V6, SITES, Network, overrides
from lab.paths import DATA, DATABASE
from lab.probes import check, everyone
from lab.steps import register
from lab.streams import Flow, Traffic

SAMPLE = 200_000
SEED = 20200611

PLACES_V4 = {
    "203.0.113.0": "CN", "203.0.113.255": "CN", "198.51.100.1": "HK", "192.0.2.1": "US",
    "203.0.112.255": "--", "203.0.114.0": "--", "127.0.0.1": "--", "0.0.0.0": "--",
    "255.255.255.255": "--",
    "198.18.6.255": "US", "198.18.7.0": "CN", "198.18.7.127": "CN", "198.18.7.128": "HK",
    "198.18.7.129": "MO", "198.18.7.130": "HK", "198.18.7.255": "HK", "198.18.8.0": "TW",
    "198.18.11.255": "TW", "198.18.12.0": "US",
    "198.19.0.1": "--", "198.19.1.1": "--", "198.19.2.1": "--", "198.19.3.1": "--",
    "198.19.4.1": "--", "198.19.5.1": "--", "198.19.6.1": "--", "198.19.7.1": "--",
}
PLACES_V6 = {
    "2001:db8:c::": "CN", "2001:db8:c:ffff:ffff:ffff:ffff:ffff": "CN", "2001:db8:b::1": "HK",
    "2001:db8:a::1": "US", "2001:db8:d::": "--", "::": "--", "::1": "--", "fe80::1": "--",
    "2001:db8:106:ffff::": "US", "2001:db8:107::1": "CN", "2001:db8:107:7fff::": "CN",
    "2001:db8:107:8000::": "HK", "2001:db8:107:8000::1": "MO", "2001:db8:107:8000::2": "HK",
    "2001:db8:1ff::": "US", "2001:db8:200::": "--",
    "2001:db8:eee0::1": "--", "2001:db8:eee1::1": "--", "2001:db8:eee2::1": "--",
}
# 203.0.113.1 as 6to4, Teredo and IPv4-compatible: carried inside, no place of its own.
ALIASES = {"2002:cb00:7101::": "--", "2001:0:cb00:7101::": "--", "2001::1": "--",
           "::203.0.113.1": "--", "2002:cb00:7101::1": "--"}


def lines(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").splitlines()


def lookup(daemon: Daemon, addresses: list[str]) -> dict[str, str]:
    answer = daemon.ctl("geo", "lookup", "-", text="\n".join(addresses) + "\n").ok().stdout
    rows = [line.split() for line in answer.splitlines()]
    assert [row[0] for row in rows] == addresses
    return {row[0]: row[1] for row in rows}


def agree(daemon: Daemon, expected: dict[str, str]) -> None:
    assert lookup(daemon, list(expected)) == expected


def with_databases(make_daemon, *paths: Path, **geo) -> Daemon:
    daemon = make_daemon(geo={"databases": [str(path) for path in paths], **geo})
    if "overrides" not in geo:
        daemon.config["geo"]["overrides"] = {}
        daemon.write_config()
    return daemon.start()


# Layouts.

@pytest.mark.parametrize("layout", ["iso", "code", "flat"])
@pytest.mark.parametrize("alias", [False, True])
def test_layouts(make_daemon, lab: Lab, layout: str, alias: bool):
    path = country_db.make(lab.new_folder("mmdb") / "x.mmdb",
                           lines("places-v4.txt") + lines("places-v6.txt"), layout, alias=alias)
    agree(with_databases(make_daemon, path), PLACES_V4 | PLACES_V6 | ALIASES)


@pytest.mark.parametrize("version, known", [(4, PLACES_V4), (6, PLACES_V6)])
def test_a_single_family(make_daemon, lab: Lab, version: int, known: dict[str, str]):
    path = country_db.make(lab.new_folder("mmdb") / "x.mmdb", lines(f"places-v{version}.txt"),
                           version=version)
    unknown = dict.fromkeys(PLACES_V6 if version == 4 else PLACES_V4, "--")
    agree(with_databases(make_daemon, path), known | unknown)


def test_two_files_of_one_family_each(make_daemon, lab: Lab):
    folder = lab.new_folder("mmdb")
    paths = [country_db.make(folder / f"{version}.mmdb", lines(f"places-v{version}.txt"),
                             version=version) for version in (4, 6)]
    agree(with_databases(make_daemon, *paths), PLACES_V4 | PLACES_V6)


def test_where_a_block_is_registered_does_not_count(make_daemon, lab: Lab):
    path = country_db.make(lab.new_folder("mmdb") / "x.mmdb", lines("places-registered.txt"), "iso")
    agree(with_databases(make_daemon, path), {
        "203.0.113.1": "HK", "198.51.100.1": "--", "192.0.2.1": "US", "2001:db8:c::1": "HK",
        "2001:db8:b::1": "--"})


def test_a_mixture_of_layouts_is_no_country_database(make_daemon, lab: Lab):
    """Nothing in it is a country: it is refused instead of blocking nobody in silence."""
    path = country_db.make_simple(lab.new_folder("mmdb") / "x.mmdb", {"203.0.113.0/24": "EU"})
    make_daemon(geo={"databases": [str(path)]}).run_once().refused(str(path))


# Several opinions.

@pytest.mark.parametrize("agreement, expected", [
    ("all", {"203.0.113.1": "CN", "203.0.113.200": "--", "198.51.100.1": "HK", "192.0.2.1": "US"}),
    ("first", {"203.0.113.1": "CN", "203.0.113.200": "CN", "198.51.100.1": "HK",
               "192.0.2.1": "US"}),
])
def test_agreement(make_daemon, lab: Lab, agreement: str, expected: dict[str, str]):
    folder = lab.new_folder("mmdb")
    one = country_db.make_simple(folder / "1.mmdb", {"203.0.113.0/24": "CN",
                                                     "198.51.100.0/24": "HK"})
    two = country_db.make_simple(folder / "2.mmdb", {"203.0.113.0/25": "CN", "192.0.2.0/24": "US",
                                                     "203.0.113.128/25": "HK"}, layout="flat")
    agree(with_databases(make_daemon, one, two, agreement=agreement), expected)


def test_overrides_win(make_daemon, lab: Lab):
    path = country_db.make(lab.new_folder("mmdb") / "x.mmdb", lines("places-v4.txt"), version=4)
    daemon = with_databases(make_daemon, path, overrides={"203.0.113.64/26": "TW",
                                                          "198.18.7.0/24": "MO"})
    agree(daemon, {"203.0.113.63": "CN", "203.0.113.64": "TW", "203.0.113.127": "TW",
                   "203.0.113.128": "CN", "198.18.7.128": "MO", "198.18.7.129": "MO"})


# What `geo lookup` prints.

def test_lookup(daemon: Daemon):
    answer = daemon.ctl("geo", "lookup", "203.0.113.7", "2001:db8:b::7", "198.18.4.1").ok().stdout
    rows = [line.split() for line in answer.splitlines()]
    assert rows[0] == ["203.0.113.7", "CN", "203.0.113.0/24"]
    assert rows[1] == ["2001:db8:b::7", "HK", "2001:db8:b::/48"]
    assert rows[2][:2] == ["198.18.4.1", "--"]
    assert daemon.api("GET", "/v1/geo/203.0.113.7").expect(200).json["country"] == "CN"
    assert daemon.api("GET", "/v1/geo/198.18.4.1").expect(200).json["country"] is None


def test_lookup_of_nonsense(daemon: Daemon):
    daemon.ctl("geo", "lookup", "203.0.113").refused("203.0.113")
    daemon.ctl("geo", "lookup", "-", text="203.0.113.7\nnonsense\n").refused("nonsense")
    assert daemon.ctl("geo", "lookup", "-", text="").ok().stdout == ""


# The real database.

@pytest.fixture(scope="module")
def oracle(lab: Lab) -> country_db.Oracle:
    return country_db.Oracle(lab.new_folder("oracle"))


def test_the_kernel_agrees_with_libmaxminddb(make_daemon, oracle: country_db.Oracle):
    addresses = country_db.sample(oracle.edges(DATABASE), SAMPLE, SEED)
    assert len(addresses) == SAMPLE
    daemon = with_databases(make_daemon, DATABASE)
    answer = daemon.ctl("geo", "lookup", "-", text="\n".join(addresses) + "\n", seconds=120).ok()
    seen = [line.rsplit(" ", 1)[0] for line in answer.stdout.splitlines()]
    expected = oracle.lookup(DATABASE, addresses)
    assert len(seen) == SAMPLE
    wrong = [(left, right) for left, right in zip(seen, expected) if left != right]
    assert not wrong, f"{len(wrong)} differ (kernel, libmaxminddb): {wrong[:20]}"
    assert sum(line.endswith(" CN") for line in seen) > 500, "the sample is worth nothing"


def test_status_of_the_real_database(make_daemon):
    daemon = with_databases(make_daemon, DATABASE)
    geo = daemon.ctl.json("status")["geo"]
    assert geo["prefixes_v4"] > 100_000 and geo["prefixes_v6"] > 100_000, geo
    assert daemon.ctl("geo", "status").ok().stdout
    assert geo["build"].startswith("20")


# Reload.

def flows(network: Network) -> list[Flow]:
    return [Flow(network.participants[name], Endpoint("udp", address, port),
                 (name, port) != ("CN", PORT_A))
            for name in ("CN", "HK", "US") for port in (PORT_A, PORT_B)
            for address in (EDGE_V4, EDGE_V6)]


def test_reload_under_traffic(make_daemon, lab: Lab, network: Network):
    """Two databases take turns; they differ in everything but the participants' places. On the
    way from one to the other no packet finds an empty table."""
    folder = lab.new_folder("mmdb")
    databases = [country_db.make_simple(folder / f"{turn}.mmdb", overrides() | extra)
                 for turn, extra in enumerate(({"198.19.0.0/16": "FR"}, {"198.19.0.0/16": "DE"}))]
    current = folder / "country.mmdb"
    current.write_bytes(databases[0].read_bytes())
    daemon = register(with_databases(make_daemon, current))
    daemon.block("A", "--country", "CN")
    with Traffic(flows(network)) as traffic:
        for turn in range(1, 16):
            fresh = folder / "fresh"
            fresh.write_bytes(databases[turn % 2].read_bytes())
            fresh.rename(current)
            daemon.ctl("geo", "reload").ok()
            agree(daemon, {"198.19.3.4": "DE" if turn % 2 else "FR", "203.0.113.1": "CN"})
    traffic.check()
    check(everyone(network, {("CN", PORT_A)}))


def test_reload_of_the_real_database_under_traffic(make_daemon, network: Network):
    daemon = register(with_databases(make_daemon, DATABASE, overrides=overrides()))
    daemon.block("A", "--country", "CN")
    before = daemon.ctl.json("geo", "status")["generation"]
    with Traffic(flows(network)) as traffic:
        for _ in range(2):
            daemon.ctl("geo", "reload").ok()
    traffic.check()
    assert daemon.ctl.json("geo", "status")["generation"] > before


def test_reload_moves_a_country(make_daemon, lab: Lab, network: Network):
    """All or nothing: the change is there when the answer arrives."""
    path = country_db.make_simple(lab.new_folder("mmdb") / "x.mmdb", overrides())
    daemon = register(with_databases(make_daemon, path))
    daemon.block("A", "--country", "CN")
    exchanged = {"CN": "US", "US": "CN"}
    moved = {prefix: exchanged.get(code, code) for prefix, code in overrides().items()}
    country_db.make_simple(path.with_suffix(".new"), moved).rename(path)
    check(everyone(network, {("CN", PORT_A)}))
    daemon.ctl("geo", "reload").ok()
    check(everyone(network, {("US", PORT_A)}))


def test_kill9_during_a_reload(make_daemon, network: Network):
    daemon = register(with_databases(make_daemon, DATABASE, overrides=overrides()))
    daemon.block("A", "--country", "CN")
    addresses = [site.address(family) for site in SITES.values() for family in (4, 6)]
    before = lookup(daemon, addresses)
    with Traffic(flows(network)) as traffic:
        reload = daemon.api.raw  # the answer never comes
        reload(b"POST /v1/geo/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 0.2)
        daemon.kill9()
        check(everyone(network, {("CN", PORT_A)}))
        daemon.start()
    traffic.check()
    assert lookup(daemon, addresses) == before
