// SPDX-License-Identifier: Apache-2.0
// DaemonLink: meetings that it registers, and removes again.
#include "bridges/net/daemon_link.h"
#include "model/fields.h"
#include "model/percent.h"

namespace meetfence::bridges {
namespace {

Json registration(const DaemonSettings& settings)
{
    auto body = to_json(Meeting{.turn_endpoints = settings.turn_endpoints});
    body.erase("id");
    return body;
}

bool is_as_registered(const Json& meeting, const DaemonSettings& settings)
{
    const auto wanted = registration(settings);
    for (const auto& [key, value] : wanted.items()) {
        const auto it = meeting.is_object() ? meeting.find(key) : meeting.end();
        if (it == meeting.end() || *it != value) {
            return false;
        }
    }
    return true;
}

} // namespace

// On a port that nobody has registered, nothing is learned: who is bound after the first check would get
// through until the next one. A meeting without participants keeps them registered, as shared.
Task<Result<>> DaemonLink::register_ports()
{
    if (settings_.ports.empty()) {
        co_return Result<>{};
    }
    const auto meeting = settings_.prefix + "ports";
    auto body = to_json(Meeting{.id = meeting, .shared_endpoints = settings_.ports});
    body.erase("id");
    const auto text = to_line(body);
    const auto answer = co_await control_.request({"PUT", "/v1/meetings/" + percent_encode(meeting), text});
    if (!answer) {
        co_return fail(answer.error());
    }
    if (answer->status >= 300) {
        const auto why = parse_json(answer->body, "the daemon's answer");
        told_refusal_.say(Severity::warning, "meetfenced does not register 'ports': " +
                                                 (why ? text_of(*why, "detail") : std::string()));
    }
    co_return Result<>{};
}

// Only of one that is not there: what an operator has written stays.
Task<Result<bool>> DaemonLink::register_meeting(const std::string& meeting)
{
    const auto text = to_line(registration(settings_));
    const auto target = "/v1/meetings/" + percent_encode(meeting);
    const auto known = co_await control_.request({.target = target});
    if (!known || known->status != 404) {
        co_return known ? Result<bool>(true) : fail(known.error());
    }
    const auto answer = co_await control_.request({"PUT", target, text});
    if (!answer) {
        co_return fail(answer.error());
    }
    if (answer->status >= 300) {
        const auto why = parse_json(answer->body, "the daemon's answer");
        told_refusal_.say(Severity::warning, "meeting " + meeting + ": meetfenced does not register it: " +
                                                 (why ? text_of(*why, "detail") : std::string()));
        co_return false;
    }
    registered_.insert(meeting);
    co_return true;
}

void DaemonLink::note_emptiness()
{
    for (const auto& meeting : registered_) {
        if (ledger_.has_person_in(meeting)) {
            empty_since_.erase(meeting);
        } else {
            empty_since_.try_emplace(meeting, hooks_.now());
        }
    }
}

Task<Result<>> DaemonLink::forget_meetings()
{
    std::vector<std::string> over;
    for (const auto& [meeting, since] : empty_since_) {
        if (hooks_.now() - since >= kForgetAfter) {
            over.push_back(meeting);
        }
    }
    for (const auto& meeting : over) {
        const auto known = co_await get("/v1/meetings/" + percent_encode(meeting));
        if (!known && known.error().code == ErrorCode::unreachable) {
            co_return fail(known.error());
        }
        if (!known || !is_as_registered(*known, settings_)) { // the operator has made it his
            empty_since_.erase(meeting);
            registered_.erase(meeting);
            continue;
        }
        const auto answer =
            co_await control_.request({"DELETE", "/v1/meetings/" + percent_encode(meeting) + "?unused=true"});
        if (!answer) {
            co_return fail(answer.error());
        }
        if (answer->status >= 300 && answer->status != 404) { // rules, or another bridge's participants
            empty_since_[meeting] = hooks_.now();
            continue;
        }
        empty_since_.erase(meeting);
        registered_.erase(meeting);
    }
    co_return Result<>{};
}

} // namespace meetfence::bridges
