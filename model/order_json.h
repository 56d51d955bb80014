// SPDX-License-Identifier: Apache-2.0
// Orders as JSON (docs/order.schema.json).
#pragma once

#include <span>
#include <string>

#include "model/json.h"
#include "model/order.h"

namespace meetfence {

/// What is recorded; `id` where the key is not there.
[[nodiscard]] Result<OrderTerms> order_terms_from_json(const Json& value, std::string_view path = {});
[[nodiscard]] Json to_json(const OrderTerms& terms);

/// The answer to the outside.
[[nodiscard]] Json to_json(const Order& order, OrderState state, Time now,
                           std::span<const std::string> rules);

/// The whole record, as the state database keeps it, and back.
[[nodiscard]] Json to_record(const Order& order);
[[nodiscard]] Result<Order> order_from_record(const Json& record);

} // namespace meetfence
