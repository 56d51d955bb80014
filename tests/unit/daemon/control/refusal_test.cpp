// SPDX-License-Identifier: Apache-2.0
// What the audit log is told of attempts that were turned down. Those here are so before the service behind
// the routes is asked anything; it is not there.
#include <gtest/gtest.h>

#include "daemon/control/router.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using control::Role;

class Refusals : public testing::Test {
protected:
    unsigned ask(const std::string& method, std::string_view target, std::string body = {})
    {
        control::Request request{.method = method, .body = std::move(body)};
        request.peer = {.uid = 1000, .user = "alice", .role = role};
        EXPECT_TRUE(control::parse_target(target, request));
        // Nothing is asked of it but the names of its groups, which are empty.
        alignas(service::Service) static std::byte nothing[sizeof(service::Service)];
        unsigned status = 0;
        refused.clear();
        logged.clear();
        control::answer(reinterpret_cast<service::Service&>(nothing), request,
                        {[&](const service::LogLine& line) { logged.push_back(line.text); },
                         [&](const service::Refusal& refusal) { refused.push_back(refusal); },
                         [] { return control::Groups{}; }},
                        [&](const control::Response& response) { status = response.status; });
        return status;
    }

    Role role = Role::operator_;
    std::vector<service::Refusal> refused;
    std::vector<std::string> logged;
};

TEST_F(Refusals, AreToldWithWhoAndWhatAndWhy)
{
    EXPECT_EQ(ask("PATCH", "/v1/rules/r7", R"({"countries": ["HK"]})"), 422U);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].actor, (Actor{1000, "alice"}));
    EXPECT_EQ(refused[0].request, "PATCH /v1/rules/r7");
    EXPECT_EQ(refused[0].status, 422U);
    EXPECT_EQ(refused[0].code, "basis_fixed");
    EXPECT_FALSE(refused[0].detail.empty());
    EXPECT_FALSE(refused[0].stranger);
    EXPECT_EQ(ask("POST", "/v1/orders", R"({"id": "O-1", "countries": ["HK"]})"), 422U);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].request, "POST /v1/orders");
    EXPECT_EQ(refused[0].code, "order_country");
}

TEST_F(Refusals, QuoteNothingOfWhatWasWrittenWrongly)
{
    for (const auto* body :
         {"{", R"({"id": "203.0.113.10"})", R"({"meeting": "A", "except": ["203.0.113.10/8"]})",
          R"({"meeting": "secret", "allow_only": ["XX"]})"}) {
        for (const auto* target : {"/v1/orders", "/v1/rules"}) {
            EXPECT_EQ(ask("POST", target, body), 400U) << body;
            ASSERT_EQ(refused.size(), 1U);
            EXPECT_EQ(refused[0].status, 400U);
            EXPECT_EQ(refused[0].detail, "");
            EXPECT_EQ(refused[0].request, std::string("POST ") + target);
        }
    }
    EXPECT_EQ(
        ask("POST", "/v1/orders", R"({"id": "O", "authority": "A", "jurisdiction": "EU", "legal_basis": "L",
                                            "received": "2026-11-22T12:00:00Z"})"),
        400U);
    EXPECT_EQ(refused.at(0).code, "order_country") << "the code is a word of ours";
}

TEST_F(Refusals, NameOnlyThePatternWhereASegmentIsAnAddressOrNoText)
{
    for (const auto* id : {"203.0.113.10", "udp:203.0.113.10:40000", "2001:db8::1", "%5B2001:db8::1%5D:443",
                           "a-203.0.113.10-z", "ip203.0.113.10", "a%0A203.0.113.10", "%FF", "%E2%80%AE"}) {
        EXPECT_EQ(ask("PUT", std::string("/v1/meetings/") + id, "{"), 400U) << id;
        ASSERT_EQ(refused.size(), 1U);
        EXPECT_EQ(refused[0].request, "PUT /v1/meetings/{}") << id;
    }
    EXPECT_EQ(ask("PUT", "/v1/meetings/" + std::string(5000, 'm'), "{"), 400U);
    EXPECT_EQ(refused.at(0).request, "PUT /v1/meetings/{}");
    EXPECT_EQ(ask("PUT", "/v1/meetings/a%0Ab%1B%5B2J", "{"), 400U);
    EXPECT_EQ(refused.at(0).request, "PUT /v1/meetings/a\\x0ab\\x1b[2J") << "harmless, and still told";
    EXPECT_EQ(ask("PUT", "/v1/meetings/board%20meeting", "{"), 400U);
    EXPECT_EQ(refused.at(0).request, "PUT /v1/meetings/board meeting");
}

TEST_F(Refusals, OfADryRunAreToldWhereAGuardrailForbidsItOnly)
{
    for (const auto asker : {Role::operator_, Role::viewer}) {
        role = asker;
        EXPECT_EQ(ask("POST", "/v1/rules?dry_run=true", "{"), 400U);
        EXPECT_TRUE(refused.empty());
        EXPECT_EQ(ask("POST", "/v1/rules?dry_run=true", R"({"meeting": "A", "countries": ["EU"]})"), 400U);
        ASSERT_EQ(refused.size(), 1U);
        EXPECT_EQ(refused[0].code, "not_a_country");
        EXPECT_EQ(refused[0].stranger, asker == Role::viewer);
    }
}

TEST_F(Refusals, OfPersonsAreToldOnlyWhereSomebodyMayNot)
{
    const auto* person = "/v1/meetings/A/participants/p-17";
    EXPECT_EQ(ask("PUT", person, R"({"ufrags": 1})"), 400U);
    EXPECT_TRUE(refused.empty());
    for (const auto other : {Role::viewer, Role::none}) {
        role = other;
        for (const auto* method : {"PUT", "DELETE"}) {
            EXPECT_EQ(ask(method, person, "{}"), 403U);
            ASSERT_EQ(refused.size(), 1U);
            EXPECT_EQ(refused[0].request, std::string(method) + " /v1/meetings/{}/participants/{}");
            EXPECT_EQ(refused[0].detail, "");
            EXPECT_TRUE(refused[0].stranger);
        }
    }
}

TEST_F(Refusals, OfWhoHasNoSayAreMarked)
{
    const struct {
        const char* method;
        const char* target;
    } changes[] = {
        {"POST", "/v1/orders"},
        {"POST", "/v1/orders/O-1/approve"},
        {"POST", "/v1/orders/O-1/reject"},
        {"POST", "/v1/rules"},
        {"POST", "/v1/orders/O-1/withdraw"},
        {"POST", "/v1/orders/O-1/extend"},
        {"PATCH", "/v1/rules/r1"},
        {"DELETE", "/v1/rules/r1"},
        {"PUT", "/v1/meetings/A"},
        {"DELETE", "/v1/meetings/A"},
        {"PUT", "/v1/declaration"},
        {"POST", "/v1/geo/reload"},
        {"POST", "/v1/geo/rollback"},
        {"POST", "/v1/batch"},
    };
    for (const auto other : {Role::viewer, Role::none}) {
        role = other;
        for (const auto& [method, target] : changes) {
            EXPECT_EQ(ask(method, target, "{}"), 403U) << target;
            ASSERT_EQ(refused.size(), 1U) << target;
            EXPECT_EQ(refused[0].request, std::string(method) + " " + target);
            EXPECT_EQ(refused[0].status, 403U);
            EXPECT_TRUE(refused[0].stranger);
        }
    }
}

TEST_F(Refusals, OfQuestionsAreNotTold)
{
    for (const auto* target : {"/v1/meetings/A/impact?country=XX", "/v1/meetings/A/notice?country=China",
                               "/v1/meetings/A/notice", "/v1/geo/nowhere", "/v1/audit?from=x",
                               "/v1/report?since=x", "/v1/orders?state=aproved", "/v1/status/x"}) {
        EXPECT_GE(ask("GET", target), 400U) << target;
        EXPECT_TRUE(refused.empty()) << target;
    }
    role = Role::none;
    for (const auto* target : {"/v1/status", "/v1/orders", "/v1/audit", "/v1/audit/head", "/v1/report"}) {
        EXPECT_EQ(ask("GET", target), 403U) << target;
        EXPECT_TRUE(refused.empty()) << target;
    }
}

TEST_F(Refusals, OfWhoWantsToSeeWherePeopleAreAreTold)
{
    for (const auto other : {Role::viewer, Role::none}) {
        role = other;
        for (const auto* query : {"addresses=true&purpose=x", "addresses", "addresses=1"}) {
            EXPECT_EQ(ask("GET", std::string("/v1/meetings/A/participants?") + query), 403U) << query;
            ASSERT_EQ(refused.size(), 1U);
            EXPECT_EQ(refused[0].request, "GET /v1/meetings/{}/participants");
            EXPECT_TRUE(refused[0].stranger);
            ASSERT_EQ(logged.size(), 1U);
        }
    }
    EXPECT_EQ(ask("GET", "/v1/meetings/A/participants?addresses=false"), 403U); // by nobody in particular
    EXPECT_TRUE(refused.empty());
}

TEST_F(Refusals, InABatchAreToldLineByLine)
{
    EXPECT_EQ(
        ask("POST", "/v1/batch", R"({"method": "PATCH", "path": "/v1/rules/r1", "body": {"countries": ["HK"]}}
{"method": "PUT", "path": "/v1/meetings/A/participants/p-17", "body": {"ufrags": 1}}
{"method": "GET", "path": "/v1/nowhere"}
)"),
        200U);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, "basis_fixed");
}

} // namespace
} // namespace meetfence::test
