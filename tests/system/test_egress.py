# SPDX-License-Identifier: Apache-2.0
"""What the server sends to those who are kept out: nothing arrives from the answer on."""

import socket

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.endpoints import PORT_A, Endpoint
from lab.ice import IceServer, Pushing
from lab.ice_client import IceClient, expect_in_and_out, shared_endpoint
from lab.network import EDGE_V4, Network
from lab.people import People, hand_over, ways_of


def got(client: IceClient, number: int) -> bool:
    client.receive()
    return bool(client.pushed) and max(client.pushed) >= number


def egress_of(daemon: Daemon, rule: str, packets: int) -> dict:
    return wait.until(lambda: daemon.rule(rule)["egress"]["packets_dropped"] >= packets and
                      daemon.rule(rule), 5, f"{packets} are dropped on their way out")


@pytest.mark.parametrize("family", [4, 6])
def test_nothing_arrives_after_the_answer(shared: Daemon, people: People, ice: IceServer,
                                          family: int):
    """The server sends by itself all the while, to one who is to be cut off and to one who is
    not, at one address."""
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    client, bystander = ann.clients[family], cyd.clients[family]
    with Pushing(ice, client.address) as pushing, Pushing(ice, bystander.address) as beside:
        wait.until(lambda: got(client, 20) and got(bystander, 20), 10, "media arrives")
        rule = shared.block("A", "--country", "CN")
        answered = pushing.sent  # this one may have been on its way
        counted = egress_of(shared, rule, 50)
        goal = beside.sent
        wait.until(lambda: got(bystander, goal), 10, "the bystander's media arrives")
        client.receive()
        assert max(client.pushed) <= answered, (max(client.pushed), answered)
        assert counted["ingress"]["packets_dropped"] == 0
        shared.ctl("unblock", rule).ok()
        goal = pushing.sent
        wait.until(lambda: got(client, goal), 10, "media arrives again")
    assert bystander.pushed == list(range(len(bystander.pushed))), "some of it was lost"
    assert shared.packets()["dropped_outside_scope"] == 0


def test_counters_of_each_direction(shared: Daemon, people: People, ice: IceServer):
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    rule = shared.block("A", "--country", "CN")
    for number in range(25):
        for client in ways_of(ann, cyd):
            ice.push(client.address, number)
            ann.clients[4].send_media()
    counted = egress_of(shared, rule, 50)
    assert counted["egress"]["packets_dropped"] == 50
    assert counted["ingress"]["packets_dropped"] == 100
    assert counted["packets_dropped"] == 150
    assert counted["by_country"]["CN"]["egress"]["packets_dropped"] == 50
    packets = shared.packets()
    assert packets["dropped"] == 150
    assert packets["egress"]["dropped"] == 50
    assert packets["ingress"]["dropped"] == 100
    for words in (("rule", "show", rule), ("status",)):
        assert "egress" in shared.ctl(*words).ok().stdout


@pytest.mark.parametrize("family", [4, 6])
def test_a_dedicated_endpoint(daemon: Daemon, people: People, ice: IceServer, family: int):
    """Nobody has to be known: the endpoint is the meeting's."""
    daemon.add_meeting("A", shared_endpoint(4), shared_endpoint(6))
    ann, dan = people("CN", "A", "ann"), people("US", "A", "dan")
    client, bystander = ann.clients[family], dan.clients[family]
    with Pushing(ice, client.address) as pushing, Pushing(ice, bystander.address) as beside:
        wait.until(lambda: got(client, 20) and got(bystander, 20), 10, "media arrives")
        rule = daemon.block("A", "--country", "CN")
        answered = pushing.sent
        counted = egress_of(daemon, rule, 50)
        goal = beside.sent
        wait.until(lambda: got(bystander, goal), 10, "the bystander's media arrives")
        client.receive()
        assert max(client.pushed) <= answered
        assert counted["by_country"]["CN"]["egress"]["packets_dropped"] >= 50
    assert bystander.pushed == list(range(len(bystander.pushed))), "some of it was lost"


def test_an_established_connection(meetings: Daemon, network: Network):
    """What a TCP server has still to send does not arrive, not one segment of it."""
    end = Endpoint("tcp", EDGE_V4, PORT_A)
    with network.participants["CN"].socket(4, end.kind) as sock:
        sock.settimeout(10)
        sock.connect((end.address, end.port))
        sock.sendall(b"one")
        assert sock.recv(16) == b"one"
        rule = meetings.block("A", "--country", "CN")
        sock.shutdown(socket.SHUT_WR)
        wait.until(lambda: meetings.rule(rule)["ingress"]["packets_dropped"], 5, "its end is lost")
        sock.settimeout(0.6)
        with pytest.raises(TimeoutError):
            sock.recv(16)


def test_status_shows_both_directions(meetings: Daemon):
    def shown() -> list[tuple[str, bool]]:
        return [(interface["ingress"], interface["egress"])
                for interface in meetings.ctl.json("status")["interfaces"]]
    assert shown() == [("native", True)]
    meetings.kill9()
    assert shown() == [("native", True)]
    meetings.start()
    assert shown() == [("native", True)]


def test_the_egress_program_outlives_the_daemon(shared: Daemon, people: People, ice: IceServer):
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    rule = shared.block("A", "--country", "CN")
    shared.kill9()
    for client in ways_of(ann, cyd):
        ice.push(client.address, 7)
    wait.until(lambda: all(got(client, 7) for client in ways_of(cyd)), 5, "media arrives")
    shared.start()
    assert egress_of(shared, rule, 2)["egress"]["packets_dropped"] == 2
    for client in ways_of(ann):
        client.receive()
        assert client.pushed == []


def test_detach_leaves_nothing_on_the_way_out(shared: Daemon, people: People, ice: IceServer):
    ann = people("CN", "A", "ann")
    hand_over(shared, [ann])
    expect_in_and_out(ann.ways)
    shared.block("A", "--country", "CN")
    expect_in_and_out([], ann.ways)
    shared.terminate()
    shared.detach().ok()
    expect_in_and_out(ann.ways)
    for client in ann.ways:
        ice.push(client.address, 9)
        wait.until(lambda client=client: got(client, 9), 5, "media arrives")
