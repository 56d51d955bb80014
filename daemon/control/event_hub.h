// SPDX-License-Identifier: Apache-2.0
// Events, to everybody who follows them, and the recent ones for who comes later.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "model/json.h"

namespace meetfence::control {

class EventHub {
public:
    using Subscriber = std::function<void(const std::string& line)>;

    /// `now` fills in the time of an event that has none.
    void publish(const Json& event, Time now);

    /// One JSON object a line, oldest first.
    [[nodiscard]] std::string recent() const;
    std::uint64_t subscribe(Subscriber subscriber);
    void unsubscribe(std::uint64_t id) { subscribers_.erase(id); }

private:
    std::deque<std::string> recent_;
    std::map<std::uint64_t, Subscriber> subscribers_;
    std::uint64_t last_id_ = 0;
};

} // namespace meetfence::control
