// SPDX-License-Identifier: Apache-2.0
// Keeps the daemon's participants as the ledger has them: over its Unix socket, again and again for as long
// as the bridge runs, and from the beginning whenever the daemon was away.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bridges/ledger/ledger.h"
#include "bridges/net/http_connection.h"
#include "bridges/net/log.h"
#include "bridges/net/task.h"
#include "model/json.h"
#include "model/meeting.h"

namespace meetfence::bridges {

struct DaemonSettings {
    std::string socket = "/run/meetfence/control.sock";
    std::string prefix;                   // of this bridge's participants
    bool register_meetings = true;        // that the daemon does not know
    std::vector<Endpoint> turn_endpoints; // of meetings that it registers
    std::vector<Endpoint> ports;          // where clients will come, before anybody says whose
};

class DaemonLink {
public:
    struct Figures {
        bool connected = false;
        std::uint64_t resyncs = 0;
        std::uint64_t told = 0;           // changes of participants that the daemon took
        std::uint64_t refused = 0;        // and that it did not take
        std::chrono::microseconds lag{0}; // of the last change, from the media server's event to the kernel
    };
    struct Hooks {
        std::function<Moment()> now;
        /// An event of the daemon's that is new, and not told again to whoever comes late.
        std::function<void(const Json& event)> on_event;
        /// Of this bridge's participants, those that the daemon had at the first connection; without flows,
        /// which it shows nobody.
        std::function<void(const Participant& found)> on_found;
    };

    DaemonLink(const boost::asio::any_io_executor& executor, DaemonSettings settings, Ledger& ledger,
               Hooks hooks);

    /// For ever.
    [[nodiscard]] Task<> run();
    /// The ledger has changes.
    void wake() { bell_.ring(); }
    /// What a participant is told who is kept out; nothing where none is.
    [[nodiscard]] Task<Result<Json>> notice(std::string meeting, std::string participant,
                                            std::string country);

    [[nodiscard]] const Figures& figures() const { return figures_; }
    /// Deletes meetings that nobody needs any more after this time.
    static constexpr std::chrono::seconds kForgetAfter{60};

private:
    [[nodiscard]] Task<Result<>> session();
    [[nodiscard]] Task<Result<>> start_over();
    [[nodiscard]] Task<Result<>> register_ports();
    [[nodiscard]] Task<Result<>> tell(std::vector<Step> steps);
    [[nodiscard]] Task<Result<>> forget_meetings();
    [[nodiscard]] Task<Result<bool>> register_meeting(const std::string& meeting);
    [[nodiscard]] Task<> follow(std::shared_ptr<HttpConnection> events);
    [[nodiscard]] Task<Result<Json>> get(std::string target);
    void take_event(const std::string& line);
    void take_answer(const Step& step, const Json& answer, std::set<std::string>& unknown_meetings);
    void note_emptiness();

    boost::asio::any_io_executor executor_;
    DaemonSettings settings_;
    Ledger& ledger_;
    Hooks hooks_;
    HttpConnection control_;
    HttpConnection notices_; // a question may be asked while changes are told
    Bell bell_;
    Changing told_trouble_, told_refusal_; // log lines
    Moment since_{};                       // when events began to be new
    std::uint64_t session_ = 0;
    bool lost_ = false;
    std::set<std::string> registered_;          // by this process
    std::map<std::string, Moment> empty_since_; // those of them without participants
    Figures figures_;
};

} // namespace meetfence::bridges
