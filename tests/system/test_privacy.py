# SPDX-License-Identifier: Apache-2.0
"""Nothing at rest and nothing emitted has a participant's address or name in it, whatever was done; one
view shows addresses, to whom it may and says what for."""

import ipaddress
import json
from collections.abc import Iterator

import pytest

from lab import country_db, wait
from lab.audit_log import bodies, entries
from lab.daemon import Daemon
from lab.events import following
from lab.ice_client import expect_in_and_out
from lab.network import FIRST_HOST, SECOND_HOST, SITES
from lab.orders import RECORDER, STRANGER, VIEWER, Desk, terms
from lab.people import People, Person, hand_over, ways_of
from lab.steps import register_shared

NAMES = {"cyn": "Cynthia Ōtāne", "cai": "蔡小明", "hal": "Hal <hal@example.org>",
         "nel": "Nel van Nergens", "una": "Una O'Nym"}


def forms(text: str) -> Iterator[bytes]:
    """An address as somebody could write it, or a database hold it."""
    address = ipaddress.ip_address(text)
    yield text.encode()
    yield address.exploded.encode()
    yield address.exploded.upper().encode()
    yield address.packed
    yield address.packed[::-1]
    yield address.packed.hex().encode()
    yield address.packed.hex().upper().encode()
    if address.version == 4:
        yield str(int(address)).encode()
        high, low = address.packed[:2].hex(), address.packed[2:].hex()
        yield f"::ffff:{high}:{low}".encode()
        yield b"\\x" + "\\x".join(f"{byte:02x}" for byte in address.packed).encode()
    else:
        words = address.exploded.split(":")
        yield ":".join(f"{int(word, 16):x}" for word in words).encode()


ADDRESSES = [site.address(family, host) for site in SITES.values() for family in (4, 6)
             for host in (FIRST_HOST, SECOND_HOST)]


def found_in(contents: bytes) -> list[str]:
    found = [f"{address} as {form!r}" for address in ADDRESSES for form in forms(address)
             if form in contents]
    found += [name for name in NAMES.values()
              for form in (name.encode(), name.encode("utf-16-le"),
                           json.dumps(name)[1:-1].encode()) if form in contents]
    return found


def at_rest(daemon: Daemon) -> dict[str, bytes]:
    return {str(path): path.read_bytes()
            for path in (*daemon.state_dir.rglob("*"), daemon.log_path) if path.is_file()}


def check_nothing_in(places: dict[str, bytes]) -> None:
    assert places
    wrong = {where: found for where, contents in places.items() if (found := found_in(contents))}
    assert not wrong, wrong


def test_the_search_finds_what_is_there():
    """A search that finds nothing must be able to."""
    for address in ADDRESSES:
        for form in forms(address):
            assert found_in(b"." + form + b".")
    for name in NAMES.values():
        assert found_in(name.encode()) and found_in(json.dumps(name).encode())
    assert not found_in(b"203.0.113.0/24 198.18.0.1:40000 2001:db8:c::/48")


@pytest.fixture
def daemon(make_daemon) -> Daemon:
    """With a database, of which copies are kept."""
    made = make_daemon()
    places = {prefix: name for name, site in SITES.items() if name != "nowhere"
              for prefix in site.prefixes}
    path = country_db.make_simple(made.directory / "country.mmdb", places)
    made.config["geo"] = {"databases": [str(path)], "min_countries": 1}
    made.write_config()
    return register_shared(made.start())


@pytest.fixture
def crowd(daemon: Daemon, people: People) -> list[Person]:
    made = [people(site, "A", name) for name, site in
            (("cyn", "CN"), ("cai", "CN"), ("hal", "HK"), ("nel", "nowhere"), ("una", "US"))]
    hand_over(daemon, made)
    expect_in_and_out(ways_of(*made))
    return made


def send_names(crowd: list[Person]) -> None:
    """As chat and display names come by: within what is sent."""
    for person in crowd:
        for client in person.ways:
            client.path.send(b"\x80c" + bytes(8) + NAMES[person.name].encode())


def checked(daemon: Daemon) -> int:
    return daemon.ctl.json("status")["check"]["checked"]


def name_addresses(daemon: Daemon, desk: Desk, crowd: list[Person]) -> None:
    """Everywhere that somebody could: rightly, wrongly, and where they may not."""
    for person in crowd:
        flows = [{"local": str(client.end), "remote": client.remote} for client in person.ways]
        path = f"/v1/meetings/A/participants/{person.name}"
        daemon.api("PUT", path, {"ufrags": person.ufrags, "flows": flows}).expect(200)
        daemon.api("PUT", "/v1/meetings/B/participants/else", {"flows": flows}).problem(409)
        daemon.api("PUT", path, {"display": NAMES[person.name]}).problem(400)
        line = {"method": "PUT", "path": path, "body": {"ufrags": person.ufrags, "flows": flows}}
        daemon.api("POST", "/v1/batch", json.dumps(line) + "\n" + json.dumps(line | {"body": {
            "name": NAMES[person.name], "flows": flows}}), Content_Type="application/x-ndjson")
        for client in person.ways:
            host = client.address[0]
            name_in_orders(desk, host)
            desk.api(STRANGER)("PUT", f"/v1/meetings/{host}", {"endpoints": []})
            desk.api(STRANGER)("GET", f"/v1/geo/{host}")
            desk.api(STRANGER)("DELETE", f"/v1/meetings/A/participants/{host}")
            desk.api(STRANGER)("POST", f"/v1/orders/{host}/approve")
            daemon.api("POST", f"/v1/orders/{host}/approve")
            daemon.api("DELETE", f"/v1/rules/{host}?why={host}")
            daemon.ctl("geo", "lookup", host)
            daemon.ctl("explain", "--from", client.remote, "--to", client.end)


def name_in_orders(desk: Desk, host: str) -> None:
    for key in ("id", "authority", "legal_basis", "case", "requested", "narrowing", "office"):
        desk.api(RECORDER)("POST", "/v1/orders", terms("O-bad") | {
            key: host if key == "id" else f"about {host}, and others"}).problem(400)
    desk.act("O-1", "withdraw", why=f"of {host}").problem(400)
    desk.ask_block("A", countries=[host]).problem(400)
    desk.ask_block(host).problem(422)


def said(daemon: Daemon) -> dict[str, bytes]:
    """Every answer there is, in every form; those to a question with an address in it left out."""
    answers = {}
    for words in (("status",), ("meeting", "list"), ("meeting", "show", "A"),
                  ("participant", "list", "A"), ("impact", "A"), ("impact", "A", "--country", "CN"),
                  ("rule", "list"), ("rule", "show", "r1"), ("order", "list"),
                  ("order", "show", "O-1"), ("audit", "show"), ("audit", "verify"), ("events",),
                  ("export",), ("geo", "status"), ("block", "A", "--country", "CN", "--dry-run")):
        for form in ((), ("--json",)):
            outcome = daemon.ctl(*form, *words)
            answers[" ".join((*form, *words))] = (outcome.stdout + outcome.stderr).encode()
    for format_ in ("json", "csv", "html"):
        answers[f"report {format_}"] = daemon.ctl("report", "--format", format_).ok().stdout.encode()
    for path in ("status", "meetings/A/notice?country=CN", "meetings/A/participants/hal", "audit",
                 "audit/head", "orders", "rules", "declaration", "geo"):
        answers[path] = daemon.api("GET", f"/v1/{path}").expect(200).text.encode()
    answers["metrics"] = daemon.api("GET", "/metrics").expect(200).text.encode()
    return answers


def test_nothing_of_anybody(daemon: Daemon, crowd: list[Person]):
    cyn, cai, hal, nel, una = crowd
    desk = Desk(daemon)
    with following(daemon, "--json") as lines, following(daemon) as text:
        desk.approved(meetings=["A"])
        desk.block("A")
        person = desk.block("A", participant="cai")["id"]
        daemon.block("B", "--country", "HK", "--monitor")
        expect_in_and_out(ways_of(hal, nel, una), ways_of(cyn, cai))
        name_addresses(daemon, desk, crowd)
        wait.until(lambda: "participant_blocked" in "".join(lines) and text, 5, "events are told")
        wait.until(lambda: (send_names(crowd), checked(daemon))[1], 5, "drops are checked")
        daemon.ctl("unblock", person, "--why", "enough of it").ok()
        answers = said(daemon)
        check_nothing_in(at_rest(daemon) | answers)
        desk.act("O-1", "withdraw", why="over").expect(200)
        daemon.ctl("meeting", "remove", "A").ok()
    check_nothing_in({"events": "".join(lines).encode(), "events as text": "".join(text).encode()})
    daemon.kill9()
    check_nothing_in(at_rest(daemon))
    daemon.start()
    daemon.terminate()
    check_nothing_in(at_rest(daemon) | {"report": daemon_report(daemon)})


def daemon_report(daemon: Daemon) -> bytes:
    return daemon.ctl("report", "--audit", daemon.state_dir / "audit", "--key",
                      daemon.state_dir / "report.key", "--format", "html").ok().stdout.encode()


# The one view that shows them.

def shown(listed: list[dict]) -> dict[str, set[str]]:
    return {person["id"]: set(person["addresses"]) for person in listed}


def test_addresses_for_a_purpose(daemon: Daemon, crowd: list[Person]):
    desk = Desk(daemon)
    listed = desk.ctl(RECORDER)("--json", "participant", "list", "A", "--show-addresses", "--purpose",
                                "complaint 12").ok().json
    assert shown(listed) == {person.name: {client.remote for client in person.ways}
                             for person in crowd}
    text = desk.ctl(RECORDER)("participant", "list", "A", "--show-addresses", "--purpose",
                              "complaint 12").ok().stdout
    assert crowd[0].clients[4].remote in text
    told = entries(daemon, "addresses_shown")
    assert [entry["actor"]["uid"] for entry in told] == [RECORDER.uid] * 2
    assert told[0]["body"] == {"meeting": "A", "purpose": "complaint 12", "participants": 5}
    check_nothing_in(at_rest(daemon))
    assert "addresses" not in json.dumps(daemon.ctl.json("participant", "list", "A"))


def test_no_addresses_without_a_purpose(daemon: Daemon, crowd: list[Person]):
    desk = Desk(daemon)
    view = "/v1/meetings/A/participants?addresses=true"
    address = crowd[0].clients[4].address[0]
    for query in ("", "&purpose=", f"&purpose=who%20is%20{address}", "&purpose=a%0Ab",
                  f"&purpose={'x' * 201}"):
        answer = desk.api(RECORDER)("GET", view + query).problem(400, "purpose")
        assert address not in answer.text
    desk.ctl(RECORDER)("participant", "list", "A", "--show-addresses").exits(2)
    for user in (VIEWER, STRANGER):
        desk.api(user)("GET", f"{view}&purpose=curious").problem(403)
        outcome = desk.ctl(user)("participant", "list", "A", "--show-addresses", "--purpose",
                                 "curious").refused()
        assert address not in outcome.stdout
    assert bodies(daemon, "addresses_shown") == []
    assert [body["status"] for body in bodies(daemon, "request_refused")] == [400] * 5 + [403] * 4
    check_nothing_in(at_rest(daemon))

