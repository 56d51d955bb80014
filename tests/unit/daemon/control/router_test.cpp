// SPDX-License-Identifier: Apache-2.0
// What the table of routes answers by itself, without the service behind it. The handlers need a kernel:
// tests/system.
#include "daemon/control/router.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

class Router : public testing::Test {
protected:
    control::Response ask(const std::string& method, std::string_view target)
    {
        control::Request request{.method = method};
        request.peer.role = control::Role::operator_;
        EXPECT_TRUE(control::parse_target(target, request));
        // Never read: no route is taken, or its handler refuses the body first.
        alignas(service::Service) static std::byte nothing[sizeof(service::Service)];
        control::Response answer{.status = 0};
        control::answer(reinterpret_cast<service::Service&>(nothing), request,
                        {[&](const service::LogLine& line) { logged.push_back(line.text); },
                         [&](const service::Refusal& refusal) { refused.push_back(refusal); },
                         [] { return control::Groups{}; },
                         [&](const service::Answered& answered) { counted.push_back(answered); }},
                        [&](control::Response response) { answer = std::move(response); });
        return answer;
    }

    std::vector<std::string> logged;
    std::vector<service::Refusal> refused;
    std::vector<service::Answered> counted;
};

TEST_F(Router, KnowsNoOtherResources)
{
    for (const auto* target : {"/",
                               "",
                               "/v1",
                               "/v2/status",
                               "/v1/statuses",
                               "/v1/status/",
                               "/v1/status/x",
                               "/v1/meetings/",
                               "/v1/meetings/A/B",
                               "/v1/meetings/A/participants/",
                               "/v1/meetings/A/participants/p/x",
                               "/v1/meetings//impact",
                               "/v1/batch/x",
                               "/v1/rules//",
                               "/v1//rules",
                               "/V1/status",
                               "/v1/geo/",
                               "/metrics/x",
                               "/v1/%7B%7D/x",
                               "/v1/orders/",
                               "/v1/orders/O-1/suspend",
                               "/v1/orders//approve",
                               "/v1/orders/O-1/approve/x",
                               "/v1/audit/1",
                               "/v1/report/x"}) {
        const auto response = ask("GET", target);
        EXPECT_EQ(response.status, 404U) << target;
        EXPECT_EQ(response.content_type, "application/problem+json") << target;
    }
    EXPECT_TRUE(logged.empty()) << logged.front();
}

TEST_F(Router, NamesTheMethodsThatAResourceHas)
{
    const struct {
        const char* method;
        const char* target;
        const char* allow;
    } cases[] = {
        {"POST", "/v1/status", "GET"},
        {"POST", "/v1/meetings", "GET"},
        {"POST", "/v1/meetings/A", "GET, PUT, DELETE"},
        {"DELETE", "/v1/rules", "GET, POST"},
        {"PUT", "/v1/rules/r1", "GET, PATCH, DELETE"},
        {"GET", "/v1/explain", "POST"},
        {"POST", "/v1/geo", "GET"},
        {"DELETE", "/v1/declaration", "GET, PUT"},
        {"get", "/v1/status", "GET"},
        {"", "/v1/events", "GET"},
        {"POST", "/v1/meetings/A/participants", "GET"},
        {"POST", "/v1/meetings/A/participants/p", "GET, PUT, DELETE"},
        {"PUT", "/v1/meetings/A/impact", "GET"},
        {"PUT", "/v1/meetings/A/notice", "GET"},
        {"GET", "/v1/batch", "POST"},
        {"DELETE", "/v1/orders", "GET, POST"},
        {"DELETE", "/v1/orders/O-1", "GET"},
        {"PUT", "/v1/orders/O-1", "GET"},
        {"PATCH", "/v1/orders/O-1", "GET"},
        {"GET", "/v1/orders/O-1/approve", "POST"},
        {"GET", "/v1/orders/O-1/extend", "POST"},
        {"DELETE", "/v1/audit", "GET"},
        {"POST", "/v1/audit/head", "GET"},
        {"POST", "/v1/report", "GET"},
    };
    for (const auto& [method, target, allow] : cases) {
        const auto response = ask(method, target);
        EXPECT_EQ(response.status, 405U) << method << " " << target;
        EXPECT_EQ(response.allow, allow) << target;
        EXPECT_MENTIONS(response.body, allow);
    }
    EXPECT_TRUE(logged.empty()) << logged.front();
}

TEST_F(Router, CountsEachRequestWithWhatItIsAbout)
{
    using service::Change;
    const struct {
        const char* method;
        const char* target;
        unsigned status;
        std::optional<Change> change;
    } cases[] = {
        {"GET", "/v2", 404, {}},
        {"PUT", "/v1/status", 405, {}},
        {"PUT", "/v1/meetings/A%00", 400, Change::meeting},
        {"PUT", "/v1/meetings/A/participants/p", 400, Change::participant},
        {"POST", "/v1/orders", 400, Change::order},
        {"POST", "/v1/rules", 400, Change::rule},
        {"POST", "/v1/rules?dry_run=true", 400, {}},
        {"PUT", "/v1/declaration", 400, Change::declaration},
        {"POST", "/v1/explain", 400, {}},
    };
    for (const auto& [method, target, status, change] : cases) {
        ask(method, target);
        EXPECT_EQ(counted.back().status, status) << target;
        EXPECT_EQ(counted.back().change, change) << target;
        EXPECT_GE(counted.back().took.count(), 0) << target;
    }
    EXPECT_EQ(counted.size(), std::size(cases));
}

// What somebody without any right asks for is logged, too: it must not look like other lines of the log.
TEST_F(Router, KeepsALoggedRequestOnOneLine)
{
    const auto response = ask("PUT", "/v1/meetings/A%0A%3C3%3Eforged%1B%5B2J%00");
    EXPECT_EQ(response.status, 400U);
    ASSERT_EQ(logged.size(), 1U);
    EXPECT_MENTIONS(logged[0], "PUT /v1/meetings/A");
    for (const char c : logged[0]) {
        EXPECT_FALSE(c >= 0 && c < ' ') << "control character " << static_cast<int>(c);
    }
}

} // namespace
} // namespace meetfence::test
