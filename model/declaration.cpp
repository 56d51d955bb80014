// SPDX-License-Identifier: Apache-2.0
#include "model/declaration.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/order_json.h"

namespace meetfence {
namespace {

constexpr auto kTopKeys = std::to_array<std::string_view>({"meetings", "orders"});

Result<DeclaredMeeting> read_meeting(Json value, const std::string& path)
{
    DeclaredMeeting declared;
    auto rules = Json::array();
    if (value.is_object() && value.contains("rules")) {
        if (!value["rules"].is_null()) {
            rules = value["rules"];
        }
        value.erase("rules");
    }
    declared.meeting = TRY(meeting_from_json(value, "", path));
    if (!rules.is_array()) {
        return fail(ErrorCode::invalid, "'" + path + ".rules' must be a list");
    }
    for (auto& rule : rules) {
        const auto rule_path = path + ".rules[" + std::to_string(declared.rules.size()) + "]";
        if (rule.is_object() && !rule.contains("meeting")) {
            rule["meeting"] = declared.meeting.id;
        }
        declared.rules.push_back(TRY(rule_request_from_json(rule, rule_path)));
        if (declared.rules.back().meeting != declared.meeting.id) {
            return fail(ErrorCode::invalid, "'" + rule_path + ".meeting' names another meeting");
        }
    }
    return declared;
}

Result<> read_orders(const ObjectReader& reader, Declaration& declaration)
{
    const auto* orders = reader.find("orders");
    if (orders != nullptr && !orders->is_array()) {
        return fail(ErrorCode::invalid, "'orders' must be a list");
    }
    for (const auto& item : orders == nullptr ? Json::array() : *orders) {
        const auto path = "orders[" + std::to_string(declaration.orders.size()) + "]";
        auto terms = TRY(order_terms_from_json(item, path));
        if (std::ranges::find(declaration.orders, terms.id, &OrderTerms::id) != declaration.orders.end()) {
            return fail(ErrorCode::invalid, "'" + path + "' declares an order that stands before it already");
        }
        declaration.orders.push_back(std::move(terms));
    }
    return {};
}

} // namespace

Result<Declaration> declaration_from_json(const Json& value)
{
    const auto reader = TRY(ObjectReader::open(value, "", kTopKeys));
    const auto* meetings = reader.find("meetings");
    if (meetings == nullptr || !meetings->is_array()) {
        return fail(ErrorCode::invalid, "'meetings' must be a list");
    }
    Declaration declaration;
    std::set<std::string> seen;
    for (const auto& item : *meetings) {
        const auto path = "meetings[" + std::to_string(declaration.meetings.size()) + "]";
        declaration.meetings.push_back(TRY(read_meeting(item, path)));
        if (!seen.insert(declaration.meetings.back().meeting.id).second) {
            return fail(ErrorCode::invalid,
                        "'" + path + "' declares a meeting that stands before it already");
        }
    }
    TRY(read_orders(reader, declaration));
    return declaration;
}

Json to_json(const DeclaredChange& change)
{
    return Json{
        {"action", change.action}, {"kind", change.kind}, {"name", change.name}, {"detail", change.detail}};
}

} // namespace meetfence
