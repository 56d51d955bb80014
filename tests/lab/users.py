# SPDX-License-Identifier: Apache-2.0
"""Being somebody else for a moment: a socket keeps the user that connected it."""

import ctypes
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

# setgroups, setresgid, setresuid as the kernel knows them: of one thread. libc's change them all.
_NUMBERS = {"x86_64": (116, 119, 117), "aarch64": (159, 149, 147)}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class User:
    uid: int
    groups: tuple[int, ...] = ()  # beside the one that is called as the user

    def do(self, action: Callable[[], T]) -> T:
        """In a thread of this user's, which ends with it."""
        done: list[T] = []
        failed: list[BaseException] = []

        def act() -> None:
            try:
                self._become()
                done.append(action())
            except BaseException as error:  # handed on to who asked
                failed.append(error)

        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    def _become(self) -> None:
        setgroups, setresgid, setresuid = _NUMBERS[platform.machine()]
        groups = (ctypes.c_uint32 * len(self.groups))(*self.groups)
        for number, *words in ((setgroups, len(self.groups), groups),
                               (setresgid, self.uid, self.uid, self.uid),
                               (setresuid, self.uid, self.uid, self.uid)):
            assert _libc.syscall(number, *words) == 0, f"errno {ctypes.get_errno()}"
