// SPDX-License-Identifier: Apache-2.0
// The declarative form of everything: `{"meetings": [{"id", "endpoints", "shared_endpoints",
// "turn_endpoints", "until", "rules": […]}], "orders": […]}`. It is the whole desired state: what it leaves
// out is to be removed, but for orders, which are records.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/json.h"
#include "model/order.h"

namespace meetfence {

struct DeclaredMeeting {
    Meeting meeting;
    std::vector<RuleRequest> rules;
};

struct Declaration {
    std::vector<DeclaredMeeting> meetings;
    std::vector<OrderTerms> orders;
};

/// One thing that differs between a declaration and the present.
struct DeclaredChange {
    std::string action; // "add", "change" or "remove"
    std::string kind;   // "meeting" or "rule"
    std::string name;
    std::string detail;
};

[[nodiscard]] Result<Declaration> declaration_from_json(const Json& value);
[[nodiscard]] Json to_json(const DeclaredChange& change);

} // namespace meetfence
