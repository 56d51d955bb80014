// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/janus_source.h"

#include <boost/asio/co_spawn.hpp>
#include <deque>

#include "bridges/janus/admin.h"
#include "bridges/janus/handles.h"
#include "bridges/janus/reader.h"
#include "bridges/janus/settings.h"
#include "bridges/net/log.h"

namespace meetfence::bridges::janus {
namespace {

constexpr std::size_t kMostBlocked = 10000; // whom to tell, one after the other
constexpr std::size_t kRefreshed = 256;     // handles that are known already, asked for again in a round

std::string key_of(HandleId who)
{
    return std::to_string(who.session) + "/" + std::to_string(who.handle);
}

class JanusSource final : public Source {
public:
    JanusSource(const Context& context, Settings settings)
        : context_(context),
          settings_(std::move(settings)),
          handles_(naming(), settings_.addresses),
          admin_(context.io.get_executor(), settings_.admin, settings_.admin_secret),
          messages_(context.io.get_executor(), settings_.admin, settings_.admin_secret)
    {
    }

    Task<> run() override
    {
        for (;;) {
            const auto done = co_await ask_everything();
            if (done) {
                trouble_.over("Janus' Admin API answers again");
                figures_.resyncs += figures_.connected ? 0 : 1;
            } else {
                trouble_.say(Severity::warning,
                             done.error().message + "; participants are bound by events alone meanwhile");
            }
            figures_.connected = done.has_value();
            handles_.prune(context_.now());
            std::erase_if(asked_, [this](const auto& item) { return !handles_.knows(item.first); });
            co_await pause(context_.io.get_executor(), settings_.interval);
        }
    }

    Reply take(const Request& request) override
    {
        if (request.method != "POST") {
            return problem(405, "POST events here, as sampleevh does; GET /status and /metrics");
        }
        if (!admits(request)) {
            ++figures_.dropped["unauthorized"];
            return problem(401, "events.user and events.password_file of the configuration say who may");
        }
        take_message(request.body);
        return {};
    }

    bool takes_messages() const override { return true; }

    bool admits(const Request& request) const override
    {
        return settings_.authorization.empty() || request.authorization == settings_.authorization;
    }

    // An event, or several.
    void take_message(std::string_view text) override
    {
        const auto json = parse_json(text, "events");
        if (!json || !(json->is_object() || json->is_array())) {
            ++figures_.events;
            ++figures_.dropped["malformed"];
            return;
        }
        if (json->is_object()) {
            take_event(*json);
        } else {
            for (const auto& event : *json) {
                take_event(event);
            }
        }
        tell_ledger();
    }

    void on_blocked(const Blocked& blocked) override
    {
        if (!settings_.kick && !settings_.notice) {
            return;
        }
        if (blocked_.size() >= kMostBlocked) {
            ++figures_.dropped["too_many_blocked"];
            return;
        }
        blocked_.push_back(blocked);
        tell_rooms();
    }

    SourceFigures figures() const override
    {
        auto figures = figures_;
        figures.unbound = handles_.unbound();
        return figures;
    }

private:
    Naming naming() const
    {
        auto naming = settings_.naming;
        naming.prefix = context_.prefix;
        return naming;
    }

    void take_event(const Json& event)
    {
        ++figures_.events;
        const auto fact = read_event(event);
        if (!fact) {
            ++figures_.dropped["malformed"];
        } else if (*fact) {
            take(**fact);
        }
    }

    void take(const Fact& fact)
    {
        if (const auto why = handles_.take(fact, context_.now()); !why.empty()) {
            ++figures_.dropped[std::string(why)];
        }
        newest_ = fact.at;
    }

    void tell_ledger()
    {
        for (auto& [who, transport] : handles_.take_changes()) {
            if (!transport) {
                context_.ledger.remove(key_of(who), newest_);
            } else if (!context_.ledger.put(key_of(who), std::move(*transport), newest_)) {
                ++figures_.dropped["full"];
            }
        }
        if (context_.ledger.has_changes()) {
            context_.changed();
        }
    }

    // Sessions, their handles, and of those whatever is not known, or was asked for longest ago.
    Task<Result<>> ask_everything()
    {
        auto asked = context_.now();
        const auto list = co_await admin_.ask("list_sessions");
        const auto sessions = list ? read_numbers(*list, "sessions") : fail(list.error());
        if (!sessions) {
            co_return fail(sessions.error());
        }
        handles_.take_sessions({sessions->begin(), sessions->end()}, asked);
        newest_ = asked;
        tell_ledger();
        std::vector<HandleId> known;
        for (const auto session : *sessions) {
            asked = context_.now();
            const auto answer = co_await admin_.ask("list_handles", {session, 0});
            const auto there = answer ? read_numbers(*answer, "handles") : fail(answer.error());
            if (!there && there.error().code == ErrorCode::not_found) {
                continue; // the next round sees that it is gone
            }
            if (!there) {
                co_return fail(there.error());
            }
            handles_.take_handles(session, {there->begin(), there->end()}, asked);
            for (const auto handle : *there) {
                const HandleId who{session, handle};
                if (handles_.knows(who)) {
                    known.push_back(who);
                } else if (const auto done = co_await ask_for(who); !done) {
                    co_return done;
                }
            }
            newest_ = asked;
            tell_ledger();
        }
        co_return co_await refresh(std::move(known));
    }

    // An event that was lost may have been about one that is known.
    Task<Result<>> refresh(std::vector<HandleId> known)
    {
        const auto last = [this](HandleId who) {
            const auto it = asked_.find(who);
            return it == asked_.end() ? Moment() : it->second;
        };
        std::ranges::sort(known, {}, last);
        known.resize(std::min(known.size(), kRefreshed));
        for (const auto& who : known) {
            if (auto done = co_await ask_for(who); !done) {
                co_return done;
            }
        }
        co_return Result<>{};
    }

    Task<Result<>> ask_for(HandleId who)
    {
        const auto asked = context_.now();
        const auto answer = co_await admin_.ask("handle_info", who);
        if (!answer && answer.error().code != ErrorCode::not_found) {
            co_return fail(answer.error());
        }
        asked_[who] = asked;
        if (answer) {
            const auto facts = read_handle_info(who, answer->value("info", Json()), asked);
            for (const auto& fact : facts.value_or(std::vector<Fact>{})) {
                take(fact);
            }
            if (!facts) {
                ++figures_.dropped["malformed"];
            }
            tell_ledger();
        }
        co_return Result<>{};
    }

    // One at a time: a rule keeps out many at once, and a connection has one question.
    void tell_rooms()
    {
        if (telling_ || blocked_.empty()) {
            return;
        }
        telling_ = true;
        auto blocked = std::move(blocked_.front());
        blocked_.pop_front();
        boost::asio::co_spawn(context_.io, tell_room(std::move(blocked)), [this](const std::exception_ptr&) {
            telling_ = false;
            tell_rooms();
        });
    }

    // Only of whom a rule in force keeps out at this moment.
    Task<> tell_room(Blocked blocked)
    {
        const auto notice = co_await context_.notice(blocked);
        const auto seat = handles_.seat_of(blocked.person);
        if (!notice || !seat) {
            co_return;
        }
        const auto as_janus = [&](const std::string& id) {
            return seat->room.is_text ? Json(id) : Json::parse(id, nullptr, false);
        };
        const std::map<std::string, Json> places{{"{room}", as_janus(seat->room.name)},
                                                 {"{participant}", as_janus(seat->user)},
                                                 {"{country}", blocked.country},
                                                 {"{notice}", notice->value("detail", std::string())}};
        if (settings_.notice) {
            co_await send(settings_.notice->plugin, filled(settings_.notice->request, places), "notice");
        }
        if (settings_.kick) {
            Json kick{{"request", "kick"}, {"room", places.at("{room}")}, {"id", places.at("{participant}")}};
            if (!settings_.room_secret.empty()) {
                kick["secret"] = settings_.room_secret;
            }
            co_await send(std::string(package_of(seat->room.plugin)), std::move(kick), "kick");
        }
    }

    // A plugin refuses inside an answer that is a success to Janus.
    Task<> send(std::string plugin, Json request, const char* what)
    {
        Json message{{"plugin", std::move(plugin)}, {"request", std::move(request)}};
        const auto answer = co_await messages_.ask("message_plugin", {}, std::move(message));
        const auto response = answer ? answer->value("response", Json::object()) : Json::object();
        if (!answer || (response.is_object() && response.contains("error_code"))) {
            ++figures_.dropped[std::string(what) + "_refused"];
            // Not the plugin's words: they name the participant.
            refusals_.say(Severity::warning, std::string("the ") + what + " was refused: " +
                                                 (answer ? "error " + to_line(response.at("error_code"))
                                                         : answer.error().message));
        }
    }

    Context context_;
    Settings settings_;
    Handles handles_;
    Admin admin_, messages_;
    std::map<HandleId, Moment> asked_;
    std::deque<Blocked> blocked_; // who is not told yet
    bool telling_ = false;
    Moment newest_{}; // of what was taken last
    SourceFigures figures_;
    Changing trouble_, refusals_;
};

Result<MakeSource> read(const ObjectReader& reader)
{
    auto settings = TRY(read_settings(reader));
    return [settings = std::move(settings)](const Context& context) {
        return std::make_unique<JanusSource>(context, settings);
    };
}

} // namespace

Kind janus_kind()
{
    return {"janus", "Janus: VideoRoom and AudioBridge, by event handler and Admin API", 9437, setting_keys(),
            read};
}

} // namespace meetfence::bridges::janus
