// SPDX-License-Identifier: Apache-2.0
// The kernel's own receive path behind no filter: a network namespace of its own with a TAP
// interface, into which a test writes frames, and a UDP socket on the meeting's port. The frame has
// gone the whole way by the time the write returns, so nothing waits.
#pragma once

#include "pins/unique_fd.h"
#include "tests/support/packet.h"

namespace meetfence::test {

class LinuxHost {
public:
    /// Moves the calling thread into the namespace until the host is gone.
    LinuxHost();
    ~LinuxHost();
    LinuxHost(const LinuxHost&) = delete;
    LinuxHost& operator=(const LinuxHost&) = delete;

    /// How many datagrams the sockets got by this frame. IPv4's header checksum is put right first.
    unsigned deliver(Bytes frame);

private:
    void await_link();

    UniqueFd outside_, tap_, socket_v4_, socket_v6_;
};

} // namespace meetfence::test
