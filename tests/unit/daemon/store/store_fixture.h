// SPDX-License-Identifier: Apache-2.0
// A store of the test's own, values to put into it, and a way past it.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <string>

#include "daemon/store/store.h"
#include "tests/unit/daemon/temp_dir.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {

using store::Store;
using store::StoredMeeting;

class StoreTest : public testing::Test {
protected:
    [[nodiscard]] Store open() const { return value_of(Store::open(path)); }
    [[nodiscard]] store::Contents contents() const { return value_of(open().load()); }

    /// Past the store, as somebody with a shell would.
    void execute(const char* sql) const
    {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(database);
        sqlite3_close(database);
    }

    static StoredMeeting stored(std::uint64_t number, const std::string& id)
    {
        return {number, meeting(id, {"udp:198.18.0.1:40000-40009", "tcp:[2001:db8::1]:443", "udp:*:10000"})};
    }

    static Rule rule(std::uint64_t number, const std::string& id)
    {
        Rule result{.number = number, .meeting = id};
        result.countries = countries({"CN", "HK", "US"});
        result.mode = Mode::monitor;
        result.from = at("2026-11-22T12:00:00Z");
        result.until = at("2026-11-23T12:00:00Z");
        result.except = {prefix("203.0.113.0/28"), prefix("2001:db8::/64")};
        return result;
    }

    static void expect_same(const Rule& a, const Rule& b)
    {
        EXPECT_EQ(a.number, b.number);
        EXPECT_EQ(a.meeting, b.meeting);
        EXPECT_EQ(a.whom, b.whom);
        EXPECT_EQ(a.countries, b.countries);
        EXPECT_EQ(a.participant, b.participant);
        EXPECT_EQ(a.mode, b.mode);
        EXPECT_EQ(a.from, b.from);
        EXPECT_EQ(a.until, b.until);
        EXPECT_EQ(a.except, b.except);
        EXPECT_EQ(a.withdrawn, b.withdrawn);
        EXPECT_EQ(a.why, b.why);
        EXPECT_EQ(a.order, b.order);
        EXPECT_EQ(a.pending, b.pending);
        EXPECT_EQ(a.suspended, b.suspended);
    }

    TempDir directory;
    std::string path = directory.path("meetfence.db");
};

} // namespace meetfence::test
