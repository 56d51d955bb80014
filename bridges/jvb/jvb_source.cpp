// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/jvb_source.h"

#include <array>
#include <chrono>
#include <optional>

#include "bridges/jvb/colibri.h"
#include "bridges/jvb/debug_state.h"
#include "bridges/jvb/roster.h"
#include "bridges/net/http_connection.h"
#include "bridges/net/log.h"

namespace meetfence::bridges::jvb {
namespace {

constexpr auto kKeys = std::to_array<std::string_view>(
    {"url", "interval", "meeting", kEndpointsKey, kAnyAddressKey, "lifetime"});
constexpr std::string_view kOff = "off";
constexpr auto kLongestInterval = std::chrono::seconds(60);

struct JvbSettings {
    std::optional<Url> url; // of its private HTTP server; none where it is not asked
    std::chrono::seconds interval{2};
    Naming naming = Naming::meeting_id;
    LocalAddresses addresses;
    std::chrono::seconds lifetime = std::chrono::hours(12); // of what was not heard of again
};

class JvbSource final : public Source {
public:
    JvbSource(const Context& context, const JvbSettings& settings)
        : context_(context),
          settings_(settings),
          roster_(context.ledger, context.prefix, settings.naming, settings.addresses)
    {
        figures_.connected = !settings.url; // whoever has something to say, says it
    }

    Task<> run() override
    {
        std::optional<HttpConnection> server;
        if (settings_.url) {
            server.emplace(context_.io.get_executor(), settings_.url->address,
                           "Jitsi Videobridge on " + settings_.url->address.text());
        }
        for (;;) {
            if (server) {
                co_await poll(*server);
            }
            roster_.forget(context_.now() - settings_.lifetime);
            tell();
            co_await pause(context_.io.get_executor(), settings_.interval);
        }
    }

    Reply take(const Request& request) override
    {
        const auto& path = request.path;
        if (path.size() < 3 || path.size() > 4 || path[0] != "colibri" || path[1] != "v2" ||
            path[2] != "conferences") {
            return problem(404, "there is /colibri/v2/conferences[/MEETING-ID], /status and /metrics");
        }
        if (request.method != "POST" && request.method != "PATCH") {
            return problem(405, R"(POST or PATCH, with {"request": …, "response": …})");
        }
        ++figures_.events;
        const auto exchange = parse_exchange(request.body, path.size() == 4 ? path[3] : std::string());
        if (!exchange) {
            ++figures_.dropped[exchange.error().reason];
            return problem(422, exchange.error().message);
        }
        const auto dropped = roster_.take(*exchange, context_.now());
        tell();
        if (!dropped.empty()) {
            ++figures_.dropped[std::string(dropped)];
            return problem(dropped == "no_room" ? 507 : 422, dropped == "no_room"
                                                                 ? "there is no room for more transports"
                                                                 : "which room this is was not said before");
        }
        return {.status = 204};
    }

    // Where the videobridge shows no ufrags, nobody says again what the bridge before this one was told.
    void take_over(const Participant& found) override { roster_.take_over(found, context_.now()); }

    SourceFigures figures() const override
    {
        auto figures = figures_;
        figures.unbound = roster_.unbound();
        return figures;
    }

private:
    void tell()
    {
        if (context_.ledger.has_changes()) {
            context_.changed();
        }
    }

    Task<> poll(HttpConnection& server)
    {
        const auto asked = context_.now();
        const auto target = settings_.url->path + "/debug?full=true";
        const auto answer = co_await server.request({.target = target});
        if (!answer) {
            lost(answer.error().message);
            co_return;
        }
        ++figures_.events;
        if (answer->status != 200) {
            ++figures_.dropped["refused"];
            lost("Jitsi Videobridge answers /debug with status " + std::to_string(answer->status) +
                 ": is videobridge.rest.debug.enabled set, and 'url' its private HTTP server?");
            co_return;
        }
        const auto state = parse_debug_state(answer->body);
        if (!state) {
            ++figures_.dropped["malformed"];
            lost(state.error().message);
            co_return;
        }
        roster_.take(*state, asked, context_.now());
        figures_.resyncs += figures_.connected ? 0 : 1;
        figures_.connected = true;
        trouble_.over("Jitsi Videobridge answers again");
    }

    void lost(const std::string& why)
    {
        figures_.connected = false;
        trouble_.say(Severity::warning, why + "; what is bound stays, and it is asked again");
    }

    Context context_;
    JvbSettings settings_;
    SourceFigures figures_;
    Roster roster_;
    Changing trouble_; // log lines
};

Result<Naming> read_naming(const ObjectReader& reader)
{
    const auto text = TRY(reader.text("meeting")).value_or("meeting_id");
    if (text != "meeting_id" && text != "name") {
        return fail(ErrorCode::invalid, R"('meeting' is "meeting_id" or "name", not ')" + text + "'");
    }
    return text == "name" ? Naming::name : Naming::meeting_id;
}

Result<MakeSource> read(const ObjectReader& reader)
{
    JvbSettings settings;
    const auto url = TRY(reader.text("url")).value_or("http://127.0.0.1:8080");
    if (url != kOff) {
        settings.url = TRY(Url::parse(url));
    }
    if (const auto interval = TRY(reader.text("interval"))) {
        settings.interval = TRY(parse_duration(*interval));
    }
    if (settings.interval.count() < 1 || settings.interval > kLongestInterval) {
        return fail(ErrorCode::invalid, "'interval' is from 1s to 60s: who joins is bound after it");
    }
    if (const auto lifetime = TRY(reader.text("lifetime"))) {
        settings.lifetime = TRY(parse_duration(*lifetime));
    }
    settings.naming = TRY(read_naming(reader));
    settings.addresses = TRY(read_local_addresses(reader));
    if (reader.find(kEndpointsKey) == nullptr) {
        settings.addresses.instead = TRY(parse_endpoints(std::array{std::string("udp:*:10000")}));
    }
    return [settings](const Context& context) { return std::make_unique<JvbSource>(context, settings); };
}

} // namespace

Kind jvb_kind()
{
    return {"jvb", "Jitsi Videobridge, by its debug state or by what a proxy forwards", 9439, kKeys, read};
}

} // namespace meetfence::bridges::jvb
