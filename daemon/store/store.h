// SPDX-License-Identifier: Apache-2.0
// Meetings and rules on disk (SQLite), so that they survive a reboot. Participants are never in it:
// they carry addresses. Of one that a rule keeps out it has the identifier, which is the rule itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/meeting.h"
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

using Counts = std::map<std::uint64_t, std::vector<CountryCounts>>; // rule number → of an ended rule

struct Contents {
    std::vector<StoredMeeting> meetings;
    std::vector<Rule> rules; // ended ones too
    Counts final_counts;
    std::uint64_t last_meeting = 0, last_rule = 0; // numbers given out so far
};

/// One transaction.
struct Changes {
    std::vector<StoredMeeting> put_meetings;
    std::vector<std::uint64_t> removed_meetings;
    std::vector<Rule> put_rules;

    [[nodiscard]] bool empty() const
    {
        return put_meetings.empty() && removed_meetings.empty() && put_rules.empty();
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
    [[nodiscard]] Result<> write(const Changes& changes);
    [[nodiscard]] Result<> write_final_counts(const Counts& counts);

private:
    explicit Store(std::unique_ptr<SQLite::Database> database);
    std::unique_ptr<SQLite::Database> database_;
};

} // namespace meetfence::store
