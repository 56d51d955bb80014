# SPDX-License-Identifier: Apache-2.0
"""Orders, and the people at the desk who stand behind them, each a user of the system."""

from datetime import datetime, timedelta, timezone
from typing import Any

from lab.client import Api, Control, Response
from lab.daemon import OPERATORS_GID, VIEWERS_GID, Daemon
from lab.users import User

RECORDER = User(61001, (OPERATORS_GID,))
APPROVER = User(61002, (OPERATORS_GID,))
SECOND_APPROVER = User(61003, (OPERATORS_GID,))
VIEWER = User(61004, (VIEWERS_GID,))
STRANGER = User(61005)
DESK = (RECORDER, APPROVER, SECOND_APPROVER)


def at(seconds: float) -> str:
    """From now; times have whole seconds."""
    moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def terms(order: str = "O-1", **more: Any) -> dict[str, Any]:
    """What an order has to say at least, and `more`."""
    return {"id": order, "authority": "Example District Court", "jurisdiction": "CN",
            "legal_basis": "Example Act, section 7", "received": at(-3600), **more}


def as_options(wanted: dict[str, Any]) -> list[str]:
    """The same for `meetfencectl order add`."""
    words = [wanted["id"]]
    for key, value in wanted.items():
        option = "--" + {"meetings": "meeting"}.get(key, key).replace("_", "-")
        if key == "id" or value is False:
            continue
        if value is True:
            words.append(option)
        elif isinstance(value, list):
            words += [word for item in value for word in (option, item)]
        else:
            words += [option, str(value)]
    return words


class Desk:
    """By HTTP and by the control tool, as whom it is said."""

    def __init__(self, daemon: Daemon):
        self.daemon = daemon

    def api(self, user: User) -> Api:
        return Api(self.daemon.socket_path, user)

    def ctl(self, user: User) -> Control:
        return self.daemon.ctl.as_user(user.uid, user.uid, user.groups)

    def record(self, order: str = "O-1", by: User = RECORDER, **more: Any) -> dict[str, Any]:
        return self.api(by)("POST", "/v1/orders", terms(order, **more)).expect(201).json

    def act(self, order: str, what: str, by: User = APPROVER, **body: Any) -> Response:
        return self.api(by)("POST", f"/v1/orders/{order}/{what}", body)

    def approve(self, order: str = "O-1", by: User = APPROVER) -> dict[str, Any]:
        return self.act(order, "approve", by).expect(200).json

    def approved(self, order: str = "O-1", **more: Any) -> dict[str, Any]:
        self.record(order, **more)
        return self.approve(order)

    def show(self, order: str = "O-1") -> dict[str, Any]:
        return self.daemon.api("GET", f"/v1/orders/{order}").expect(200).json

    def state(self, order: str = "O-1") -> str:
        return self.show(order)["state"]

    def block(self, meeting: str, order: str = "O-1", by: User = RECORDER,
              **more: Any) -> dict[str, Any]:
        return self.ask_block(meeting, order, by, **more).expect(201).json

    def ask_block(self, meeting: str, order: str = "O-1", by: User = RECORDER,
                  dry_run: bool = False, **more: Any) -> Response:
        whom = {} if {"participant", "allow_only", "countries"} & set(more) else {
            "countries": ["CN"]}
        return self.api(by)("POST", "/v1/rules" + ("?dry_run=true" if dry_run else ""),
                            {"meeting": meeting, "order": order, **whom, **more})

    def everything(self) -> tuple[Any, ...]:
        """What a refusal leaves as it was."""
        return tuple(self.daemon.api("GET", path).expect(200).json
                     for path in ("/v1/orders", "/v1/rules", "/v1/meetings"))
