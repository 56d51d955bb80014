// SPDX-License-Identifier: Apache-2.0
#include "bridges/net/daemon_link.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "model/fields.h"
#include "model/percent.h"

namespace meetfence::bridges {
namespace {

constexpr std::size_t kStepsAtOnce = 256;                // some milliseconds of the daemon's work
constexpr auto kRetry = std::chrono::milliseconds(500);  // after the daemon was lost
constexpr auto kSecondThought = std::chrono::seconds(1); // about what was refused

std::string path_of(const Participant& participant)
{
    return "/v1/meetings/" + percent_encode(participant.meeting) + "/participants/" +
           percent_encode(participant.id);
}

std::string line_of(const Step& step)
{
    Json line{{"method", step.removes() ? "DELETE" : "PUT"}, {"path", path_of(step.participant)}};
    if (!step.removes()) {
        auto body = to_json(step.participant);
        body.erase("id");
        body.erase("meeting");
        line["body"] = std::move(body);
    }
    return to_line(line) + "\n";
}

// Of what the daemon shows, what can be told again.
Participant read_participant(const Json& shown, const std::string& meeting, const std::string& id)
{
    Json body = Json::object();
    if (const auto ufrags = shown.find("ufrags"); ufrags != shown.end()) {
        body["ufrags"] = *ufrags;
    }
    return participant_from_json(body, meeting, id).value_or(Participant{meeting, id, {}, {}});
}

} // namespace

DaemonLink::DaemonLink(const boost::asio::any_io_executor& executor, DaemonSettings settings, Ledger& ledger,
                       Hooks hooks)
    : executor_(executor),
      settings_(std::move(settings)),
      ledger_(ledger),
      hooks_(std::move(hooks)),
      control_(executor, settings_.socket, "meetfenced on " + settings_.socket),
      notices_(executor, settings_.socket, "meetfenced on " + settings_.socket),
      bell_(executor)
{
}

Task<> DaemonLink::run()
{
    for (;;) {
        const auto ended = co_await session();
        figures_.connected = false;
        ++session_;
        if (!ended) {
            told_trouble_.say(Severity::warning, ended.error().message +
                                                     "; the filter goes on by what it knows; tried again "
                                                     "every half second");
        }
        co_await pause(executor_, kRetry);
    }
}

// From one connection's begin to its end. Its events are followed first, so that no change falls between the
// two.
Task<Result<>> DaemonLink::session()
{
    lost_ = false;
    since_ = hooks_.now();
    const auto events =
        std::make_shared<HttpConnection>(executor_, settings_.socket, "meetfenced on " + settings_.socket);
    if (auto opened = co_await events->open_lines("/v1/events"); !opened) {
        co_return opened;
    }
    boost::asio::co_spawn(executor_, follow(events), boost::asio::detached);
    auto result = co_await register_ports();
    if (result) {
        result = co_await start_over();
    }
    if (result) {
        ++figures_.resyncs;
        figures_.connected = true;
        told_trouble_.over("meetfenced answers again");
    }
    using Clock = std::chrono::steady_clock;
    auto retried = Clock::now();
    while (result && !lost_) {
        if (!ledger_.has_changes()) {
            co_await bell_.wait(kSecondThought);
        }
        if (Clock::now() - retried >= kSecondThought) { // however much goes on
            retried = Clock::now();
            ledger_.retry();
        }
        if (ledger_.has_changes()) {
            result = co_await tell(ledger_.take(kStepsAtOnce));
        }
        if (result) {
            result = co_await forget_meetings();
        }
    }
    events->close();
    if (result && lost_) {
        co_return fail(ErrorCode::unreachable, "meetfenced on " + settings_.socket + " ended the connection");
    }
    co_return result;
}

Task<> DaemonLink::follow(std::shared_ptr<HttpConnection> events)
{
    const auto mine = session_;
    for (;;) {
        const auto line = co_await events->next_line();
        if (mine != session_) {
            co_return;
        }
        if (!line) {
            break;
        }
        take_event(*line);
    }
    lost_ = true;
    wake();
}

void DaemonLink::take_event(const std::string& line)
{
    const auto event = parse_json(line, "an event");
    if (!event || !event->is_object()) {
        return;
    }
    const auto time = parse_time(text_of(*event, "time"));
    since_ = std::min(since_, hooks_.now()); // the clock was set back
    const bool is_new = time && *time >= std::chrono::floor<std::chrono::seconds>(since_);
    const auto what = text_of(*event, "event");
    if (!is_new) {
        return;
    }
    if (what == "meeting_removed") {
        registered_.erase(text_of(*event, "meeting"));
        empty_since_.erase(text_of(*event, "meeting")); // who adds it again keeps it
        ledger_.meeting_gone(text_of(*event, "meeting"), hooks_.now());
        wake();
    } else if (what == "meeting_added") {
        ledger_.retry();
        wake();
    }
    hooks_.on_event(*event);
}

Task<Result<Json>> DaemonLink::get(std::string target)
{
    const auto answer = co_await control_.request({.target = target});
    if (!answer) {
        co_return fail(answer.error());
    }
    if (answer->status != 200) {
        co_return fail(answer->status == 404 ? ErrorCode::not_found : ErrorCode::internal,
                       "meetfenced answered " + target + " with status " + std::to_string(answer->status));
    }
    co_return parse_json(answer->body, "the daemon's answer");
}

// Who is there of this bridge's: a bridge before this one may have told of them.
Task<Result<>> DaemonLink::start_over()
{
    const auto meetings = co_await get("/v1/meetings");
    if (!meetings) {
        co_return fail(meetings.error());
    }
    std::vector<Person> found;
    for (const auto& meeting : *meetings) {
        const auto id = text_of(meeting, "id");
        const auto participants = co_await get("/v1/meetings/" + percent_encode(id) + "/participants");
        if (!participants && participants.error().code == ErrorCode::not_found) {
            continue; // removed meanwhile
        }
        if (!participants) {
            co_return fail(participants.error());
        }
        for (const auto& participant : *participants) {
            if (auto who = text_of(participant, "id"); who.starts_with(settings_.prefix)) {
                if (figures_.resyncs == 0) {
                    hooks_.on_found(read_participant(participant, id, who));
                }
                found.push_back({id, std::move(who)});
            }
        }
    }
    ledger_.start_over(found, hooks_.now());
    co_return Result<>{};
}

Task<Result<>> DaemonLink::tell(std::vector<Step> steps)
{
    std::string body;
    for (const auto& step : steps) {
        body += line_of(step);
    }
    const auto answer = co_await control_.request({"POST", "/v1/batch", body, "application/x-ndjson"});
    if (!answer) {
        co_return fail(answer.error());
    }
    if (answer->status != 200) {
        const auto why = parse_json(answer->body, "the daemon's answer");
        co_return fail(ErrorCode::forbidden, "meetfenced does not take changes (status " +
                                                 std::to_string(answer->status) +
                                                 "): " + (why ? text_of(*why, "detail") : std::string()));
    }
    std::set<std::string> unknown_meetings;
    std::size_t at = 0;
    for (const auto& step : steps) {
        const auto end = std::min(answer->body.find('\n', at), answer->body.size());
        const auto line = parse_json(std::string_view(answer->body).substr(at, end - at), "an answer");
        at = std::min(end + 1, answer->body.size());
        take_answer(step, line.value_or(Json()), unknown_meetings);
    }
    bool registered = false;
    for (const auto& meeting : unknown_meetings) {
        const auto done = co_await register_meeting(meeting);
        if (!done) {
            co_return fail(done.error());
        }
        registered = registered || *done;
    }
    if (registered) {
        ledger_.retry();
    }
    note_emptiness();
    co_return Result<>{};
}

void DaemonLink::take_answer(const Step& step, const Json& answer, std::set<std::string>& unknown_meetings)
{
    const auto status = number_of(answer, "status");
    if ((status >= 200 && status < 300) || (status == 404 && step.removes())) {
        ledger_.done(step);
        ++figures_.told;
        figures_.lag = hooks_.now() - step.since;
        return;
    }
    ledger_.refused(step);
    if (status == 404 && settings_.register_meetings) {
        unknown_meetings.insert(step.participant.meeting);
        return;
    }
    ++figures_.refused;
    if (status != 404) { // 404: the operator adds the meeting, or does not
        told_refusal_.say(Severity::warning,
                          "meeting " + step.participant.meeting +
                              ": meetfenced does not take a participant: " + text_of(answer, "detail"));
    }
}

Task<Result<Json>> DaemonLink::notice(std::string meeting, std::string participant, std::string country)
{
    auto target =
        "/v1/meetings/" + percent_encode(meeting) + "/notice?participant=" + percent_encode(participant);
    if (!country.empty()) {
        target += "&country=" + percent_encode(country);
    }
    const auto answer = co_await notices_.request({.target = target});
    if (!answer) {
        co_return fail(answer.error());
    }
    if (answer->status != 200) {
        co_return fail(ErrorCode::not_found, "no rule keeps them out");
    }
    co_return parse_json(answer->body, "a notice");
}

} // namespace meetfence::bridges
