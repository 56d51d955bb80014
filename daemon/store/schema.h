// SPDX-License-Identifier: Apache-2.0
// What the tables are, and how those of an earlier version become today's.
#pragma once

#include <string>

#include "model/result.h"

namespace SQLite {
class Database;
}

namespace meetfence::store {

/// Brings the file to today's schema, in one transaction. conflict where a later version wrote it. Throws
/// what SQLiteCpp throws.
[[nodiscard]] Result<> prepare(SQLite::Database& database, const std::string& path);

} // namespace meetfence::store
