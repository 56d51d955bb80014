// SPDX-License-Identifier: Apache-2.0
// The desired state: meetings and their rules, and the questions every change is asked before
// anything is written anywhere. Pure: time is a parameter, kernel and disk are elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/policy/places.h"
#include "model/meeting.h"
#include "model/order.h"
#include "model/result.h"
#include "model/rule.h"

namespace meetfence::policy {

struct Limits {
    std::uint64_t meetings = 65536;
    std::uint64_t endpoints = 4 * 65536ULL; // (port, address) pairs
    std::chrono::seconds max_duration = std::chrono::hours(30 * 24);
};

struct RegisteredMeeting {
    std::uint64_t number = 0; // never used again
    Meeting meeting;
    std::vector<std::uint64_t> rules; // of the present, by number; ended ones leave
};

class Registry {
public:
    explicit Registry(Limits limits) : limits_(limits) {}

    [[nodiscard]] const std::map<std::string, RegisteredMeeting>& meetings() const { return meetings_; }
    [[nodiscard]] const std::map<std::uint64_t, Rule>& rules() const { return rules_; } // ended ones too
    [[nodiscard]] Result<const RegisteredMeeting*> find_meeting(const std::string& id) const;
    [[nodiscard]] Result<const Rule*> find_rule(std::uint64_t number) const;
    /// The meeting with this number, or null.
    [[nodiscard]] const RegisteredMeeting* meeting_by_number(std::uint64_t number) const;
    /// Those of its rules that have not ended.
    [[nodiscard]] std::vector<const Rule*> rules_of(const RegisteredMeeting& meeting) const;

    /// Whether the meeting may be so: identifiers, limits, overlaps with other meetings.
    [[nodiscard]] Result<> check(const Meeting& meeting, Time now) const;
    /// What would be granted, its number 0: to the meeting's owner, or under an order that was asked whether
    /// it may be so. An order's rule may wait for its meeting.
    [[nodiscard]] Result<Rule> grant(const RuleRequest& request, Time now, const Order* order) const;
    /// The rules of a meeting that have not ended, whether or not it is registered.
    [[nodiscard]] std::vector<const Rule*> rules_for(const std::string& meeting) const;
    /// In force, or to be, without a meeting yet.
    [[nodiscard]] bool is_armed(const Rule& rule, Time now) const;
    [[nodiscard]] bool has_rule_in_force(const std::string& order, Time now) const;
    [[nodiscard]] std::vector<const Rule*> rules_under(const std::string& order) const; // ended ones too

    // Changes that were checked before; they cannot fail.
    void put(std::uint64_t number, Meeting meeting);
    void remove(const std::string& id, Time now, const std::string& why);
    void put(Rule rule);
    void end_rule(std::uint64_t number); // leaves its meeting, stays on record
    void apply(std::span<const PlaceChange> changes) { places_.apply(changes); }

    [[nodiscard]] std::uint64_t next_meeting_number() const { return last_meeting_ + 1; }
    [[nodiscard]] std::uint64_t next_rule_number() const { return last_rule_ + 1; }
    void reserve_numbers(std::uint64_t last_meeting, std::uint64_t last_rule);

    /// When something begins or ends by its time next.
    [[nodiscard]] std::optional<Time> next_deadline(Time now) const;
    /// Rules whose time, or whose meeting's time, is over, and that have not left yet.
    [[nodiscard]] std::vector<std::uint64_t> expired_rules(Time now) const;
    [[nodiscard]] std::vector<std::string> expired_meetings(Time now) const;

    /// Where participants are known. What meetings declare is in it without further ado.
    [[nodiscard]] const Places& places() const { return places_; }
    /// What the meeting declares instead of what the one known by this number declares.
    [[nodiscard]] std::vector<PlaceChange> place_changes(std::uint64_t number, const Meeting& meeting) const;
    /// Whether participants of the meeting may be known there: it is nobody else's alone.
    [[nodiscard]] Result<> check_place(const std::string& meeting, const EndpointImage& at) const;

    [[nodiscard]] const Limits& limits() const { return limits_; }
    /// For what is asked from now on; what was granted stays granted.
    void set_limits(const Limits& limits) { limits_ = limits; }

private:
    // Who holds which endpoint, by transport and port: (address or any) → meeting.
    using Holders = std::map<std::uint32_t, std::map<IpAddress, std::string>>;
    [[nodiscard]] Result<> check_overlap(const Meeting& meeting) const;
    [[nodiscard]] Result<> check_span(const Rule& rule, Time now) const;
    [[nodiscard]] std::vector<std::uint64_t>* present(const std::string& meeting); // its rules' numbers
    void index(const Meeting& meeting);
    void unindex(const Meeting& meeting);
    void add_deadlines(const Rule& rule);
    void remove_deadlines(const Rule& rule);

    Limits limits_;
    std::map<std::string, RegisteredMeeting> meetings_;
    std::map<std::uint64_t, std::string> ids_; // number → identifier
    std::map<std::uint64_t, Rule> rules_;
    std::map<std::string, std::vector<std::uint64_t>> waiting_;  // orders' rules whose meeting is not there
    std::map<std::string, std::vector<std::uint64_t>> by_order_; // ended ones too
    Holders holders_;
    Places places_;
    std::multiset<Time> deadlines_; // of meetings, and of rules that have not left
    std::uint64_t endpoint_count_ = 0;
    std::uint64_t last_meeting_ = 0;
    std::uint64_t last_rule_ = 0;
};

} // namespace meetfence::policy
