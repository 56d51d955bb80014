# SPDX-License-Identifier: Apache-2.0
"""The service that tells people why they are kept out; it is a viewer of the daemon."""

import http.client
import json
from collections.abc import Iterator

import pytest

from lab import wait
from lab.daemon import VIEWERS_GID, Daemon
from lab.ice_client import expect_in_and_out
from lab.node import NodeProgram
from lab.people import People, hand_over, ways_of

SERVICE = """
import { Service } from './notice.js';
const here = { host: '127.0.0.1', port: 0, blockedBy: 'https://conference.example/' };
const service = new Service({ socket: process.argv[1], ...here });
console.log((await service.start()).port);
"""
NOBODY = 65534


class Page:
    """What asks the service."""

    def __init__(self, port: int):
        self._port = port

    def get(self, meeting: str, participant: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", f"/meetings/{meeting}/participants/{participant}",
                           headers={"Connection": "close"})
        return connection.getresponse()

    def status(self, meeting: str, participant: str) -> int:
        with self.get(meeting, participant) as answer:
            return answer.status


@pytest.fixture
def page(shared: Daemon) -> Iterator[Page]:
    program = NodeProgram("notice", SERVICE, shared.socket_path,
                          before=("setpriv", f"--reuid={NOBODY}", f"--regid={VIEWERS_GID}",
                                  "--clear-groups"))
    yield Page(program.next())
    program.close()


def test_who_is_kept_out_is_told_why(shared: Daemon, people: People, page: Page):
    ann, cyd = people("CN", "A", "ann"), people("CN", "B", "cyd")
    hand_over(shared, (ann, cyd))
    expect_in_and_out(ways_of(ann, cyd))
    assert page.status("A", "ann") == 404
    rule = shared.block("A", "--country", "CN")
    expect_in_and_out(ways_of(cyd), ways_of(ann))
    wait.until(lambda: page.status("A", "ann") == 451, 5, "she is told")
    with page.get("A", "ann") as answer:
        assert answer.getheader("Link") == '<https://conference.example/>; rel="blocked-by"'
        notice = json.load(answer)
    assert (notice["rule"], notice["country"], notice["demanded_by"]) == (rule, "CN", "host")
    assert page.status("B", "cyd") == 404
    shared.kill9()
    assert page.status("A", "ann") == 451  # as is the filter
    shared.start()
    assert page.status("A", "ann") == 451
    shared.ctl("unblock", rule).ok()
    assert page.status("A", "ann") == 404
