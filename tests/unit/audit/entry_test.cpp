// SPDX-License-Identifier: Apache-2.0
// There is one way to write an entry: made lines are read back as they were meant, and everything else is
// refused, also where it says the same.
#include <gtest/gtest.h>

#include "audit/sha256.h"
#include "tests/unit/audit/made_log.h"

namespace meetfence::test {
namespace {

using audit::Draft;
using audit::Head;
using audit::make_line;
using audit::parse_line;
using audit::sequence_of;

const Time kNoon = at("2026-11-22T12:00:00Z");

// A line with a hash of its own, whatever it says: what a forger can make.
std::string with_hash(const std::string& hashed)
{
    return hashed + R"(,"hash":")" + audit::sha256_hex(hashed) + "\"}";
}

std::string hashed_part(const std::string& line)
{
    return line.substr(0, line.rfind(",\"hash\":"));
}

std::string line_of(Json body)
{
    Head head;
    return make_line(head, kNoon, {.actor = {1000, "alice"}, .what = "x", .body = std::move(body)});
}

TEST(AuditLine, IsWrittenAsTheFormatSays)
{
    Head head;
    const auto line =
        make_line(head, kNoon,
                  {.actor = {1000, "alice"},
                   .what = "order_recorded",
                   .body = {{"order", "O"}, {"from", nullptr}, {"b", {{"d", 1}, {"c", {2, 1}}}}}});
    const auto hashed =
        R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"order_recorded",)"
        R"("body":{"b":{"c":[2,1],"d":1},"from":null,"order":"O"},"prev":")" +
        std::string(64, '0') + "\"";
    EXPECT_EQ(line, with_hash(hashed));
    EXPECT_EQ(head, (Head{1, audit::sha256_hex(hashed)}));
}

TEST(AuditLine, NamesTheHashOfTheOneBefore)
{
    Head head;
    static_cast<void>(make_line(head, kNoon, draft(1)));
    const auto first = head;
    const auto entry = value_of(parse_line(make_line(head, kNoon, draft(2))));
    EXPECT_EQ(entry.sequence, 2U);
    EXPECT_EQ(entry.prev, first.hash);
    EXPECT_EQ(entry.hash, head.hash);
}

TEST(AuditLine, IsReadBackAsItWasMeant)
{
    Head head;
    for (std::size_t i = 0; i < 30; ++i) {
        const auto meant = draft(i);
        const auto time = kNoon + std::chrono::hours(i * 1000);
        const auto entry = value_of(parse_line(make_line(head, time, meant)));
        EXPECT_EQ(entry.sequence, i + 1);
        EXPECT_EQ(entry.time, time);
        EXPECT_EQ(entry.actor, meant.actor);
        EXPECT_EQ(entry.what, meant.what);
        EXPECT_EQ(entry.body.at("text"), meant.body.at("text"));
        EXPECT_EQ(entry.body.at("inner").at("a").at("y"), -2);
        EXPECT_EQ(entry.body.begin().key(), "inner") << "keys are sorted";
    }
}

TEST(AuditLine, TakesEveryCharacterOfUnicode)
{
    std::string text;
    const auto add = [&](char32_t c) {
        if (c < 0x80) {
            text += static_cast<char>(c);
        } else if (c < 0x800) {
            text += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
        } else if (c < 0x10000) {
            text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
                     static_cast<char>(0x80 | (c & 0x3F))};
        } else {
            text += {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3F)),
                     static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
        }
    };
    for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 251) {
        if (c < 0xD800 || c > 0xDFFF) {
            add(c);
        }
    }
    const auto line = line_of({{text, text}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(value_of(parse_line(line)).body.at(text), text);
    Head head;
    const auto named = make_line(head, kNoon, {.actor = {0, text}, .what = text, .body = Json::object()});
    EXPECT_EQ(value_of(parse_line(named)).actor.user, text);
}

TEST(AuditLine, CanBeWrittenWhateverHappened)
{
    const Json odd[] = {
        {{"text", "\xff\xfe not UTF-8 \xc3"}},        {{"\x80key", 1}}, {{"fraction", 0.1}},
        {{"huge", UINT64_MAX}, {"least", INT64_MIN}}, Json(nullptr),    Json::object(),
    };
    for (const auto& body : odd) {
        const auto line = line_of(body);
        const auto entry = parse_line(line);
        EXPECT_TRUE(entry) << line << ": " << error_of(entry);
    }
    EXPECT_EQ(value_of(parse_line(line_of({{"fraction", 0.5}}))).body.at("fraction"), "0.5");
    EXPECT_EQ(value_of(parse_line(line_of(Json(nullptr)))).body, Json::object());
}

TEST(AuditLine, RefusesWhatSaysTheSameInAnotherWay)
{
    const auto zeros = std::string(64, '0');
    const auto with = [&](const std::string& head, const std::string& body) {
        return with_hash(head + ",\"body\":" + body + ",\"prev\":\"" + zeros + "\"");
    };
    const std::string head =
        R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"x")";
    ASSERT_TRUE(parse_line(with(head, R"({"a":1,"b":{"c":"ü"}})")));
    for (const auto* body : {R"({"b":{"c":"ü"},"a":1})",
                             R"({"a": 1,"b":{"c":"ü"}})",
                             R"({"a":1,"b":{"c":"\u00fc"}})",
                             R"({"a":1.0,"b":{"c":"ü"}})",
                             R"({"a":1e0,"b":{"c":"ü"}})",
                             R"({"a":-0,"b":{}})",
                             R"({"a":01})",
                             R"({"a":0.5})",
                             R"({"a":1,"a":1})",
                             R"({"a":"\/"})",
                             R"({"a":"\u0041"})",
                             R"({"a":"\u000A"})",
                             R"({} )",
                             R"([])",
                             R"(null)",
                             R"("text")",
                             R"({"a":18446744073709551616})",
                             "{\"a\":\"\x01\"}",
                             "{\"a\":\"\xff\"}",
                             R"(nothing)"}) {
        EXPECT_FALSE(parse_line(with(head, body))) << body;
    }
    for (const std::size_t deep : {100U, 1000000U}) {
        const auto body = "{\"a\":" + std::string(deep, '[') + std::string(deep, ']') + "}";
        EXPECT_FALSE(parse_line(with(head, body))) << deep;
    }
    for (
        const auto* other :
        {R"({"seq":1,"time":"2026-11-22t12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00+00:00","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00.0Z","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"user":"alice","uid":1000},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","what":"x","actor":{"uid":1000,"user":"alice"})",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":4294967296,"user":"alice"},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice","group":1},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":null},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"})",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","what":"x")",
         R"({"seq":1,"time":"noon","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":01,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":-1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":"1","time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"x")",
         R"({"seq":1,"time":"2026-11-22T12:00:00Z","actor":{"uid":1000,"user":"alice"},"what":"x","note":1)",
         R"({"time":"2026-11-22T12:00:00Z","seq":1,"actor":{"uid":1000,"user":"alice"},"what":"x")"}) {
        EXPECT_FALSE(parse_line(with(other, "{}"))) << other;
    }
}

TEST(AuditLine, RefusesAPrevThatIsNoHash)
{
    const auto hashed = hashed_part(line_of(Json::object()));
    const auto before = hashed.substr(0, hashed.find(",\"prev\":"));
    EXPECT_TRUE(parse_line(with_hash(before + ",\"prev\":\"" + std::string(64, '0') + "\"")));
    for (const auto* prev : {"null", "\"\"", "0"}) {
        EXPECT_FALSE(parse_line(with_hash(before + ",\"prev\":" + prev))) << prev;
    }
    EXPECT_FALSE(parse_line(with_hash(before + ",\"prev\":\"" + std::string(64, 'A') + "\"")));
    EXPECT_FALSE(parse_line(with_hash(before)));
}

TEST(AuditLine, RefusesWhatStandsAroundIt)
{
    const auto line = line_of({{"a", 1}});
    for (const auto& other :
         {line + " ", " " + line, line + "\r", line + "\n", "\xEF\xBB\xBF" + line, line + line, std::string(),
          std::string("{}"), line + std::string(1, '\0'), std::string(1000, '\0'), std::string("null")}) {
        EXPECT_FALSE(parse_line(other)) << other;
    }
}

TEST(AuditLine, SaysWhatItCallsItselfEvenWhereItIsDamaged)
{
    EXPECT_EQ(sequence_of(line_of(Json::object())), 1U);
    EXPECT_EQ(sequence_of(R"({"seq":18446744073709551615,"tim)"), UINT64_MAX);
    for (const auto* odd : {"", "{", R"({"seq":)", R"({"seq":,)", R"({"seq":5)", R"({"seq":-5,)",
                            R"({"seq":x,)", R"({"seq":18446744073709551616,)", R"( {"seq":5,)"}) {
        EXPECT_EQ(sequence_of(odd), 0U) << odd;
    }
}

} // namespace
} // namespace meetfence::test
