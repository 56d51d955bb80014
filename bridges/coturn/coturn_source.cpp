// SPDX-License-Identifier: Apache-2.0
#include "bridges/coturn/coturn_source.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <set>

#include "bridges/coturn/allocation_table.h"
#include "bridges/coturn/redis.h"
#include "bridges/net/log.h"

namespace meetfence::bridges::coturn {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr auto kKeys = std::to_array<std::string_view>({"redis", "realm", "interval", "listen_addresses"});
constexpr auto kRedisKeys = std::to_array<std::string_view>({"address", "password_file", "database"});
constexpr std::uint64_t kMostDatabases = 1U << 16;
constexpr auto kRetry = std::chrono::milliseconds(500); // after Redis was lost
constexpr std::size_t kKeysAtOnce = 1000;
constexpr std::size_t kMostChanging = 1U << 16; // keys of messages; beyond that, a look at all is less
constexpr auto kLongestInterval = std::chrono::minutes(5);
constexpr int kLeastRest = 20; // a look at all takes a twentieth of the time at most

struct CoturnSettings {
    SocketAddress redis{IpAddress::v4(0x7f000001), 6379};
    std::string password_file; // "": none is asked for
    std::uint64_t database = 0;
    AllocationRules rules;
    std::chrono::seconds interval{2};
};

// The first line.
Result<std::string> read_password(const std::string& path)
{
    std::string password;
    std::ifstream file(path);
    if (!std::getline(file, password) || password.empty()) {
        return fail(ErrorCode::invalid, "redis.password_file " + path + ": " +
                                            (file.is_open() ? "is empty" : std::strerror(errno)) +
                                            "; one line, to be read by the group meetfence-bridge");
    }
    return password;
}

// A list in braces within co_await is too much for GCC 12.
template <class... Words> std::vector<std::string> command(Words... words)
{
    return {std::string(std::move(words))...};
}

class CoturnSource final : public Source {
public:
    CoturnSource(const Context& context, CoturnSettings settings)
        : context_(context),
          settings_(std::move(settings)),
          table_(context.ledger, settings_.rules, context.prefix),
          bell_(context.io.get_executor())
    {
    }

    Task<> run() override
    {
        for (;;) {
            const auto ended = co_await session();
            figures_.connected = false;
            ++session_;
            if (!ended) {
                trouble_.say(Severity::warning,
                             ended.error().message +
                                 "; what is bound stays for its lifetime; tried again every half second");
            }
            forget_old();
            co_await pause(context_.io.get_executor(), kRetry);
        }
    }

    Reply take(const Request&) override { return problem(404, "there is /status and /metrics"); }

    SourceFigures figures() const override
    {
        auto figures = figures_;
        figures.unbound = table_.unbound();
        return figures;
    }

private:
    // From one connection's begin to its end. Messages are followed first, so that none falls between the
    // two.
    Task<Result<>> session()
    {
        lost_ = false;
        changing_.clear();
        const auto messages = std::make_shared<Redis>(context_.io.get_executor());
        Redis redis(context_.io.get_executor());
        auto result = co_await open(*messages);
        if (result) {
            result = co_await subscribe(messages);
        }
        if (result) {
            result = co_await open(redis);
        }
        if (result) {
            result = co_await keep_up(redis);
        }
        messages->close();
        if (result) {
            co_return fail(ErrorCode::unreachable,
                           "redis on " + settings_.redis.text() + ": the subscription ended");
        }
        co_return result;
    }

    Task<Result<>> open(Redis& redis)
    {
        auto opened = co_await redis.open(settings_.redis);
        if (!opened) {
            co_return opened;
        }
        if (!settings_.password_file.empty()) {
            auto password = read_password(settings_.password_file);
            if (!password) {
                co_return fail(password.error());
            }
            if (auto let_in = co_await redis.ask(command("AUTH", *std::move(password))); !let_in) {
                co_return fail(let_in.error());
            }
        }
        const auto chosen = co_await redis.ask(command("SELECT", std::to_string(settings_.database)));
        co_return chosen ? Result<>() : fail(chosen.error());
    }

    Task<Result<>> subscribe(std::shared_ptr<Redis> messages)
    {
        const auto subscribed = co_await messages->ask(command("PSUBSCRIBE", kAllocationPattern));
        if (!subscribed) {
            co_return fail(subscribed.error());
        }
        asio::co_spawn(context_.io, follow(std::move(messages)), asio::detached);
        co_return Result<>();
    }

    Task<> follow(std::shared_ptr<Redis> messages)
    {
        const auto mine = session_;
        for (;;) {
            const auto message = co_await messages->next();
            if (mine != session_) {
                co_return;
            }
            if (!message) {
                break;
            }
            take_message(*message);
        }
        lost_ = true;
        bell_.ring();
    }

    // ["pmessage", pattern, channel, text]
    void take_message(const RedisReply& message)
    {
        ++figures_.events;
        if (message.items.size() != 4 || !names_allocation(message.items[2].text)) {
            ++figures_.dropped["malformed"];
        } else if (changing_.size() >= kMostChanging) {
            ++figures_.dropped["too_many"];
            missed_ = true;
        } else {
            changing_.push_back(message.items[2].text);
            bell_.ring();
        }
    }

    Task<Result<>> keep_up(Redis& redis)
    {
        missed_ = true;
        auto due = Clock::now();
        while (!lost_) {
            if (missed_ || Clock::now() >= due) {
                const auto begun = Clock::now();
                if (auto seen = co_await look_at_all(redis); !seen) {
                    co_return seen;
                }
                const auto took = Clock::now() - begun;
                due = Clock::now() + std::max<Clock::duration>(settings_.interval, took * kLeastRest);
            }
            if (auto seen = co_await look_at_changing(redis); !seen) {
                co_return seen;
            }
            forget_old();
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
            if (changing_.empty() && !missed_ && rest.count() > 0) {
                co_await bell_.wait(rest);
            }
        }
        co_return Result<>();
    }

    Task<Result<>> look_at_all(Redis& redis)
    {
        Listing listing;
        listing.after_gap = std::exchange(missed_, false);
        if (listing.after_gap) {
            auto server = co_await ask_server(redis);
            if (!server) {
                co_return fail(server.error());
            }
            listing.new_server = !server_.empty() && server_ != *server;
            server_ = *std::move(server);
        }
        std::string cursor = "0";
        do {
            const auto page = co_await redis.ask(
                command("SCAN", cursor, "MATCH", kAllocationPattern, "COUNT", std::to_string(kKeysAtOnce)));
            if (!page || page->items.size() != 2) {
                co_return fail(page ? unreadable("SCAN") : page.error());
            }
            cursor = page->items[0].text;
            std::vector<std::string> keys;
            for (const auto& key : page->items[1].items) {
                keys.push_back(key.text);
            }
            const auto values = co_await values_of(redis, keys);
            if (!values) {
                co_return fail(values.error());
            }
            for (std::size_t i = 0; i < keys.size(); ++i) {
                if (!values->items[i].nil) {
                    listing.values.insert_or_assign(keys[i], values->items[i].text);
                }
            }
        } while (cursor != "0");
        listing.changing = {changing_.begin(), changing_.end()};
        listing.after_gap = listing.after_gap || missed_;
        table_.found(listing, context_.now());
        tell();
        note_whole(listing);
        co_return Result<>();
    }

    Task<Result<>> look_at_changing(Redis& redis)
    {
        while (!changing_.empty()) {
            const auto at = context_.now();
            const auto count = std::min(changing_.size(), kKeysAtOnce);
            const std::vector<std::string> keys(changing_.begin(),
                                                changing_.begin() + static_cast<std::ptrdiff_t>(count));
            changing_.erase(changing_.begin(), changing_.begin() + static_cast<std::ptrdiff_t>(count));
            const auto values = co_await values_of(redis, keys);
            if (!values) {
                co_return fail(values.error());
            }
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const auto& value = values->items[i];
                table_.heard(keys[i], value.nil ? std::nullopt : std::optional(value.text), at);
            }
            tell();
        }
        co_return Result<>();
    }

    static Task<Result<RedisReply>> values_of(Redis& redis, const std::vector<std::string>& keys)
    {
        if (keys.empty()) {
            co_return RedisReply{};
        }
        std::vector<std::string> words{"MGET"};
        words.insert(words.end(), keys.begin(), keys.end());
        auto values = co_await redis.ask(std::move(words));
        if (values && values->items.size() != keys.size()) {
            co_return fail(unreadable("MGET"));
        }
        co_return values;
    }

    // A number that Redis draws at each start; "" where it does not tell.
    static Task<Result<std::string>> ask_server(Redis& redis)
    {
        constexpr std::string_view kRunId = "run_id:";
        const auto info = co_await redis.ask(command("INFO", "server"));
        if (!info && info.error().code != ErrorCode::refused) {
            co_return fail(info.error());
        }
        const auto text = info ? std::string_view(info->text) : std::string_view();
        const auto begin = text.find(kRunId);
        if (begin == std::string_view::npos) {
            co_return std::string();
        }
        const auto value = text.substr(begin + kRunId.size());
        co_return std::string(value.substr(0, value.find('\r')));
    }

    static Error unreadable(const std::string& command)
    {
        return {ErrorCode::unreachable, "what answers is no redis: " + command + " has another answer"};
    }

    void note_whole(const Listing& listing)
    {
        if (listing.after_gap) {
            ++figures_.resyncs;
        }
        figures_.connected = true;
        trouble_.over("redis answers again");
    }

    void forget_old()
    {
        table_.forget_old(context_.now());
        tell();
    }

    void tell()
    {
        if (context_.ledger.has_changes()) {
            context_.changed();
        }
    }

    Context context_;
    CoturnSettings settings_;
    AllocationTable table_;
    Bell bell_;
    Changing trouble_; // log lines
    SourceFigures figures_;
    std::vector<std::string> changing_; // keys of messages, in their order
    std::string server_;                // that the table was read from
    std::uint64_t session_ = 0;
    bool lost_ = false, missed_ = false;
};

Result<> read_redis(const ObjectReader& reader, CoturnSettings& settings)
{
    if (const auto address = TRY(reader.text("address"))) {
        settings.redis = TRY(SocketAddress::parse(*address));
    }
    if (const auto path = TRY(reader.text("password_file"))) {
        settings.password_file = *path;
        TRY(read_password(*path));
    }
    settings.database = TRY(reader.number("database")).value_or(settings.database);
    if (settings.database >= kMostDatabases) {
        return fail(ErrorCode::invalid, "'redis.database' must be the number behind dbname= in coturn's "
                                        "redis-statsdb");
    }
    return {};
}

Result<MakeSource> read(const ObjectReader& reader)
{
    CoturnSettings settings;
    if (const auto* redis = reader.find("redis")) {
        TRY(read_redis(TRY(ObjectReader::open(*redis, "redis", kRedisKeys)), settings));
    }
    settings.rules.realm = TRY(reader.text("realm")).value_or("");
    if (const auto interval = TRY(reader.text("interval"))) {
        settings.interval = TRY(parse_duration(*interval));
        if (settings.interval > kLongestInterval) {
            return fail(ErrorCode::invalid, "'interval' must be at most 5m: what was missed stays missed for "
                                            "that long");
        }
    }
    for (const auto& text : TRY(reader.texts("listen_addresses"))) {
        settings.rules.listen_addresses.push_back(TRY(IpAddress::parse(text)));
    }
    return [settings](const Context& context) { return std::make_unique<CoturnSource>(context, settings); };
}

} // namespace

Kind coturn_kind()
{
    return {"coturn", "coturn, by the state that it keeps in Redis", 9438, kKeys, read};
}

} // namespace meetfence::bridges::coturn
