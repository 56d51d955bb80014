# SPDX-License-Identifier: Apache-2.0
"""The bridge for mediasoup with a daemon and packets. mediasoup itself is a double of its
observers: its worker cannot be had offline (bridges/mediasoup/README.md). The media server of the lab takes
the ufrags that the double makes up."""

from collections.abc import Callable, Iterator

import pytest

from lab import wait
from lab.daemon import Daemon
from lab.ice import SHARED_PORT, Credentials
from lab.ice_client import expect_in_and_out
from lab.network import EDGE_V4, EDGE_V6
from lab.node import NodeProgram
from lab.people import People, Person, ways_of

# Does what a line of stdin says, and answers when the daemon knows of it.
SERVER = """
import readline from 'node:readline';
import { Bridge } from './index.js';
import { newMediasoup } from './test/double.js';

const [socket, port, ...addresses] = process.argv.slice(1);
const listenInfos = addresses.flatMap((ip) =>
  ['udp', 'tcp'].map((protocol) => ({ protocol, ip, port: Number(port) })));
const mediasoup = newMediasoup();
const bridge = new Bridge({ socket, maxPauseMs: 200 }).observe(mediasoup);
bridge.on('warning', ({ message }) => console.error(message));
const router = await (await mediasoup.createWorker()).createRouter();
const transports = new Map();

const actions = {
  async join({ meeting, participant }) {
    const appData = { meeting, participant };
    const transport = await router.createWebRtcTransport({ listenInfos, appData });
    transports.set(transport.id, transport);
    return { id: transport.id, ufrag: transport.iceParameters.usernameFragment };
  },
  async restart({ id }) {
    return { ufrag: (await transports.get(id).restartIce()).usernameFragment };
  },
  async leave({ id }) {
    transports.get(id).close();
    return {};
  },
  status: async () => bridge.status(),
};
for await (const line of readline.createInterface(process.stdin)) {
  const { action, ...words } = JSON.parse(line);
  const answer = await actions[action](words);
  await bridge.settled();
  console.log(JSON.stringify(answer));
}
"""


@pytest.fixture
def start_server() -> Iterator[Callable[[Daemon], NodeProgram]]:
    """A media server's process, which can be killed."""
    started: list[NodeProgram] = []

    def start(daemon: Daemon) -> NodeProgram:
        started.append(NodeProgram("mediasoup", SERVER, daemon.socket_path, SHARED_PORT, EDGE_V4,
                                   EDGE_V6))
        return started[-1]
    yield start
    for server in started:
        server.close()


@pytest.fixture
def mediasoup(daemon: Daemon, start_server) -> NodeProgram:
    return start_server(daemon)


def know(person: Person, ufrag: str) -> None:
    """The lab's media server and the client by the ufrag that mediasoup has given."""
    person.transport.credentials = Credentials(ufrag, person.transport.credentials.password)
    person.transport.passwords[ufrag] = person.transport.credentials.password
    for client in person.ways:
        client.credentials = person.transport.credentials


def join(mediasoup: NodeProgram, person: Person) -> str:
    """The transport's identifier."""
    made = mediasoup(action="join", meeting=person.meeting, participant=person.name)
    know(person, made["ufrag"])
    return made["id"]


def test_one_country_in_one_meeting(daemon: Daemon, mediasoup: NodeProgram, people: People):
    """The meetings are registered by the bridge alone."""
    ann, bob, cyd = people("CN", "A", "ann"), people("US", "A", "bob"), people("CN", "B", "cyd")
    ids = [join(mediasoup, person) for person in (ann, bob, cyd)]
    assert sorted(daemon.participants("A")) == ["mediasoup-ann", "mediasoup-bob"]
    expect_in_and_out(ways_of(ann, bob, cyd))
    rule = daemon.block("A", "--country", "CN")
    expect_in_and_out(ways_of(bob, cyd), ways_of(ann))
    know(ann, mediasoup(action="restart", id=ids[0])["ufrag"])
    expect_in_and_out(ways_of(bob, cyd), ways_of(ann))
    daemon.ctl("unblock", rule).ok()
    expect_in_and_out(ways_of(ann, bob, cyd))
    mediasoup(action="leave", id=ids[1])
    assert list(daemon.participants("A")) == ["mediasoup-ann"]


def test_who_was_never_there_does_not_get_in(daemon: Daemon, mediasoup: NodeProgram,
                                             people: People):
    daemon.api("PUT", "/v1/meetings/A", {}).expect(201)
    daemon.block("A", "--country", "CN")
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    for person in (ann, cyd):
        join(mediasoup, person)
    expect_in_and_out(ways_of(cyd), ways_of(ann))


def test_either_side_is_killed(daemon: Daemon, mediasoup: NodeProgram, start_server):
    """Whatever was lost meanwhile: what the living media server has is what the daemon knows."""
    gone = mediasoup(action="join", meeting="A", participant="gone")
    mediasoup(action="join", meeting="A", participant="stays")
    daemon.put_participant("A", "janus-else", ufrags=[]).expect(201)
    daemon.kill9()
    daemon.start()
    mediasoup(action="leave", id=gone["id"])
    assert sorted(daemon.participants("A")) == ["janus-else", "mediasoup-stays"]
    wait.until(lambda: mediasoup(action="status")["resyncs"] == 2, 5, "it has begun anew")
    mediasoup.close()
    start_server(daemon)(action="join", meeting="A", participant="new")
    assert sorted(daemon.participants("A")) == ["janus-else", "mediasoup-new"]


def test_of_nobody_in_particular(daemon: Daemon, mediasoup: NodeProgram):
    for words in ({}, {"meeting": "A"}, {"meeting": "A B", "participant": "ann"}):
        mediasoup(action="join", **words)
    assert daemon.ctl.json("meeting", "list") == []
    unbound = mediasoup(action="status")["unbound"]
    assert unbound == {"no_meeting": 1, "no_participant": 1, "bad_meeting": 1}


def test_a_meeting_that_is_empty(daemon: Daemon, mediasoup: NodeProgram):
    """What the bridge has registered goes with the last person, unless it has another use."""
    for meeting in ("unused", "ruled"):
        transport = mediasoup(action="join", meeting=meeting, participant="ann")["id"]
        if meeting == "ruled":
            daemon.block("ruled", "--country", "CN")
        mediasoup(action="leave", id=transport)
    assert [meeting["id"] for meeting in daemon.ctl.json("meeting", "list")] == ["ruled"]
    assert [rule["meeting"] for rule in daemon.ctl.json("rule", "list")] == ["ruled"]


def test_a_meeting_that_somebody_removes(daemon: Daemon, mediasoup: NodeProgram, people: People):
    """Who is in it is told again at once, and can be kept out again."""
    ann = people("CN", "A", "ann")
    join(mediasoup, ann)
    daemon.ctl("meeting", "remove", "A").ok()
    wait.until(lambda: [meeting["id"] for meeting in daemon.ctl.json("meeting", "list")] == ["A"],
               5, "the meeting is registered again")
    wait.until(lambda: list(daemon.participants("A")) == ["mediasoup-ann"], 5, "ann is in it")
    daemon.block("A", "--country", "CN")
    expect_in_and_out([], ways_of(ann))


def test_a_participant_that_another_has(daemon: Daemon, mediasoup: NodeProgram):
    """Refused for as long as the other has the ufrag, and no longer."""
    transport = mediasoup(action="join", meeting="C", participant="bob")["id"]
    wanted = daemon.participants("C")["mediasoup-bob"]["ufrags"]
    daemon.api("PUT", "/v1/meetings/B", {}).expect(201)
    daemon.api("DELETE", "/v1/meetings/C/participants/mediasoup-bob")
    daemon.put_participant("B", "janus-bob", ufrags=wanted).expect(201)
    mediasoup(action="restart", id=transport)
    assert daemon.participants("C") == {}
    assert mediasoup(action="status")["refused"] > 0
    daemon.api("DELETE", "/v1/meetings/B/participants/janus-bob")
    wait.until(lambda: list(daemon.participants("C")) == ["mediasoup-bob"], 5, "it is bound")


def test_a_meeting_that_the_operator_made_his(daemon: Daemon, mediasoup: NodeProgram):
    transport = mediasoup(action="join", meeting="A", participant="ann")["id"]
    daemon.api("PUT", "/v1/meetings/A", {"endpoints": ["udp:198.18.0.1:45000"]}).expect(200)
    mediasoup(action="leave", id=transport)
    assert daemon.participants("A") == {}
    assert [meeting["id"] for meeting in daemon.ctl.json("meeting", "list")] == ["A"]
