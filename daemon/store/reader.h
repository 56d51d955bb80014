// SPDX-License-Identifier: Apache-2.0
// A connection of its own to the state database, which can only read: for the running check, which takes from
// the disk, and not from what the daemon believes, what a rule says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/endpoint.h"
#include "model/result.h"
#include "model/rule.h"

namespace SQLite {
class Database;
class Statement;
} // namespace SQLite

namespace meetfence::store {

struct RuleRow {
    std::string meeting;
    Whom whom = Whom::countries;
    CountrySet countries; // of a rule about a participant: where that one must be placed; empty = anywhere
    std::string participant;
    Mode mode = Mode::enforce;
    Time from, until;
    std::vector<IpPrefix> except;
    std::optional<Time> withdrawn;
    std::string order;
    bool pending = false;
};

struct MeetingRow {
    std::string id;
    std::vector<Endpoint> endpoints; // dedicated
};

class Reader {
public:
    /// Of a database that `Store` has opened.
    [[nodiscard]] static Result<Reader> open(const std::string& path);
    Reader(Reader&&) noexcept;
    ~Reader();

    /// By number, as it is on the disk now; none where there is no such row.
    [[nodiscard]] Result<std::optional<RuleRow>> rule(std::uint64_t number);
    [[nodiscard]] Result<std::optional<MeetingRow>> meeting(std::uint64_t number);

private:
    explicit Reader(std::unique_ptr<SQLite::Database> database);
    void forget_what_changed();

    std::unique_ptr<SQLite::Database> database_;
    std::unique_ptr<SQLite::Statement> version_, rule_, meeting_;
    std::int64_t known_version_ = 0; // of the database, as the rows were read
    std::unordered_map<std::uint64_t, std::optional<RuleRow>> rules_;
    std::unordered_map<std::uint64_t, std::optional<MeetingRow>> meetings_;
};

} // namespace meetfence::store
