// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <array>

namespace meetfence::store {
namespace {

// AUTOINCREMENT: a number that was given out once is never given out again.
constexpr const char* kSchema1 = R"sql(
CREATE TABLE meetings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoints TEXT NOT NULL,
    until_s INTEGER);
CREATE TABLE rules (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    meeting TEXT NOT NULL,
    countries TEXT NOT NULL,
    mode TEXT NOT NULL,
    from_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL,
    except_prefixes TEXT NOT NULL,
    withdrawn_s INTEGER,
    why TEXT NOT NULL);
CREATE TABLE final_counts (
    rule INTEGER NOT NULL REFERENCES rules(number),
    country TEXT NOT NULL,
    dropped_packets INTEGER NOT NULL, dropped_bytes INTEGER NOT NULL,
    would_drop_packets INTEGER NOT NULL, would_drop_bytes INTEGER NOT NULL,
    passed_packets INTEGER NOT NULL, passed_bytes INTEGER NOT NULL,
    PRIMARY KEY (rule, country)) WITHOUT ROWID;
)sql";

// Shared ports, rules that keep out others than the countries they name, counts by direction. What was
// counted before came in: there was no other direction.
constexpr const char* kSchema2 = R"sql(
ALTER TABLE meetings ADD COLUMN shared_endpoints TEXT NOT NULL DEFAULT '[]';
ALTER TABLE meetings ADD COLUMN turn_endpoints TEXT NOT NULL DEFAULT '[]';
ALTER TABLE rules ADD COLUMN whom TEXT NOT NULL DEFAULT 'countries';
ALTER TABLE rules ADD COLUMN participant TEXT NOT NULL DEFAULT '';
ALTER TABLE final_counts RENAME TO final_counts_1;
CREATE TABLE final_counts (
    rule INTEGER NOT NULL REFERENCES rules(number),
    country TEXT NOT NULL,
    direction TEXT NOT NULL,
    dropped_packets INTEGER NOT NULL, dropped_bytes INTEGER NOT NULL,
    would_drop_packets INTEGER NOT NULL, would_drop_bytes INTEGER NOT NULL,
    passed_packets INTEGER NOT NULL, passed_bytes INTEGER NOT NULL,
    PRIMARY KEY (rule, country, direction)) WITHOUT ROWID;
INSERT INTO final_counts
    SELECT rule, country, 'ingress', dropped_packets, dropped_bytes, would_drop_packets, would_drop_bytes,
        passed_packets, passed_bytes FROM final_counts_1;
DROP TABLE final_counts_1;
)sql";

// Orders, whose rules may wait for approval or be suspended; which rules have been counted for the last time;
// how far the audit log had come; which participants (by numbers that are never given out again, and mean
// nothing but in the kernel's tables) each rule in force has kept out.
constexpr const char* kSchema3 = R"sql(
ALTER TABLE rules ADD COLUMN order_id TEXT NOT NULL DEFAULT '';
ALTER TABLE rules ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rules ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rules ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
UPDATE rules SET closed = 1 WHERE withdrawn_s IS NOT NULL OR until_s <= CAST(strftime('%s', 'now') AS INTEGER);
CREATE TABLE orders (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE kept_out (
    rule INTEGER NOT NULL,
    participant INTEGER NOT NULL,
    PRIMARY KEY (rule, participant)) WITHOUT ROWID;
)sql";

// From each schema to the next, from an empty file on.
constexpr auto kSteps = std::to_array<const char*>({kSchema1, kSchema2, kSchema3});

} // namespace

Result<> prepare(SQLite::Database& database, const std::string& path)
{
    // FULL: a commit that returned is on the disk.
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    const int schema = database.execAndGet("PRAGMA user_version").getInt();
    const int known = static_cast<int>(kSteps.size());
    if (schema < 0 || schema > known) {
        return fail(ErrorCode::conflict, path + " has schema " + std::to_string(schema) +
                                             ", this version knows " + std::to_string(known) +
                                             ": use the version that wrote it");
    }
    if (schema < known) {
        SQLite::Transaction transaction(database);
        for (auto step = static_cast<std::size_t>(schema); step < kSteps.size(); ++step) {
            database.exec(kSteps.at(step));
        }
        database.exec("PRAGMA user_version = " + std::to_string(known));
        transaction.commit();
    }
    return {};
}

} // namespace meetfence::store
