// SPDX-License-Identifier: Apache-2.0
// Meetings, rules and orders on disk (SQLite), so that they survive a reboot. Participants are never in it:
// they carry addresses. Of one that a rule keeps out it has the identifier, which is the rule itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "audit/entry.h"
#include "model/meeting.h"
#include "model/order.h"
#include "model/result.h"
#include "model/rule.h"

namespace SQLite {
class Database;
}

namespace meetfence::store {

struct StoredMeeting {
    std::uint64_t number = 0;
    Meeting meeting;
};

/// Rule number → what it counted: all of it where it has ended, and where it has not, what it counted
/// before its meeting left.
using Counts = std::map<std::uint64_t, std::vector<CountryCounts>>;
/// Rule number → owner words of the participants it has kept out (kernel-headers/abi.h).
using KeptOut = std::map<std::uint64_t, std::set<std::uint64_t>>;

struct Contents {
    std::vector<StoredMeeting> meetings;
    std::vector<Rule> rules; // ended ones too
    std::vector<Order> orders;
    Counts final_counts;
    std::set<std::uint64_t> closed; // rules
    KeptOut kept_out;
    audit::Head audit_head;                        // sequence 0 where there was no log yet
    std::uint64_t last_meeting = 0, last_rule = 0; // numbers given out so far
};

/// One transaction.
struct Changes {
    std::vector<StoredMeeting> put_meetings;
    std::vector<std::uint64_t> removed_meetings;
    std::vector<Rule> put_rules;
    std::vector<Order> put_orders = {};

    [[nodiscard]] bool empty() const
    {
        return put_meetings.empty() && removed_meetings.empty() && put_rules.empty() && put_orders.empty();
    }
};

class Store {
public:
    [[nodiscard]] static Result<Store> open(const std::string& path);
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;
    ~Store();

    [[nodiscard]] Result<Contents> load() const;
    /// On the disk when it returns, all or nothing. exhausted where the disk is full.
    /// `head`: of the audit log, which tells of the changes already.
    [[nodiscard]] Result<> write(const Changes& changes, const audit::Head& head);
    [[nodiscard]] Result<> write_head(const audit::Head& head);
    [[nodiscard]] Result<> write_kept_out(const KeptOut& kept_out);
    /// `closed`: rules that have ended, and have been counted for the last time.
    [[nodiscard]] Result<> write_final_counts(const Counts& counts, const std::set<std::uint64_t>& closed);

private:
    explicit Store(std::unique_ptr<SQLite::Database> database);
    std::unique_ptr<SQLite::Database> database_;
};

} // namespace meetfence::store
