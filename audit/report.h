// SPDX-License-Identifier: Apache-2.0
// The transparency report: what an audit log says of a period, fit to be published. Pure, and from entries
// alone, so that anybody who has the log computes the same report. docs/transparency-report.md has the
// definitions in words.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/entry.h"
#include "model/json.h"
#include "model/time.h"

namespace meetfence::audit {

/// A number of people as it may be published: one to four are "<5". What is exact and small is forgotten
/// here, and a sum is one of what is published, so that nothing subtracted from it says more.
class People {
public:
    static constexpr std::uint64_t kFewest = 5; // below, a number is not told

    People() = default;
    explicit People(std::uint64_t exact);

    People& operator+=(const People& other);
    [[nodiscard]] bool exact() const { return least_ == most_; }
    [[nodiscard]] std::uint64_t least() const { return least_; }
    [[nodiscard]] std::string text() const; // "0", "<5", "7", "8 to 14"

    friend bool operator==(const People&, const People&) = default;

private:
    std::uint64_t least_ = 0, most_ = 0;
};

/// What became of a demand.
enum class Decision : std::uint8_t { undecided, approved, narrowed, rejected, withdrawn, lapsed };
/// What ended an approved order; the first end is the one that counts.
enum class Ending : std::uint8_t { none, expired, withdrawn, suspended };

/// Two ledgers. `undecided_before` + `received` = the decisions + `undecided_after`, and
/// `running_before` + `approved()` = the endings + `running_after`.
struct Tally {
    std::uint64_t undecided_before = 0, received = 0;
    std::uint64_t approved_as_asked = 0, narrowed = 0, rejected = 0, withdrawn_undecided = 0, lapsed = 0;
    std::uint64_t undecided_after = 0;
    std::uint64_t running_before = 0, expired = 0, withdrawn = 0, suspended = 0, running_after = 0;
    std::uint64_t in_force_after = 0; // of running_after, those of which a rule is in force
    std::uint64_t extended = 0;
    People participants;
    std::uint64_t packets_dropped = 0;

    [[nodiscard]] std::uint64_t approved() const { return approved_as_asked + narrowed; }
    [[nodiscard]] std::uint64_t handled() const { return undecided_before + received; }
};

/// The log as far as the report goes.
struct LogExtent {
    std::uint64_t entries = 0, first_sequence = 0, last_sequence = 0;
    std::optional<Time> first_time;
    std::string last_hash;
    std::uint64_t unreadable = 0; // entries without what they are about
};

/// One order as it may be published. Free texts that may name somebody (what was asked in words, how it was
/// narrowed, case numbers) stay in the log, and so does whether a single participant was meant.
struct OrderRow {
    std::string order, authority, authority_type, office, jurisdiction, legal_basis, category, channel;
    std::optional<Time> issued, received, recorded, decided, from, asked_until, expires, ended;
    Decision decision = Decision::undecided;
    Ending ending = Ending::none;
    std::string reason; // of a rejection
    std::string state;  // at the end of the period, in the words of orders
    std::optional<std::chrono::seconds> to_decide, asked;
    std::chrono::seconds applied{0};
    std::uint64_t extensions = 0, rules = 0, rules_not_ended = 0;
    std::vector<std::string> meetings; // "h:…"
    People participants;
    std::uint64_t packets_dropped = 0, bytes_dropped = 0, drops_checked = 0, drops_outside_scope = 0;
    bool gag = false; // there was one, which is over
};

struct RejectionCount {
    std::uint64_t orders = 0;
    std::map<std::string, std::uint64_t> by_jurisdiction;
};

struct DurationSummary {
    std::uint64_t count = 0;
    std::optional<std::chrono::seconds> median, longest;
};

inline constexpr std::size_t kClasses = 6;
struct DecisionTimes {
    DurationSummary all;
    std::array<std::uint64_t, kClasses> approved{}, rejected{};
};

/// Of orders that ended in the period.
struct OrderDurations {
    DurationSummary asked, applied;
    std::uint64_t none_named = 0;
    std::array<std::uint64_t, kClasses> asked_classes{}, applied_classes{};
};

/// Restrictions that a meeting's host asked for.
struct HostRestrictions {
    std::uint64_t rules = 0, begun = 0, meetings = 0;
    std::map<std::string, std::uint64_t> by_country; // a rule counts for each of its countries
    std::uint64_t all_but = 0, participant = 0;      // rules that are not by named countries
    DurationSummary durations;                       // of those that ended in the period
    std::uint64_t packets_dropped = 0, drops_checked = 0, drops_outside_scope = 0, suspended = 0;
};

/// Rules in force at any moment of [begin, end).
struct TimeBucket {
    Time begin, end;
    std::uint64_t order_rules = 0, host_rules = 0;
};

struct ScopeCheck {
    std::uint64_t drops_checked = 0, drops_outside_scope = 0, rules_suspended = 0;
};

struct IncidentCount {
    std::string what;
    std::uint64_t count = 0;
    std::optional<Time> last;
};

struct RefusalCount {
    std::string code; // "" where no guardrail refused
    std::uint64_t status = 0;
    std::uint64_t count = 0;
};

struct DatabaseUse {
    std::string type, sha256;
    std::optional<Time> build;
    friend auto operator<=>(const DatabaseUse&, const DatabaseUse&) = default;
};

/// Databases from `since` on; the first may have been in use when the period began.
struct GeoUse {
    Time since;
    std::string agreement;
    std::vector<DatabaseUse> databases;
};

struct Report {
    Time since, until; // `since` 0: from the beginning of the log
    LogExtent log;
    Tally orders;
    std::uint64_t meetings = 0; // that orders restricted
    std::vector<std::pair<std::string, Tally>> by_jurisdiction, by_authority_type;
    std::vector<std::pair<std::string, RejectionCount>> rejections; // each reason, in the order of the list
    DecisionTimes decision_times;
    OrderDurations durations;
    std::vector<OrderRow> rows;
    std::uint64_t withheld = 0, withheld_without_end = 0; // rows of orders under a gag
    HostRestrictions hosts;
    std::vector<TimeBucket> over_time;
    ScopeCheck order_check;
    std::vector<IncidentCount> incidents; // each kind
    std::vector<RefusalCount> refusals;   // most frequent first
    std::uint64_t refusals_omitted = 0, addresses_shown = 0;
    std::vector<GeoUse> geo;
};

class ReportBuilder {
public:
    /// Of [since, until): for everything up to now, give the epoch and a second from now. `key` hides the
    /// names of meetings.
    ReportBuilder(Time since, Time until, std::string key);
    ReportBuilder(ReportBuilder&&) noexcept;
    ReportBuilder& operator=(ReportBuilder&&) noexcept;
    ~ReportBuilder();

    /// Takes the log's entries in their order, from its very first one.
    void take(const Entry& entry);
    [[nodiscard]] Report finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Json to_json(const Report& report);
/// RFC 4180, a row for each order. One under a gag has the word "withheld" and nothing else.
[[nodiscard]] std::string to_csv(const Report& report);
/// One file without scripts and without anything to be fetched; well-formed as XML, too.
[[nodiscard]] std::string to_html(const Report& report);

} // namespace meetfence::audit
