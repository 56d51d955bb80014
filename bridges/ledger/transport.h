// SPDX-License-Identifier: Apache-2.0
// One PeerConnection of a media server, or one allocation of a TURN server: whose it is, and what its
// packets are known by.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "model/participant.h"

namespace meetfence::bridges {

/// A participant of one meeting. `id` carries the bridge's prefix ("janus-7880289113654780").
struct Person {
    std::string meeting;
    std::string id;

    friend bool operator==(const Person&, const Person&) = default;
    friend auto operator<=>(const Person&, const Person&) = default;
};

struct MediaTransport {
    Person person;
    std::vector<UfragBinding> ufrags;
    std::vector<Flow> flows;

    friend bool operator==(const MediaTransport&, const MediaTransport&) = default;
};

} // namespace meetfence::bridges
