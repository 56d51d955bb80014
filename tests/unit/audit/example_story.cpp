// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/audit/example_story.h"

#include <array>
#include <fmt/format.h>

namespace meetfence::test {
namespace {

std::string later(std::string_view time, int hours)
{
    return format_time(when(time) + std::chrono::hours(hours));
}

void database(Story& story, std::string_view time, std::string_view build)
{
    story.tell(time, "geo_loaded",
               {{"generation", 1},
                {"agreement", "all"},
                {"databases",
                 {{{"type", "Example-Country"}, {"build", build}, {"sha256", std::string(64, 'a')}},
                  {{"type", "Second-Country"}, {"build", build}, {"sha256", std::string(64, 'b')}}}},
                {"prefixes_v4", 410000},
                {"prefixes_v6", 180000}});
}

void reject(Story& story, std::string_view time, std::string_view order, std::string_view reason)
{
    story.tell(time, "order_rejected", {{"order", order}, {"reason", reason}, {"text", ""}});
}

// Orders that were followed.
void followed(Story& story)
{
    story.order("2026-07-06T09:20:00Z", "2026-014",
                {{"authority", "Regional Court of Examplia"},
                 {"office", "Third Chamber"},
                 {"jurisdiction", "DE"},
                 {"legal_basis", "Example Meetings Act, section 12 (2)"},
                 {"requested_until", "2026-08-05T09:20:00Z"},
                 {"narrowing", "one meeting instead of all of the account, and three days instead of thirty"},
                 {"received", "2026-07-03T14:00:00Z"}});
    story.approve("2026-07-07T08:00:00Z", "2026-014");
    story.rule("2026-07-07T08:30:00Z", "r1", "weekly", "2026-07-09T09:20:00Z", "2026-014",
               {{"countries", {"DE"}}});
    story.rule_ended("2026-07-09T09:20:00Z", "r1", 3, 184220);

    story.order("2026-08-17T10:00:00Z", "2026-021",
                {{"authority", "محكمة المثال الابتدائية"},
                 {"jurisdiction", "SA"},
                 {"legal_basis", "نظام الاجتماعات، المادة 4"},
                 {"requested_until", "2026-08-19T10:00:00Z"},
                 {"expires", "2026-08-19T10:00:00Z"},
                 {"received", "2026-08-16T07:30:00Z"},
                 {"channel", "signed-pdf"}});
    story.approve("2026-08-17T16:10:00Z", "2026-021");
    story.rule("2026-08-17T16:15:00Z", "r2", "seminar", "2026-08-19T10:00:00Z", "2026-021",
               {{"countries", {"SA"}}});
    story.rule("2026-08-17T16:20:00Z", "r3", "seminar-2", "2026-08-19T10:00:00Z", "2026-021",
               {{"countries", {"SA"}}});
    story.rule_ended("2026-08-19T10:00:00Z", "r2", 11, 2260114);
    story.rule_ended("2026-08-19T10:00:00Z", "r3", 6, 402871);
}

void turned_down(Story& story)
{
    story.order("2026-07-20T11:00:00Z", "2026-016",
                {{"authority", "Ministry of Public Order"},
                 {"authority_type", "agency"},
                 {"office", "Directorate 4"},
                 {"legal_basis", "Decree 112"},
                 {"expires", "2026-08-18T11:00:00Z"}});
    reject(story, "2026-07-21T09:00:00Z", "2026-016", "outside_jurisdiction");
    story.order("2026-09-02T08:00:00Z", "2026-024",
                {{"authority", "Police Department of Sampletown"},
                 {"authority_type", "agency"},
                 {"jurisdiction", "US"},
                 {"legal_basis", "None given"},
                 {"channel", "oral"}});
    reject(story, "2026-09-02T08:45:00Z", "2026-024", "oral_only");
    story.order("2026-10-12T13:00:00Z", "2026-027",
                {{"authority", "Communications Authority"},
                 {"authority_type", "agency"},
                 {"jurisdiction", "CN"},
                 {"requested_until", "2027-10-12T13:00:00Z"},
                 {"expires", "2026-11-11T13:00:00Z"},
                 {"legal_basis", "Network Regulation, article 9"}});
    reject(story, "2026-10-20T10:00:00Z", "2026-027", "overbroad");
    story.order("2026-10-26T13:00:00Z", "2026-028",
                {{"authority", "Communications Authority"},
                 {"authority_type", "agency"},
                 {"jurisdiction", "CN"},
                 {"legal_basis", "Network Regulation, article 9"}});
    story.tell("2026-10-27T10:00:00Z", "order_withdrawn", {{"order", "2026-028"}, {"why", "sent again"}});
}

// One that went wrong, one that is kept secret, one that goes on.
void unfinished(Story& story)
{
    story.order("2026-10-05T09:00:00Z", "2026-026",
                {{"authority", "Communications Authority"},
                 {"authority_type", "agency"},
                 {"legal_basis", "Network Regulation, article 7"},
                 {"requested_until", "2026-10-12T09:00:00Z"},
                 {"expires", "2026-10-12T09:00:00Z"}});
    story.approve("2026-10-07T12:00:00Z", "2026-026");
    story.rule("2026-10-07T12:05:00Z", "r6", "lecture", "2026-10-12T09:00:00Z", "2026-026");
    story.tell(
        "2026-10-08T18:40:00Z", "rule_suspended",
        {{"rule", "r6"}, {"meeting", "lecture"}, {"basis", "order"}, {"order", "2026-026"}, {"why", "x"}});
    story.tell("2026-10-08T18:40:00Z", "order_suspended",
               {{"order", "2026-026"}, {"rule", "r6"}, {"why", "x"}});
    story.rule_ended("2026-10-08T18:40:00Z", "r6", 2, 51200, {{"drops_outside_scope", 1}});

    story.order("2026-11-16T09:00:00Z", "2026-030",
                {{"jurisdiction", "FR"}, {"gag", true}, {"gag_until", "2027-05-16T00:00:00Z"}});
    story.approve("2026-11-18T12:00:00Z", "2026-030");
    story.rule("2026-11-18T12:00:00Z", "r7", "closed", "2026-11-19T09:00:00Z", "2026-030",
               {{"countries", {"FR"}}});
    story.rule_ended("2026-11-19T09:00:00Z", "r7", 7, 12040);

    story.order("2026-12-18T09:00:00Z", "2026-033",
                {{"authority", "Regional Court of Examplia"},
                 {"office", "First Chamber"},
                 {"jurisdiction", "DE"},
                 {"legal_basis", "Example Meetings Act, section 12 (1)"},
                 {"received", "2026-12-17T10:00:00Z"},
                 {"expires", "2026-12-25T09:00:00Z"}});
    story.approve("2026-12-18T15:00:00Z", "2026-033");
    story.rule("2026-12-18T15:00:00Z", "r8", "weekly", "2027-01-08T09:00:00Z", "2026-033",
               {{"countries", {"DE"}}});
    story.tell("2026-12-24T10:00:00Z", "order_extended",
               {{"order", "2026-033"},
                {"expired_before", "2026-12-25T09:00:00Z"},
                {"expires", "2027-01-08T09:00:00Z"}});
    story.order("2026-12-30T15:00:00Z", "2026-034",
                {{"authority", "Provincial Prosecutor"},
                 {"authority_type", "agency"},
                 {"jurisdiction", "BR"},
                 {"legal_basis", "Code of Procedure, article 88"},
                 {"requested_until", "2027-01-30T00:00:00Z"}});
}

void by_hosts(Story& story)
{
    constexpr auto kCountries = std::to_array<std::string_view>({"BR", "CN", "NG", "RU", "US"});
    auto time = std::string("2026-07-02T07:00:00Z");
    for (unsigned i = 0; i < 46; ++i) {
        const auto id = fmt::format("r{}", 100 + i);
        const auto until = later(time, 2 + static_cast<int>(i * i % 61));
        const Json whom = i % 11 == 10
                              ? Json{{"countries", Json::array()}, {"participant", "0011223344556677"}}
                          : i % 7 == 6 ? Json{{"countries", Json::array()}, {"allow_only", {"DE", "FR"}}}
                                       : Json{{"countries", {kCountries.at(i * i % kCountries.size())}}};
        story.rule(time, id, fmt::format("room-{}", i % 17), until, {}, whom);
        story.rule_ended(until, id, i % 9, i * 1731);
        time = later(time, 20 + static_cast<int>(i * 37 % 150));
    }
}

void refuse(Story& story, std::string_view time, unsigned status, const Json& code, unsigned times)
{
    for (unsigned i = 0; i < times; ++i) {
        story.tell(time, "request_refused",
                   {{"request", "POST /v1/rules"}, {"status", status}, {"code", code}, {"detail", "x"}});
    }
}

} // namespace

Story example_story()
{
    Story story;
    story.tell("2026-06-29T06:00:00Z", "daemon_started", {{"version", "1.0"}});
    database(story, "2026-06-29T06:00:01Z", "2026-06-17T00:00:00Z");
    by_hosts(story);
    followed(story);
    turned_down(story);
    for (const auto* month : {"07", "08", "09", "10", "11", "12"}) {
        database(story, fmt::format("2026-{}-18T03:00:00Z", month),
                 fmt::format("2026-{}-17T00:00:00Z", month));
    }
    story.tell("2026-09-19T03:00:00Z", "geo_refused", {{"why", "x"}});
    unfinished(story);
    refuse(story, "2026-07-07T08:10:00Z", 409, "order_country", 2);
    refuse(story, "2026-08-17T10:05:00Z", 409, "own_approval", 1);
    refuse(story, "2026-09-02T08:30:00Z", 409, "order_oral", 1);
    refuse(story, "2026-11-02T08:30:00Z", 403, nullptr, 4);
    for (const auto* time : {"2026-08-18T09:00:00Z", "2026-10-09T07:00:00Z"}) {
        story.tell(time, "addresses_shown", {{"meeting", "seminar"}, {"purpose", "x"}, {"participants", 4}});
    }
    return story;
}

Story long_story(unsigned orders)
{
    constexpr auto kCountries = std::to_array<std::string_view>({"BR", "CN", "DE", "HK", "IN", "TW", "US"});
    Story story;
    auto time = std::string("2026-07-02T07:00:00Z");
    for (unsigned i = 0; i < orders; ++i) {
        const auto id = fmt::format("order-{}", i + 1);
        const auto rule = fmt::format("r{}", i + 1);
        const auto until = later(time, 72);
        story.order(time, id,
                    {{"jurisdiction", kCountries.at(i * i % kCountries.size())},
                     {"authority_type", i % 3 == 0 ? "agency" : "court"},
                     {"requested_until", i % 4 == 1 ? Json() : Json(later(time, 24 << (i % 6)))},
                     {"narrowing", i % 5 == 2 ? Json("less") : Json()}});
        const auto decided = later(time, 1 + static_cast<int>(i * 5 % 40));
        if (i % 6 == 5) {
            reject(story, decided, id, i % 4 == 3 ? "overbroad" : "no_authority");
        } else {
            story.approve(decided, id);
            story.rule(decided, rule, fmt::format("meeting-{}", i % 9), until, id);
            story.rule_ended(until, rule, i % 8, i * 9001);
        }
        time = later(time, 100);
    }
    return story;
}

} // namespace meetfence::test
