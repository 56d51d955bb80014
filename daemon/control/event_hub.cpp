// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/event_hub.h"

namespace meetfence::control {

void EventHub::publish(const Json& event, Time now)
{
    constexpr std::size_t kKept = 1000;
    Json with_time{{"time", format_time(now)}};
    with_time.update(event);
    recent_.push_back(with_time.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    if (recent_.size() > kKept) {
        recent_.pop_front();
    }
    const auto subscribers = subscribers_; // one may leave while it is told
    for (const auto& [id, subscriber] : subscribers) {
        subscriber(recent_.back());
    }
}

std::string EventHub::recent() const
{
    std::string lines;
    for (const auto& line : recent_) {
        lines += line;
    }
    return lines;
}

std::uint64_t EventHub::subscribe(Subscriber subscriber)
{
    subscribers_.emplace(++last_id_, std::move(subscriber));
    return last_id_;
}

} // namespace meetfence::control
