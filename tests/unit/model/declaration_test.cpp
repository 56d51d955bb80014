// SPDX-License-Identifier: Apache-2.0
#include "model/declaration.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

Result<Declaration> declaration(std::string_view text)
{
    const auto json = parse_json(text, "document");
    EXPECT_TRUE(json) << error_of(json);
    return json ? declaration_from_json(*json) : Result<Declaration>(Declaration{});
}

TEST(DeclarationJson, HoldsMeetingsWithTheirRules)
{
    const auto read = declaration(R"({"meetings": [
        {"id": "a", "endpoints": ["udp:198.18.0.1:40000"], "rules": [{"countries": ["CN"]},
                                                                      {"meeting": "a", "countries": ["HK"]}]},
        {"id": "b"}]})");
    ASSERT_TRUE(read) << error_of(read);
    ASSERT_EQ(read->meetings.size(), 2U);
    EXPECT_EQ(read->meetings[0].meeting.id, "a");
    ASSERT_EQ(read->meetings[0].rules.size(), 2U);
    EXPECT_EQ(read->meetings[0].rules[0].meeting, "a");
    EXPECT_EQ(read->meetings[0].rules[1].countries.text(), "HK");
    EXPECT_TRUE(read->meetings[1].rules.empty());
    EXPECT_TRUE(declaration(R"({"meetings": []})")->meetings.empty());
}

TEST(DeclarationJson, HoldsRulesAndEndpointsOfEveryKind)
{
    const auto read = declaration(R"({"meetings": [{"id": "a",
        "endpoints": ["udp:198.18.0.1:40000"], "shared_endpoints": ["udp:198.18.0.1:10000"],
        "turn_endpoints": ["udp:198.18.0.1:3478"],
        "rules": [{"countries": ["CN"]}, {"allow_only": ["US"]}, {"participant": "p7"}]}]})");
    ASSERT_TRUE(read) << error_of(read);
    const auto& [meeting, rules] = read->meetings.at(0);
    EXPECT_EQ(meeting.shared_endpoints.at(0).text(), "udp:198.18.0.1:10000");
    EXPECT_EQ(meeting.turn_endpoints.at(0).text(), "udp:198.18.0.1:3478");
    ASSERT_EQ(rules.size(), 3U);
    EXPECT_EQ(rules[0].whom, Whom::countries);
    EXPECT_EQ(rules[1].whom, Whom::all_but);
    EXPECT_EQ(rules[1].countries.text(), "US");
    EXPECT_EQ(rules[2].whom, Whom::participant);
    EXPECT_EQ(rules[2].participant, "p7");
}

TEST(DeclarationJson, HoldsOrdersAndRulesUnderThem)
{
    const auto read = declaration(R"({"orders": [
        {"id": "O-1", "authority": "Office", "jurisdiction": "CN", "legal_basis": "Act 7",
         "received": "2026-11-22T11:00:00Z", "meetings": ["b", "a"]},
        {"id": "O-2", "authority": "Court", "authority_type": "court", "jurisdiction": "HK", "legal_basis": "Act 8",
         "received": "2026-11-22T11:00:00Z"}],
        "meetings": [{"id": "a", "rules": [{"countries": ["CN"], "order": "O-1"}]}]})");
    ASSERT_TRUE(read) << error_of(read);
    ASSERT_EQ(read->orders.size(), 2U);
    EXPECT_EQ(read->orders[0].meetings, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(read->orders[1].authority_type, AuthorityType::court);
    EXPECT_EQ(read->meetings.at(0).rules.at(0).order, "O-1");
    EXPECT_TRUE(declaration(R"({"meetings": [], "orders": []})")->orders.empty());
    EXPECT_TRUE(declaration(R"({"meetings": [], "orders": null})")->orders.empty());
}

TEST(DeclarationJson, IsRefusedWithThePlaceOfTheFaultInAnOrder)
{
    const std::string order =
        R"({"id": "O-1", "authority": "Office", "jurisdiction": "CN", "legal_basis": "Act 7",
                                  "received": "2026-11-22T11:00:00Z"})";
    const auto orders = [](const std::string& list) {
        return error_of(declaration(R"({"meetings": [], "orders": )" + list + "}"));
    };
    EXPECT_MENTIONS(orders("{}"), "'orders' must be a list");
    EXPECT_MENTIONS(orders("[7]"), "'orders[0]' must be a JSON object");
    EXPECT_MENTIONS(orders("[" + order + ", " + order + "]"), "'orders[1]' declares an order");
    EXPECT_MENTIONS(orders("[" + order + R"(, {"id": "O-2"}])"), "'orders[1].authority'");
    EXPECT_MENTIONS(orders(R"([{"ids": "O-1"}])"), "unknown key 'orders[0].ids'");
    EXPECT_MENTIONS(orders(R"([{"id": "O-1", "countries": ["HK"]}])"), "an order names no 'countries'");
}

TEST(DeclarationJson, IsRefusedWithThePlaceOfTheFault)
{
    EXPECT_MENTIONS(error_of(declaration(R"({})")), "'meetings' must be a list");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": {}})")), "'meetings' must be a list");
    EXPECT_MENTIONS(error_of(declaration(R"({"orders": []})")), "'meetings' must be a list");
    EXPECT_MENTIONS(error_of(declaration(R"({"meeting": []})")), "did you mean meetings?");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [{"id": "a"}, {"id": "a"}]})")), "'meetings[1]'");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [{"endpoints": []}]})")), "1 to 128 bytes");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [7]})")), "'meetings[0]' must be a JSON object");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [{"id": "a", "rule": []}]})")),
                    "'meetings[0].rule'");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [{"id": "a", "rules": {}}]})")),
                    "'meetings[0].rules'");
    EXPECT_MENTIONS(
        error_of(declaration(R"({"meetings": [{"id": "a", "rules": [{"countries": ["CN"]}, 5]}]})")),
        "'meetings[0].rules[1]' must be a JSON object");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [{"id": "a", "endpoints": ["udp:*:1"],
                                             "turn_endpoints": ["udp:*:1"]}]})")),
                    "'meetings[0].turn_endpoints': udp:*:1 overlaps");
    EXPECT_MENTIONS(error_of(declaration(R"({"meetings": [{"id": "a", "rules": [
                                             {"countries": ["CN"], "participant": "p"}]}]})")),
                    "'meetings[0].rules[0].countries' and 'meetings[0].rules[0].participant'");
    EXPECT_MENTIONS(error_of(declaration(
                        R"({"meetings": [{"id": "a", "rules": [{"meeting": "b", "countries": ["CN"]}]}]})")),
                    "names another meeting");
}

} // namespace
} // namespace meetfence::test
