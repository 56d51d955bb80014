// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/order_rows.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "model/json.h"
#include "model/order_json.h"

namespace meetfence::store {

void put_order(SQLite::Database& database, const Order& order)
{
    SQLite::Statement statement(database, "INSERT OR REPLACE INTO orders VALUES(?, ?)");
    statement.bind(1, order.id());
    // The name of a user is what the system says it is, and not always UTF-8.
    statement.bind(2, to_record(order).dump(-1, ' ', false, Json::error_handler_t::replace));
    statement.exec();
}

Result<std::vector<Order>> read_orders(SQLite::Database& database)
{
    std::vector<Order> orders;
    SQLite::Statement row(database, "SELECT record FROM orders ORDER BY id");
    while (row.executeStep()) {
        const auto record = TRY(parse_json(row.getColumn(0).getString(), "an order of the state database"));
        orders.push_back(TRY(order_from_record(record)));
    }
    return orders;
}

void put_head(SQLite::Database& database, const audit::Head& head)
{
    SQLite::Statement statement(database, "INSERT OR REPLACE INTO audit_head VALUES(1, ?, ?)");
    statement.bind(1, static_cast<std::int64_t>(head.sequence));
    statement.bind(2, head.hash);
    statement.exec();
}

audit::Head read_head(SQLite::Database& database)
{
    SQLite::Statement row(database, "SELECT sequence, hash FROM audit_head");
    if (!row.executeStep()) {
        return {};
    }
    return {static_cast<std::uint64_t>(row.getColumn(0).getInt64()), row.getColumn(1).getString()};
}

KeptOut read_kept_out(SQLite::Database& database)
{
    KeptOut kept_out;
    SQLite::Statement row(database, "SELECT rule, participant FROM kept_out");
    while (row.executeStep()) {
        kept_out[static_cast<std::uint64_t>(row.getColumn(0).getInt64())].insert(
            static_cast<std::uint64_t>(row.getColumn(1).getInt64()));
    }
    return kept_out;
}

} // namespace meetfence::store
