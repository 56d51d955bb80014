# SPDX-License-Identifier: Apache-2.0
"""docs/handling-an-order.md: every command of it is typed here, and prints what it says there."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.daemon import OPERATORS, Daemon
from lab.document import Typist, files, is_like, typed, words_of
from lab.lab import Lab
from lab.network import EDGE_V4, Network
from lab.orders import APPROVER, RECORDER, VIEWER
from lab.paths import CONTROL, REPOSITORY
from lab.users import User

DOCUMENT = REPOSITORY / "docs" / "handling-an-order.md"
USERS = {"alice": RECORDER, "bob": APPROVER, "carol": VIEWER}
# Who is in the meeting, by the flows that the document hands over.
PEOPLE = {"CN": 51000, "HK": 52000, "US": 53000}
PORT = 10000


def becoming(user: User) -> list[str]:
    groups = ",".join(map(str, user.groups))
    return ["setpriv", f"--reuid={user.uid}", f"--regid={user.uid}", f"--groups={groups}"]


@contextmanager
def talking(network: Network) -> Iterator[None]:
    """All of them send, all the time."""
    sockets = [network.participants[site].socket(4, socket.SOCK_DGRAM, port=port)
               for site, port in PEOPLE.items()]
    over = threading.Event()

    def talk() -> None:
        while not over.wait(0.02):
            for sock in sockets:
                sock.sendto(b"\x80c" + bytes(100), (EDGE_V4, PORT))

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for sock in sockets:
            sock.close()


def tools(folder: Path, daemon: Daemon) -> Path:
    """`meetfencectl` as it is installed, where its daemon is this one."""
    programs = folder / "bin"
    programs.mkdir()
    tool = programs / "meetfencectl"
    tool.write_text(f'#!/bin/sh\nexec {CONTROL} --socket {daemon.socket_path} "$@"\n',
                    encoding="utf-8")
    tool.chmod(0o755)
    return programs


def typist(lab: Lab, daemon: Daemon, text: str) -> Typist:
    folder = lab.new_folder("desk")
    programs = tools(folder, daemon)
    desk = folder / "desk"
    desk.mkdir()
    desk.chmod(0o777)
    for name, contents in files(text).items():
        (desk / name).write_text(contents, encoding="utf-8")
    places = {"/run/meetfence/control.sock": str(daemon.socket_path),
              "/var/lib/meetfence": str(daemon.state_dir),
              "group meetfence": f"group {OPERATORS}",
              "/home/desk": str(desk)}
    users = {name: becoming(user) for name, user in USERS.items()} | {"root": []}
    return Typist(desk, users, places, programs)


def as_named(lines: list[str]) -> list[str]:
    """This machine does not know the users of the document."""
    for name, user in USERS.items():
        lines = [line.replace(f"uid {user.uid}", name) for line in lines]
    return lines


def test_the_document(lab: Lab, daemon: Daemon, network: Network):
    text = DOCUMENT.read_text(encoding="utf-8")
    hands = typist(lab, daemon, text)
    commands = list(typed(text))
    assert len(commands) > 30
    with talking(network):
        for one in commands:
            seen = as_named(hands.type(one))
            assert is_like(words_of(one.output), words_of(seen)), (
                f"{one.user}$ {one.command}\n" + "\n".join(seen) +
                "\n--- where the document has\n" + "\n".join(one.output))
        hands.finish()
