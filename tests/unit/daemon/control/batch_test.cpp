// SPDX-License-Identifier: Apache-2.0
// A batch, and the routes of participants, as far as they go without the service behind them. What they do is
// tests/system's.
#include "daemon/control/batch.h"

#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using control::Role;

class Batch : public testing::Test {
protected:
    control::Response ask(const std::string& method, std::string_view target, std::string body = {})
    {
        control::Request request{.method = method, .body = std::move(body)};
        request.peer = {.uid = 1000, .user = "alice", .role = role};
        EXPECT_TRUE(control::parse_target(target, request));
        // Nothing is asked of it but the names of its groups, which are empty.
        alignas(service::Service) static std::byte nothing[sizeof(service::Service)];
        control::Response answer{.status = 0};
        control::answer(reinterpret_cast<service::Service&>(nothing), request,
                        {[&](const service::LogLine& line) { logged.push_back(line.text); },
                         [&](const service::Refusal& refusal) { refused.push_back(refusal); },
                         [] { return control::Groups{}; }},
                        [&](control::Response response) { answer = std::move(response); });
        return answer;
    }

    /// The answers, a line each.
    std::vector<Json> batch(const std::string& lines)
    {
        const auto response = ask("POST", "/v1/batch", lines);
        EXPECT_EQ(response.status, 200U) << response.body;
        EXPECT_EQ(response.content_type, "application/x-ndjson");
        std::vector<Json> answers;
        for (std::size_t begin = 0; begin < response.body.size();) {
            const auto end = response.body.find('\n', begin);
            EXPECT_NE(end, std::string::npos) << "the last line has no end";
            answers.push_back(value_of(parse_json(response.body.substr(begin, end - begin), "line")));
            begin = end + 1;
        }
        return answers;
    }

    void expect_statuses(const std::vector<Json>& answers, std::initializer_list<unsigned> wanted)
    {
        std::vector<unsigned> statuses;
        for (const auto& answer : answers) {
            statuses.push_back(answer.at("status").get<unsigned>());
        }
        EXPECT_EQ(statuses, std::vector(wanted));
    }

    Role role = Role::operator_;
    std::vector<std::string> logged;
    std::vector<service::Refusal> refused;
};

TEST_F(Batch, AnswersEveryLineInItsOrder)
{
    const auto answers =
        batch("{\"method\": \"GET\", \"path\": \"/v1/nowhere\"}\n"
              "no json\n"
              "{\"method\": \"POST\", \"path\": \"/v1/status\"}\n"
              "{\"method\": \"PUT\", \"path\": \"/v1/meetings/A\", \"body\": {\"endpoints\": 7}}\n");
    expect_statuses(answers, {404, 400, 405, 400});
    for (const auto& answer : answers) {
        EXPECT_EQ(answer.at("type"), "about:blank");
        EXPECT_FALSE(answer.at("detail").get<std::string>().empty());
    }
    EXPECT_MENTIONS(answers[3].at("detail").get<std::string>(), "endpoints");
}

TEST_F(Batch, ReadsLinesAsTheyComeFromAnySystem)
{
    const std::string line = "{\"method\":\"GET\",\"path\":\"/v1/nowhere\"}";
    expect_statuses(batch(""), {});
    expect_statuses(batch("\n \n\r\n"), {});
    expect_statuses(batch(line), {404}); // the last one has no end
    expect_statuses(batch(line + "\r\n" + line + "\r\n\n\n" + line + "\n"), {404, 404, 404});
}

TEST_F(Batch, SaysWhatIsWrongWithALine)
{
    const struct {
        const char* line;
        const char* says;
    } cases[] = {
        {"{", "JSON"},
        {"[]", "object"},
        {"{}", "'method' and 'path'"},
        {R"({"method": "GET"})", "'path'"},
        {R"({"path": "/v1/status"})", "'method'"},
        {R"({"method": 1, "path": "/v1/status"})", "method"},
        {R"({"method": "GET", "path": "/v1/%zz"})", "broken escape"},
        {R"({"method": "GET", "path": "/v1/status", "bdy": {}})", "body?"},
        {R"({"method": "PUT", "path": "/v1/meetings/A", "body": []})", "object"},
    };
    for (const auto& [line, says] : cases) {
        const auto answers = batch(line);
        ASSERT_EQ(answers.size(), 1U) << line;
        EXPECT_EQ(answers[0].at("status"), 400) << line;
        EXPECT_MENTIONS(answers[0].at("detail").get<std::string>(), says);
    }
}

TEST_F(Batch, HasNoLinesOfLongWorkAndNoBatches)
{
    const auto answers = batch(R"({"method": "POST", "path": "/v1/batch", "body": {}}
{"method": "POST", "path": "/v1/geo/reload"}
{"method": "POST", "path": "/v1/geo/rollback"}
{"method": "POST", "path": "/v1/geo/diff"}
)");
    expect_statuses(answers, {400, 400, 400, 400});
    for (const auto& answer : answers) {
        EXPECT_MENTIONS(answer.at("detail").get<std::string>(), "no line of a batch");
    }
}

TEST_F(Batch, IsOneLineOfTheLogAndItsParticipantsAreNone)
{
    batch(R"({"method": "PUT", "path": "/v1/meetings/A/participants/p-17", "body": {"ufrags": 1}}
{"method": "PUT", "path": "/v1/meetings/A/participants/p-18", "body": {"flows": [{"local": "x", "remote": "203.0.113.10:1"}]}}
{"method": "GET", "path": "/v1/meetings/A/notice"}
)");
    ASSERT_EQ(logged.size(), 1U);
    EXPECT_MENTIONS(logged[0], "alice");
    EXPECT_MENTIONS(logged[0], "POST /v1/batch done: 3 lines, 3 of them refused");
}

TEST_F(Batch, LogsEveryChangeOfAMeetingInItsLines)
{
    batch(R"({"method": "PUT", "path": "/v1/meetings/A", "body": {"endpoints": 7}})");
    ASSERT_EQ(logged.size(), 2U);
    EXPECT_MENTIONS(logged[0], "PUT /v1/meetings/A refused (400)");
}

TEST_F(Batch, IsForOperators)
{
    for (const auto other : {Role::viewer, Role::none}) {
        role = other;
        logged.clear();
        EXPECT_EQ(ask("POST", "/v1/batch", R"({"method": "GET", "path": "/v1/status"})").status, 403U);
        EXPECT_EQ(ask("PUT", "/v1/meetings/A/participants/p-17", "{}").status, 403U);
        EXPECT_EQ(ask("DELETE", "/v1/meetings/A/participants/p-17").status, 403U);
        ASSERT_EQ(logged.size(), 3U); // who tried, and what; not about whom
        EXPECT_MENTIONS(logged[0], "POST /v1/batch refused (403)");
        EXPECT_MENTIONS(logged[1], "PUT /v1/meetings/{}/participants/{} refused (403)");
        EXPECT_FALSE(mentions(logged[1] + logged[2], "p-17"));
    }
}

TEST_F(Batch, ParticipantsAreRefusedWithoutAWordInTheLog)
{
    const struct {
        const char* method;
        const char* target;
        const char* body;
        const char* says;
    } cases[] = {
        {"PUT", "/v1/meetings/A/participants/p-17", "", "JSON"},
        {"PUT", "/v1/meetings/A/participants/p-17", "[]", "object"},
        {"PUT", "/v1/meetings/A/participants/p-17", R"({"ufrag": []})", "ufrags?"},
        {"PUT", "/v1/meetings/A/participants/p%2017", "{}", "identifier"},
        {"PUT", "/v1/meetings/A/participants/p-17",
         R"({"flows": [{"local": "udp:198.18.0.1:40000", "remote": "203.0.113.10"}]})", "remote"},
        {"PUT", "/v1/meetings/A/participants/p-17",
         R"({"ufrags": [{"endpoint": "udp:*:40000", "ufrag": "a:b"}]})", "ufrag"},
    };
    for (const auto& [method, target, body, says] : cases) {
        const auto response = ask(method, target, body);
        EXPECT_EQ(response.status, 400U) << body;
        EXPECT_MENTIONS(response.body, says);
    }
    EXPECT_TRUE(logged.empty()) << logged.front();
}

TEST_F(Batch, NoticesAreForSomebody)
{
    for (const auto* target :
         {"/v1/meetings/A/notice", "/v1/meetings/A/notice?country=",
          "/v1/meetings/A/notice?country=&participant=", "/v1/meetings/A/notice?coutry=CN"}) {
        const auto response = ask("GET", target);
        EXPECT_EQ(response.status, 400U) << target;
        EXPECT_MENTIONS(response.body, "?country=CC");
    }
    const auto response = ask("GET", "/v1/meetings/A/notice?country=China");
    EXPECT_EQ(response.status, 400U);
    EXPECT_MENTIONS(response.body, "China");
    EXPECT_TRUE(logged.empty()) << logged.front();
}

TEST_F(Batch, ImpactIsAskedForCountriesThatThereAre)
{
    for (const auto* query : {"", "CN,", ",CN", "CN,,US", "C", "CN US", "XX", "ZZZ"}) {
        const auto response = ask("GET", "/v1/meetings/A/impact?country=" + std::string(query));
        EXPECT_EQ(response.status, 400U) << query;
    }
    EXPECT_TRUE(logged.empty()) << logged.front();
}

} // namespace
} // namespace meetfence::test
