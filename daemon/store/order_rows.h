// SPDX-License-Identifier: Apache-2.0
// Rows of orders, and of what the audit log and the report need to remember. Each throws what SQLiteCpp
// throws.
#pragma once

#include <vector>

#include "audit/entry.h"
#include "daemon/store/store.h"
#include "model/order.h"

namespace meetfence::store {

void put_order(SQLite::Database& database, const Order& order);
[[nodiscard]] Result<std::vector<Order>> read_orders(SQLite::Database& database);

void put_head(SQLite::Database& database, const audit::Head& head);
[[nodiscard]] audit::Head read_head(SQLite::Database& database);

[[nodiscard]] KeptOut read_kept_out(SQLite::Database& database);

} // namespace meetfence::store
