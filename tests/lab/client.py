# SPDX-License-Identifier: Apache-2.0
"""The two ways to talk to a daemon: its control tool, and HTTP over its Unix socket."""

import http.client
import json
import socket
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lab.paths import CONTROL
from lab.users import User

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """How a program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def ok(self) -> "Outcome":
        return self.exits(0)

    def exits(self, code: int) -> "Outcome":
        assert self.code == code, (
            f"status {self.code} where {code} was expected\n"
            f"stdout: {self.stdout}\nstderr: {self.stderr}")
        return self

    def refused(self, *words: str) -> "Outcome":
        """Status 1 and a clear word on stderr: `words` all stand in it."""
        self.exits(1).says(*words)
        assert self.stderr.strip(), "refused without a reason"
        return self

    def says(self, *words: str) -> "Outcome":
        for word in words:
            assert word.lower() in self.stderr.lower(), f"{word!r} is not said: {self.stderr}"
        return self


def each(cases: Iterable[T], check: Callable[[T], object]) -> None:
    """Checks all the cases, and fails with a line for each that fails: a start of the daemon and a
    look at the traffic are enough for many questions."""
    wrong = []
    for case in cases:
        try:
            check(case)
        except AssertionError as error:
            wrong.append(f"{case!r:.300}:\n    {error}")
    assert not wrong, "\n".join(wrong)


class Control:
    """`meetfencectl --socket …`; `before` is put in front of the command line."""

    def __init__(self, socket_path: Path, before: tuple[str, ...] = ()):
        self.socket_path, self.before = socket_path, before

    def command(self, *words: object) -> list[str]:
        return [*self.before, str(CONTROL), "--socket", str(self.socket_path),
                *(str(word) for word in words)]

    def __call__(self, *words: object, text: str = "", seconds: float = 60) -> Outcome:
        result = subprocess.run(self.command(*words), input=text, text=True, capture_output=True,
                                timeout=seconds, check=False)
        return Outcome(result.returncode, result.stdout, result.stderr)

    def json(self, *words: object) -> Any:
        return self("--json", *words).ok().json

    def as_user(self, user: int, group: int, groups: tuple[int, ...] = ()) -> "Control":
        """The same tool run by somebody else."""
        supplementary = (f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups")
        return Control(self.socket_path, (*self.before, "setpriv", f"--reuid={user}",
                                          f"--regid={group}", supplementary))


@dataclass(frozen=True)
class Response:
    status: int
    content_type: str
    text: str
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    def problem(self, status: int, *words: str) -> "Response":
        """RFC 9457: the status, the content type, and a text with `words` in it."""
        assert self.status == status, f"HTTP {self.status} where {status} was expected: {self.text}"
        assert self.content_type.startswith("application/problem+json"), self.content_type
        assert self.json["status"] == status, self.text
        for word in words:
            assert word.lower() in self.text.lower(), f"{word!r} is not said: {self.text}"
        return self

    def expect(self, *statuses: int) -> "Response":
        assert self.status in statuses, f"HTTP {self.status}: {self.text}"
        return self


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, user: User | None):
        super().__init__("localhost", timeout=30)
        self._path, self._user = path, user

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        if self._user is None:
            self.sock.connect(str(self._path))
        else:
            self._user.do(lambda: self.sock.connect(str(self._path)))


class Api:
    """`user`: who asks, where it is not who runs the tests."""

    def __init__(self, socket_path: Path, user: User | None = None):
        self.socket_path, self.user = socket_path, user

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """`body` is sent as it is when it is text or bytes, else as JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        connection = _UnixConnection(self.socket_path, self.user)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return Response(answer.status, answer.getheader("Content-Type", ""),
                            answer.read().decode(), answer.headers)
        finally:
            connection.close()

    def raw(self, data: bytes, seconds: float = 5.0) -> bytes:
        """Sends bytes that need not be HTTP, and reads until the daemon closes or is silent."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(seconds)
            sock.connect(str(self.socket_path))
            answer = b""
            try:
                sock.sendall(data)
                while chunk := sock.recv(65536):
                    answer += chunk
            except OSError:
                pass
            return answer
