// SPDX-License-Identifier: Apache-2.0
#include "bridges/sdp/sdp_source.h"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <chrono>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

#include "bridges/net/log.h"
#include "bridges/sdp/sdp.h"

namespace meetfence::bridges {
namespace {

namespace asio = boost::asio;

constexpr auto kKeys = std::to_array<std::string_view>({kAnyAddressKey, kEndpointsKey, "lifetime"});
constexpr auto kLineKeys = std::to_array<std::string_view>({"meeting", "participant", "transport", "sdp"});
constexpr std::string_view kTakenOver = ""; // a transport's name that nobody can give
constexpr std::string_view kTransportBegins = "\"\"]";

struct SdpSettings {
    LocalAddresses addresses;
    std::chrono::seconds lifetime = std::chrono::hours(12); // of what is not handed over again
};

struct Named {
    std::string meeting, participant, transport; // transport "": all of the participant's
};

class SdpSource final : public Source {
public:
    SdpSource(const Context& context, SdpSettings settings)
        : context_(context), settings_(std::move(settings))
    {
    }

    Task<> run() override
    {
        co_await read_stdin();
        for (;;) {
            co_await pause(context_.io.get_executor(), std::chrono::minutes(1));
            forget_old();
        }
    }

    Reply take(const Request& request) override
    {
        const auto& path = request.path;
        const bool one = path.size() == 7 && path[5] == "transports";
        if ((!one && path.size() != 5) || path[0] != "v1" || path[1] != "meetings" ||
            path[3] != "participants") {
            return problem(404,
                           "there is /v1/meetings/M/participants/P[/transports/T], /status and /metrics");
        }
        const Named who{path[2], path[4], one ? path[6] : std::string()};
        if (request.method == "DELETE") {
            ++figures_.events;
            remove(who);
            return {.status = 204};
        }
        if (request.method != "PUT" || !one) {
            return problem(405, "PUT …/transports/T with the server's SDP, or DELETE");
        }
        auto sdp = request.body;
        if (sdp.starts_with('{')) {
            const auto json = parse_json(sdp, "request body");
            if (!json || !json->contains("sdp") || !json->at("sdp").is_string()) {
                return refused("malformed", "the body is the SDP, or {\"sdp\": \"…\"}", 400);
            }
            sdp = json->at("sdp").get<std::string>();
        }
        return put(who, sdp);
    }

    // What was bound before this bridge was started stays until signalling says something else.
    void take_over(const Participant& found) override
    {
        const auto participant = found.id.substr(context_.prefix.size());
        const auto key = key_of({found.meeting, participant, std::string(kTakenOver)});
        if (!seen_.contains(key)) {
            context_.ledger.put(key, {{found.meeting, found.id}, found.ufrags, {}}, context_.now());
            seen_[key] = {{found.meeting, participant, std::string(kTakenOver)}, context_.now()};
        }
    }

    SourceFigures figures() const override
    {
        auto figures = figures_;
        figures.connected = true; // whoever has something to say, says it
        return figures;
    }

private:
    static std::string key_of(const Named& who)
    {
        return to_line(Json{who.meeting, who.participant, who.transport});
    }

    Reply refused(const char* reason, std::string_view why, unsigned status)
    {
        ++figures_.events;
        ++figures_.dropped[reason];
        return problem(status, why);
    }

    Reply put(const Named& who, std::string_view text)
    {
        const Person person{who.meeting, context_.prefix + who.participant};
        if (!check_meeting_id(person.meeting) || !check_participant_id(person.id) || who.transport.empty()) {
            return refused("bad_name",
                           "meeting and participant are 1 to 128 printable ASCII characters without spaces",
                           422);
        }
        const auto sdp = parse_sdp(text);
        if (!sdp) {
            return refused("malformed", sdp.error().message, 422);
        }
        auto ufrags = bindings_of(*sdp, settings_.addresses);
        if (ufrags.empty()) {
            return refused(
                "nothing_to_bind",
                "there is no a=ice-ufrag with an a=candidate of this host in it: hand over the server's own "
                "SDP, or name 'endpoints' in the configuration",
                422);
        }
        ++figures_.events;
        auto list = Json::array();
        for (const auto& [endpoint, ufrag] : ufrags) {
            list.push_back({{"endpoint", endpoint.text()}, {"ufrag", ufrag}});
        }
        const auto key = key_of(who);
        if (!context_.ledger.put(key, {person, std::move(ufrags), {}}, context_.now())) {
            return problem(507, "there is no room for more transports");
        }
        seen_[key] = {who, context_.now()};
        context_.changed();
        return {.body = to_line(Json{{"ufrags", std::move(list)}}) + "\n"};
    }

    // Of a participant, what was taken over goes with any of the transports: nobody knows which it was.
    void remove(const Named& who)
    {
        auto first = key_of({who.meeting, who.participant, std::string(kTakenOver)});
        first.resize(first.rfind(kTransportBegins)); // '!' comes before the quote that ends an empty name
        for (auto it = seen_.lower_bound(first); it != seen_.end();) {
            const auto& named = it->second.who;
            if (named.meeting != who.meeting || named.participant != who.participant) {
                break;
            }
            const bool meant =
                who.transport.empty() || named.transport == who.transport || named.transport == kTakenOver;
            if (meant) {
                context_.ledger.remove(it->first, context_.now());
            }
            it = meant ? seen_.erase(it) : std::next(it);
        }
        context_.changed();
    }

    void forget_old()
    {
        for (auto it = seen_.begin(); it != seen_.end();) {
            const bool old = context_.now() - it->second.at > settings_.lifetime;
            if (old) {
                context_.ledger.remove(it->first, context_.now());
                context_.changed();
            }
            it = old ? seen_.erase(it) : std::next(it);
        }
    }

    void take_line(const std::string& line)
    {
        const auto json = parse_json(line, "line");
        const auto reader = json ? ObjectReader::open(*json, "", kLineKeys) : fail(json.error());
        const auto text = [&](const char* key) {
            return (reader ? reader->text(key) : fail(reader.error())).value_or(std::nullopt).value_or("");
        };
        const Named who{text("meeting"), text("participant"), text("transport")};
        if (!reader || who.meeting.empty() || who.participant.empty()) {
            static_cast<void>(refused("malformed", "", 400));
        } else if (json->contains("sdp")) {
            static_cast<void>(put(who, text("sdp")));
        } else {
            ++figures_.events;
            remove(who);
        }
    }

    // A pipe or a socket is followed until its end, a file is read; a service has neither.
    Task<> read_stdin()
    {
        struct stat info {};
        if (fstat(STDIN_FILENO, &info) != 0) {
            co_return;
        }
        if (S_ISREG(info.st_mode)) {
            for (std::string line; std::getline(std::cin, line);) {
                take_line(line);
            }
            co_return;
        }
        boost::system::error_code error;
        asio::posix::stream_descriptor input(context_.io);
        if (const int copy = dup(STDIN_FILENO); copy >= 0 && input.assign(copy, error)) {
            close(copy);
        }
        std::string buffer;
        while (!error) {
            const auto size = co_await asio::async_read_until(
                input, asio::dynamic_buffer(buffer, kLargestMessage), '\n', into(error));
            if (!error) {
                take_line(buffer.substr(0, size - 1));
                buffer.erase(0, size);
            }
        }
    }

    struct Seen {
        Named who;
        Moment at;
    };
    Context context_;
    SdpSettings settings_;
    SourceFigures figures_;
    std::map<std::string, Seen> seen_; // by the ledger's key
};

Result<MakeSource> read(const ObjectReader& reader)
{
    SdpSettings settings;
    settings.addresses = TRY(read_local_addresses(reader));
    if (const auto lifetime = TRY(reader.text("lifetime"))) {
        settings.lifetime = TRY(parse_duration(*lifetime));
    }
    return [settings](const Context& context) { return std::make_unique<SdpSource>(context, settings); };
}

} // namespace

Kind sdp_kind()
{
    return {"sdp", "LiveKit, and whatever else has SDP pass through signalling of your own", 9440, kKeys,
            read};
}

} // namespace meetfence::bridges
