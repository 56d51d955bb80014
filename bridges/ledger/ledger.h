// SPDX-License-Identifier: Apache-2.0
// What the daemon should know, against what it knows: transports come in by any key and in any order, out go
// the changes that lead from one to the other. Pure; the time is a parameter.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "bridges/ledger/transport.h"

namespace meetfence::bridges {

/// Of the host's real-time clock, in microseconds, as media servers stamp their events.
using Moment = std::chrono::sys_time<std::chrono::microseconds>;

/// As many as a daemon takes by its largest limit.
inline constexpr std::size_t kMostTransports = 1U << 23;

/// PUT the participant, or DELETE it where it has neither ufrags nor flows.
struct Step {
    Participant participant;
    Moment since; // when what it tells became so

    [[nodiscard]] bool removes() const { return participant.ufrags.empty() && participant.flows.empty(); }
};

class Ledger {
public:
    /// In the place of what the key had. False where there is room for no more keys.
    bool put(const std::string& key, MediaTransport transport, Moment at);
    void remove(const std::string& key, Moment at);
    /// Removes all keys but these.
    void keep(const std::set<std::string>& keys, Moment at);

    /// The next changes, at most so many, in an order in which none claims what another still has. Each is on
    /// its way until `done`, `refused` or `start_over` says what came of it.
    [[nodiscard]] std::vector<Step> take(std::size_t most);
    void done(const Step& step);
    /// Waits for `retry`.
    void refused(const Step& step);
    void retry();
    /// The same for the participants of one meeting, whatever the daemon had of them.
    void meeting_gone(const std::string& meeting, Moment at);
    /// Of whom the daemon has something now, that nobody here has told it: it is told everything again.
    void start_over(std::span<const Person> found, Moment at);

    [[nodiscard]] bool has_changes() const { return !changed_.empty(); }
    [[nodiscard]] bool has_person_in(const std::string& meeting) const;
    [[nodiscard]] std::vector<std::string> meetings() const;
    [[nodiscard]] std::size_t transports() const { return transports_.size(); }
    [[nodiscard]] std::size_t persons() const { return keys_of_.size(); }
    /// Ufrags and flows that the daemon has.
    [[nodiscard]] std::size_t bindings() const { return bindings_; }
    /// Ufrags and flows that two participants claim, and none has therefore.
    [[nodiscard]] std::size_t contested() const { return contested_; }
    /// Participants whom the daemon did not take.
    [[nodiscard]] std::size_t waiting() const { return refused_.size(); }

private:
    using Claim = std::variant<UfragBinding, Flow>;
    [[nodiscard]] Participant wanted(const Person& person) const;
    [[nodiscard]] bool somebody_elses(const Claim& claim, const Person& person) const;
    [[nodiscard]] bool hands_over(const Participant& had, const Participant& wanted) const;
    void claim(const MediaTransport& transport, Moment at);
    void release(const MediaTransport& transport, Moment at);
    void change(const Person& person, Moment at);
    void set_applied(const Participant& participant);

    std::map<std::string, MediaTransport> transports_;
    std::map<Person, std::set<std::string>> keys_of_;
    std::map<Claim, std::map<Person, unsigned>> claims_; // by how many of their transports
    std::map<Person, Participant> applied_;              // what the daemon has
    std::set<Person> unknown_;                           // of whom it has something else
    std::set<std::string> gone_; // meetings, since steps were taken last: what came of those is not certain
    std::set<Person> knotted_;   // refused, with something of theirs in the daemon: others may wait for that,
                                 // and they for others
    std::map<Person, Moment> changed_, refused_;
    std::size_t bindings_ = 0, contested_ = 0;
};

} // namespace meetfence::bridges
