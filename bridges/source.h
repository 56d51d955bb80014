// SPDX-License-Identifier: Apache-2.0
// A media server as a bridge sees it: whatever it says of its transports goes into the ledger.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bridges/ledger/ledger.h"
#include "bridges/ledger/reasons.h"
#include "bridges/net/listener.h"
#include "bridges/net/task.h"
#include "model/json.h"

namespace meetfence::bridges {

struct SourceFigures {
    bool connected = false; // the server answers, or has nothing to be asked
    std::uint64_t resyncs = 0;
    std::uint64_t events = 0;
    Reasons dropped; // events, since the bridge started
    Reasons unbound; // transports, now
};

/// Of the daemon's event `participant_blocked`.
struct Blocked {
    Person person;
    std::string country; // "" where the rule names the person
};

/// What a source works with; outlives it.
struct Context {
    boost::asio::io_context& io;
    Ledger& ledger;
    std::string prefix;            // of this bridge's participants
    std::function<void()> changed; // to be called after the ledger was
    std::function<Moment()> now;
    /// What to tell a person who is kept out; an error where no rule in force does that.
    std::function<Task<Result<Json>>(Blocked)> notice;
};

class Source {
public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// Asks and follows the server, for ever.
    [[nodiscard]] virtual Task<> run() = 0;
    /// What came to the listener and is not about the bridge itself.
    [[nodiscard]] virtual Reply take(const Request& request) = 0;
    [[nodiscard]] virtual bool takes_messages() const { return false; }
    [[nodiscard]] virtual bool admits(const Request& /*request*/) const { return true; }
    virtual void take_message(std::string_view /*text*/) {}
    virtual void on_blocked(const Blocked& /*blocked*/) {}
    /// At the start, of each participant that a bridge before this one has told of: whoever cannot ask its
    /// server for everything takes over what stands in the daemon.
    virtual void take_over(const Participant& /*found*/) {}
    [[nodiscard]] virtual SourceFigures figures() const = 0;
};

using MakeSource = std::function<std::unique_ptr<Source>(const Context&)>;

/// A media server there is a bridge to.
struct Kind {
    std::string_view name;    // "janus": of the command, of the unit's instance, of participants
    std::string_view summary; // one line, for --help
    std::uint16_t port;       // of the listener, where nothing else is configured
    std::span<const std::string_view> keys; // of the configuration, beside those that all have
    Result<MakeSource> (*read)(const ObjectReader& settings);
};

[[nodiscard]] std::span<const Kind> kinds();

} // namespace meetfence::bridges
