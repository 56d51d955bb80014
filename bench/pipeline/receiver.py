# SPDX-License-Identifier: Apache-2.0
"""The receiving end of one veth pair, with the same way behind it whatever filter it has."""

import json
import socket
from pathlib import Path

from lab.namespaces import Namespace
from lab.network import INTERFACE
from lab.shell import run
from pipeline.sender import RECEIVER_MAC, SENDER_MAC

# Behind every hook a filter is put on, and before routing and sockets, whose costs depend on much
# else. It counts what got through and drops it.
SINK = """
table ip6 bench_sink {
    counter got_through { }
    chain behind_all_filters {
        type filter hook prerouting priority 300; policy accept;
        counter name got_through drop
    }
}
"""


class Receiver:
    def __init__(self, tag: str, name: str, sending: Namespace):
        self.sending_end = name
        self.namespace = Namespace(f"{tag}-{name}")
        try:
            self._connect(sending)
        except BaseException:
            self.remove()
            raise

    def _connect(self, sending: Namespace) -> None:
        # One queue, and addresses of the link that are the same everywhere: one frame fits all.
        # Without link-local addresses neither end has anything to say by itself.
        sending.ip(
            f"link add name {self.sending_end} address {SENDER_MAC} type veth"
            f" peer name {INTERFACE} address {RECEIVER_MAC} netns {self.namespace.name}",
            f"link set dev {self.sending_end} addrgenmode none",
            f"link set dev {self.sending_end} up")
        self.namespace.ip(f"link set dev {INTERFACE} addrgenmode none",
                          f"link set dev {INTERFACE} up")
        # veth receives by NAPI, like a NIC, where there is XDP or GRO: GRO is on for all, so that
        # those without XDP are measured on the same way.
        run(*self.namespace.command("ethtool", "-K", INTERFACE, "gro", "on"))
        run(*self.namespace.command("nft", "--file", "-"), text=SINK)
        with sending.entered():
            self.sending_ifindex = socket.if_nametoindex(self.sending_end)
        with self.namespace.entered():
            self.ifindex = socket.if_nametoindex(INTERFACE)

    def received(self) -> int:
        """Packets the interface has taken from the pair, whatever became of them."""
        with self.namespace.entered():
            table = Path("/proc/thread-self/net/dev").read_text(encoding="ascii")
        line = next(line for line in table.splitlines() if line.strip().startswith(INTERFACE))
        return int(line.split()[2])

    def got_through(self) -> int:
        shown = run(*self.namespace.command("nft", "--json", "list", "counter", "ip6",
                                            "bench_sink", "got_through")).stdout
        return next(entry["counter"]["packets"] for entry in json.loads(shown)["nftables"]
                    if "counter" in entry)

    def remove(self) -> None:
        """With the namespace goes everything that is in it."""
        self.namespace.remove()
