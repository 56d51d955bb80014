// SPDX-License-Identifier: Apache-2.0
#include "model/time.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using namespace std::chrono_literals;

std::int64_t unix_seconds(std::string_view text)
{
    const auto time = parse_time(text);
    EXPECT_TRUE(time) << text;
    return time ? time->time_since_epoch().count() : -1;
}

TEST(TimeText, IsRfc3339)
{
    EXPECT_EQ(unix_seconds("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(unix_seconds("2020-06-04T12:34:56Z"), 1591274096);
    EXPECT_EQ(unix_seconds("2020-06-04t12:34:56z"), 1591274096);
    EXPECT_EQ(unix_seconds("2020-06-04 12:34:56Z"), 1591274096); // section 5.6, for readability
    EXPECT_EQ(unix_seconds("2020-06-04T14:34:56+02:00"), 1591274096);
    EXPECT_EQ(unix_seconds("2020-06-04T07:04:56-05:30"), 1591274096);
    EXPECT_EQ(unix_seconds("2020-06-04T12:34:56+00:00"), 1591274096);
    EXPECT_EQ(unix_seconds("2020-06-04T12:34:56-00:00"), 1591274096);
    EXPECT_EQ(unix_seconds("2020-06-04T12:34:56.999999999Z"), 1591274096);
    EXPECT_EQ(unix_seconds("2024-02-29T00:00:00Z"), 1709164800);
    EXPECT_EQ(unix_seconds("2016-12-31T23:59:60Z"), 1483228800); // a leap second
    EXPECT_EQ(unix_seconds("9999-12-31T23:59:59Z"), 253402300799);
}

TEST(TimeText, RefusesWhatIsNone)
{
    for (const auto* text : {"",
                             "now",
                             "2020",
                             "2020-06-04",
                             "2020-06-04T12:34Z",
                             "2020-06-04T12:34:56",
                             "2020-06-04T12:34:56 Z",
                             "2020-06-04T12:34:56Zx",
                             "2020-6-4T12:34:56Z",
                             "20200604T123456Z",
                             "2020/06/04T12:34:56Z",
                             "2020-13-04T12:34:56Z",
                             "2020-00-04T12:34:56Z",
                             "2020-06-31T12:34:56Z",
                             "2020-06-00T12:34:56Z",
                             "2021-02-29T00:00:00Z",
                             "1900-02-29T00:00:00Z",
                             "2020-06-04T24:00:00Z",
                             "2020-06-04T12:60:00Z",
                             "2020-06-04T12:34:61Z",
                             "2020-06-04T12:34:56.Z",
                             "2020-06-04T12:34:56+0200",
                             "2020-06-04T12:34:56+02",
                             "2020-06-04T12:34:56+24:00",
                             "2020-06-04T12:34:56+02:60",
                             "-020-06-04T12:34:56Z",
                             "+020-06-04T12:34:56Z",
                             "2020--6-04T12:34:56Z",
                             "2020-06-04T-1:34:56Z",
                             " 2020-06-04T12:34:56Z",
                             "2020-06-04T12:34:56Z ",
                             "12020-06-04T12:34:56Z"}) {
        EXPECT_FALSE(parse_time(text)) << text;
    }
    EXPECT_MENTIONS(error_of(parse_time("tomorrow")), "'tomorrow' is not a time in RFC 3339, such as ");
}

// What was accepted is written down, and read again at the next start.
TEST(TimeText, StaysWithinTheYearsThatCanBeWritten)
{
    for (const auto* text :
         {"0000-01-01T00:00:00+00:01", "0000-01-01T23:58:59+23:59", "9999-12-31T23:59:59-00:01",
          "9999-12-31T23:59:60Z", "9999-12-31T00:01:00-23:59"}) {
        EXPECT_FALSE(parse_time(text)) << text;
    }
    for (const auto* text : {"0000-01-01T00:00:00Z", "0000-01-01T23:59:00+23:59", "0999-06-04T12:34:56Z",
                             "9999-12-31T23:59:59Z", "9999-12-31T00:00:59-23:59"}) {
        const auto time = parse_time(text);
        ASSERT_TRUE(time) << text;
        EXPECT_EQ(parse_time(format_time(*time)), *time) << text;
    }
}

TEST(TimeText, IsWrittenInUtc)
{
    EXPECT_EQ(format_time(Time(0s)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(format_time(Time(1591274096s)), "2020-06-04T12:34:56Z");
    EXPECT_EQ(format_time(*parse_time("2020-06-04T00:30:00+02:00")), "2020-06-03T22:30:00Z");
    EXPECT_EQ(format_time(*parse_time("0999-01-01T00:00:00Z")), "0999-01-01T00:00:00Z"); // before the epoch
}

TEST(TimeText, SurvivesARoundTrip)
{
    std::mt19937_64 random(4);
    for (unsigned i = 0; i < 5000; ++i) {
        const Time time(std::chrono::seconds(random() % 253402300800ULL)); // to the end of the year 9999
        ASSERT_EQ(parse_time(format_time(time)), time) << format_time(time);
    }
}

TEST(Duration, IsAWholeNumberWithAUnit)
{
    EXPECT_EQ(parse_duration("1s"), 1s);
    EXPECT_EQ(parse_duration("90s"), 90s);
    EXPECT_EQ(parse_duration("45m"), 45min);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("7d"), 168h);
    EXPECT_EQ(parse_duration("3660d"), 3660 * 24h);
}

TEST(Duration, RefusesWhatIsNone)
{
    for (const auto* text : {"", "s", "7", "0s", "-1s", "+1s", " 1s", "1s ", "1 s", "1S", "1w", "1h30m",
                             "1.5h", "1e3s", "99999999999999999999s", "9223372036854775807d"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
    EXPECT_MENTIONS(error_of(parse_duration("1w")), "90s, 45m, 2h or 7d");
}

TEST(Duration, IsAtMostTenYears)
{
    EXPECT_MENTIONS(error_of(parse_duration("3661d")), "ten years");
    EXPECT_MENTIONS(error_of(parse_duration("316224001s")), "ten years");
    EXPECT_TRUE(parse_duration("316224000s"));
}

TEST(Duration, IsWrittenInItsLargestUnit)
{
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(120s), "2m");
    EXPECT_EQ(format_duration(7200s), "2h");
    EXPECT_EQ(format_duration(86400s * 7), "7d");
    EXPECT_EQ(format_duration(86401s), "86401s");
}

TEST(Duration, SurvivesARoundTrip)
{
    std::mt19937 random(5);
    for (unsigned i = 0; i < 5000; ++i) {
        const std::chrono::seconds duration(1 + random() % 316224000U);
        ASSERT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
    }
}

} // namespace
} // namespace meetfence::test
