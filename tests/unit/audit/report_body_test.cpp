// SPDX-License-Identifier: Apache-2.0
// Whatever stands in a log, a report comes out.
#include "audit/report_body.h"

#include <gtest/gtest.h>
#include <random>

#include "audit/report_words.h"
#include "tests/unit/audit/markup.h"
#include "tests/unit/audit/story.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kReplaced = "\xEF\xBF\xBD";

TEST(Harmless, KeepsWhatPeopleWrite)
{
    for (const auto* text :
         {"", "Court", "Gericht für Straßen", "最高人民法院", "محكمة", "👩‍⚖️ a\xE2\x80\x8D"}) {
        EXPECT_EQ(audit::harmless(text), text);
    }
}

TEST(Harmless, ReplacesWhatSteersOrIsNoText)
{
    for (const std::string text : {"\x01", "\n", "\x7f", "\xC2\x85", "\xE2\x80\xAE", "\xE2\x81\xA6",
                                   "\xD8\x9C", "\xEF\xBF\xBE", "\xF0\x9F\xBF\xBF"}) {
        EXPECT_EQ(audit::harmless("a" + text + "b"), "a" + std::string(kReplaced) + "b");
    }
    EXPECT_EQ(audit::harmless(std::string_view("a\0b", 3)), "a" + std::string(kReplaced) + "b");
    EXPECT_EQ(audit::harmless("a\xFF"
                              "b")
                  .find('\xFF'),
              std::string::npos);
    EXPECT_EQ(audit::harmless(std::string(501, 'x')), std::string(500, 'x') + "…");
}

TEST(Body, IsReadTolerantly)
{
    const Json body{
        {"t", "x"}, {"n", -3}, {"list", {"a", 1, nullptr, "b"}}, {"time", "yesterday"}, {"flag", 1}};
    EXPECT_EQ(audit::text_of(body, "n"), "");
    EXPECT_EQ(audit::number_of(body, "n"), 0U);
    EXPECT_EQ(audit::number_of(body, "t"), 0U);
    EXPECT_EQ(audit::texts_of(body, "list"), (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(audit::time_of(body, "time"));
    EXPECT_FALSE(audit::flag_of(body, "flag"));
    EXPECT_EQ(audit::country_of(body, "t"), "unknown");
    EXPECT_EQ(audit::text_of(Json::array({"t"}), "t"), "");
    EXPECT_EQ(audit::number_of(Json(), "t"), 0U);
}

Json random_value(std::mt19937& random, int depth)
{
    switch (random() % (depth > 0 ? 9 : 7)) {
    case 0:
        return nullptr;
    case 1:
        return random() % 2 == 0;
    case 2:
        return static_cast<std::int64_t>(random()) - 1000;
    case 3:
        return ~0ULL;
    case 4:
        return "2026-07-0" + std::to_string(1 + random() % 9) + "T00:00:00Z";
    case 5:
        return "<i>&\xE2\x80\xAE\xFF\"";
    case 6:
        return "r" + std::to_string(random() % 3);
    case 7:
        return Json::array({random_value(random, depth - 1), random_value(random, depth - 1)});
    default:
        return Json{{"type", random_value(random, depth - 1)}, {"build", random_value(random, depth - 1)}};
    }
}

const std::vector<std::string> kWhat{
    "order_recorded", "order_approved",   "order_rejected", "order_withdrawn", "order_suspended",
    "order_extended", "order_expired",    "rule_added",     "rule_changed",    "rule_withdrawn",
    "rule_suspended", "rule_ended",       "geo_loaded",     "request_refused", "change_failed",
    "changes_undone", "refusals_omitted", "order_",         "rule_",           "something_new"};
const std::vector<std::string> kKeys{"order",
                                     "rule",
                                     "meeting",
                                     "authority",
                                     "authority_type",
                                     "jurisdiction",
                                     "legal_basis",
                                     "received",
                                     "from",
                                     "until",
                                     "expires",
                                     "requested_until",
                                     "gag",
                                     "gag_until",
                                     "state",
                                     "reason",
                                     "countries",
                                     "allow_only",
                                     "participant",
                                     "mode",
                                     "pending",
                                     "ended",
                                     "packets_dropped",
                                     "participants_affected",
                                     "drops_checked",
                                     "databases",
                                     "agreement",
                                     "status",
                                     "code",
                                     "first",
                                     "last",
                                     "sequence",
                                     "count",
                                     "narrowing"};

Json random_body(std::mt19937& random)
{
    if (random() % 20 == 0) {
        return random_value(random, 2);
    }
    auto body = Json::object();
    for (const auto& key : kKeys) {
        if (random() % 3 != 0) {
            body[key] = random_value(random, 2);
        }
    }
    body["order"] = "O" + std::to_string(random() % 3);
    body["rule"] = "r" + std::to_string(random() % 3);
    return body;
}

// Entries that no line could hold, too: bytes that are no UTF-8, times in any order.
TEST(Report, ComesOutOfAnyBodies)
{
    std::mt19937 random(11);
    for (int round = 0; round < 200; ++round) {
        audit::ReportBuilder builder(when("2026-07-01"), when("2026-08-01"), "key");
        for (std::uint64_t i = 1; i < 60; ++i) {
            const auto time = when("2026-06-20") + std::chrono::hours(random() % 1200);
            builder.take({i, time, {}, kWhat[random() % kWhat.size()], random_body(random), "", "\xFF"});
        }
        const auto report = builder.finish();
        ASSERT_NO_THROW((void)read_markup(audit::to_html(report)));
        ASSERT_NO_THROW((void)audit::to_json(report).dump());
        ASSERT_NO_THROW((void)audit::to_csv(report));
    }
}

TEST(ReportWords, Durations)
{
    const auto plain = [](std::chrono::seconds duration) {
        auto text = audit::duration_words(duration);
        for (std::size_t at = 0; (at = text.find("\u00a0")) != std::string::npos;) {
            text.replace(at, 2, " ");
        }
        return text;
    };
    EXPECT_EQ(plain(0s), "0 s");
    EXPECT_EQ(plain(59s), "59 s");
    EXPECT_EQ(plain(61s), "1 min 1 s");
    EXPECT_EQ(plain(45min), "45 min");
    EXPECT_EQ(plain(25h), "1 d 1 h");
    EXPECT_EQ(plain(48h + 59min), "2 d");
}

TEST(ReportWords, Periods)
{
    const auto words = [](std::string_view since, std::string_view until) {
        return audit::period_words(Story().report(since, until));
    };
    EXPECT_EQ(words("2026-07-01", "2027-01-01"), "1 July to 31 December 2026");
    EXPECT_EQ(words("2026-07-01", "2026-08-01"), "1 to 31 July 2026");
    EXPECT_EQ(words("2026-12-01", "2027-03-01"), "1 December 2026 to 28 February 2027");
    EXPECT_EQ(words("2026-07-01", "2026-07-02"), "1 July 2026");
    EXPECT_EQ(words("2026-07-01T08:00:00Z", "2026-07-02"), "1 Jul 2026, 08:00 to 2 Jul 2026, 00:00");
    EXPECT_EQ(audit::period_words(Story().report(Time{}, when("2026-07-02"))),
              "Beginning of the log to 1 July 2026");
}

TEST(ReportWords, Numbers)
{
    EXPECT_EQ(audit::grouped(0), "0");
    EXPECT_EQ(audit::grouped(999), "999");
    EXPECT_EQ(audit::grouped(1000), "1,000");
    EXPECT_EQ(audit::grouped(1234567), "1,234,567");
}

} // namespace
} // namespace meetfence::test
