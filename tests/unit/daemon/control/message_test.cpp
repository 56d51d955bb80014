// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/message.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using control::Request;
using Path = std::vector<std::string>;
using Query = std::map<std::string, std::string>;

Request parsed(std::string_view target)
{
    Request request;
    const auto result = control::parse_target(target, request);
    EXPECT_TRUE(result) << target << ": " << error_of(result);
    return request;
}

TEST(RequestTarget, IsSplitIntoDecodedSegmentsAndQuery)
{
    const struct {
        std::string_view target;
        Path path;
        Query query;
    } cases[] = {
        {"/v1/status", {"v1", "status"}, {}},
        {"v1/status", {"v1", "status"}, {}},
        {"/v1/meetings/A", {"v1", "meetings", "A"}, {}},
        {"/v1/meetings/room%2F7%3Fx%3d%25", {"v1", "meetings", "room/7?x=%"}, {}},
        {"/v1/meetings/%C3%A9", {"v1", "meetings", "\xc3\xa9"}, {}},
        {"/v1/meetings/", {"v1", "meetings", ""}, {}},
        {"//v1", {"", "v1"}, {}},
        {"/", {""}, {}},
        {"", {}, {}},
        {"/v1/rules?meeting=A", {"v1", "rules"}, {{"meeting", "A"}}},
        {"/v1/rules?meeting=A%26B&dry_run=true", {"v1", "rules"}, {{"meeting", "A&B"}, {"dry_run", "true"}}},
        {"/v1/events?follow", {"v1", "events"}, {{"follow", ""}}},
        {"/v1/rules?why=a=b?c", {"v1", "rules"}, {{"why", "a=b?c"}}},
        {"/v1/rules?why=a+b", {"v1", "rules"}, {{"why", "a+b"}}}, // RFC 3986 knows no + for a blank
        {"/v1/rules?", {"v1", "rules"}, {}},
    };
    for (const auto& [target, path, query] : cases) {
        const auto request = parsed(target);
        EXPECT_EQ(request.path, path) << target;
        EXPECT_EQ(request.query, query) << target;
    }
}

TEST(RequestTarget, IsRefusedWhereAnEscapeIsBroken)
{
    for (const auto* target : {"/v1/%", "/v1/%4", "/v1/%zz", "/v1/%4g", "/v1/%-1", "/v1/a%", "/v1/x?a=%4",
                               "/v1/x?%zz=1", "/v1/% 41", "/v1/%+1"}) {
        Request request;
        const auto result = control::parse_target(target, request);
        ASSERT_FALSE(result) << target;
        EXPECT_EQ(result.error().code, ErrorCode::invalid) << target;
    }
}

TEST(RequestFlag, IsSetByItsNameAloneOrByTrue)
{
    EXPECT_TRUE(parsed("/x?dry_run").flag("dry_run"));
    EXPECT_TRUE(parsed("/x?dry_run=").flag("dry_run"));
    EXPECT_TRUE(parsed("/x?dry_run=true").flag("dry_run"));
    EXPECT_TRUE(parsed("/x?dry_run=1").flag("dry_run"));
    EXPECT_FALSE(parsed("/x?dry_run=false").flag("dry_run"));
    EXPECT_FALSE(parsed("/x?dry_run=0").flag("dry_run"));
    EXPECT_FALSE(parsed("/x").flag("dry_run"));
}

TEST(JsonResponse, IsOneLineOfJson)
{
    const auto response = control::json_response({{"a", 1}, {"b", {1, 2}}}, 201);
    EXPECT_EQ(response.status, 201U);
    EXPECT_EQ(response.body, "{\"a\":1,\"b\":[1,2]}\n");
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_FALSE(response.stream_events);
}

TEST(JsonResponse, ReplacesWhatIsNoUtf8)
{
    const auto response = control::json_response({{"why", "a\xff\xfe z\xc3"}});
    EXPECT_EQ(response.body, "{\"why\":\"a\xef\xbf\xbd\xef\xbf\xbd z\xef\xbf\xbd\"}\n");
}

TEST(Problem, SaysWhatIsWrongInTheFormOfRfc9457)
{
    const struct {
        ErrorCode code;
        unsigned status;
        const char* title;
    } cases[] = {
        {ErrorCode::invalid, 400, "Bad Request"},
        {ErrorCode::forbidden, 403, "Forbidden"},
        {ErrorCode::not_found, 404, "Not Found"},
        {ErrorCode::conflict, 409, "Conflict"},
        {ErrorCode::exhausted, 507, "Insufficient Storage"},
        {ErrorCode::unreachable, 503, "Service Unavailable"},
        {ErrorCode::internal, 500, "Internal Server Error"},
    };
    for (const auto& [code, status, title] : cases) {
        const auto response = control::problem(Error{code, "what \"happened\"\n\xff"});
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(response.content_type, "application/problem+json");
        const auto body = value_of(parse_json(response.body, "problem"));
        EXPECT_EQ(body.at("type"), "about:blank");
        EXPECT_EQ(body.at("title"), title);
        EXPECT_EQ(body.at("status"), status);
        EXPECT_EQ(body.at("detail"), "what \"happened\"\n\xef\xbf\xbd");
    }
    for (const auto& [status, title] : {std::pair(405U, "Method Not Allowed"), {413U, "Content Too Large"}}) {
        const auto response = control::problem(status, "");
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(value_of(parse_json(response.body, "problem")).at("title"), title);
    }
}

} // namespace
} // namespace meetfence::test
