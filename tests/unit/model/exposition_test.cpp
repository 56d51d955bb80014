// SPDX-License-Identifier: Apache-2.0
// The two formats, letter by letter, and which of them somebody is given.
#include "model/exposition.h"

#include <array>
#include <functional>
#include <gtest/gtest.h>

namespace meetfence::test {
namespace {

std::string written(Format format, const std::function<void(Exposition&)>& write)
{
    Exposition out(format);
    write(out);
    return std::move(out).finish();
}

void write_one_of_each(Exposition& out)
{
    out.counter("bytes", "Bytes seen.", "bytes");
    out.add({{"verdict", "drop"}, {"direction", "ingress"}}, std::uint64_t{18446744073709551615U});
    out.gauge("end_timestamp_seconds", "When it ends.", "seconds");
    out.add({}, std::int64_t{-1});
    out.gauge("empty", "Nothing.");
    out.info("build", "What runs.", {{"version", "1.0"}});
}

TEST(Exposition, WritesThePrometheusTextFormat)
{
    EXPECT_EQ(written(Format::prometheus, write_one_of_each),
              R"(# HELP meetfence_bytes_total Bytes seen.
# TYPE meetfence_bytes_total counter
meetfence_bytes_total{verdict="drop",direction="ingress"} 18446744073709551615
# HELP meetfence_end_timestamp_seconds When it ends.
# TYPE meetfence_end_timestamp_seconds gauge
meetfence_end_timestamp_seconds -1
# HELP meetfence_empty Nothing.
# TYPE meetfence_empty gauge
# HELP meetfence_build_info What runs.
# TYPE meetfence_build_info gauge
meetfence_build_info{version="1.0"} 1
)");
}

TEST(Exposition, WritesOpenMetrics)
{
    EXPECT_EQ(written(Format::openmetrics, write_one_of_each),
              R"(# HELP meetfence_bytes Bytes seen.
# TYPE meetfence_bytes counter
# UNIT meetfence_bytes bytes
meetfence_bytes_total{verdict="drop",direction="ingress"} 18446744073709551615
# HELP meetfence_end_timestamp_seconds When it ends.
# TYPE meetfence_end_timestamp_seconds gauge
# UNIT meetfence_end_timestamp_seconds seconds
meetfence_end_timestamp_seconds -1
# HELP meetfence_empty Nothing.
# TYPE meetfence_empty gauge
# HELP meetfence_build What runs.
# TYPE meetfence_build info
meetfence_build_info{version="1.0"} 1
# EOF
)");
}

TEST(Exposition, SumsAHistogramUp)
{
    constexpr auto kBounds = std::to_array({0.0005, 0.25, 1.0, 10.0});
    constexpr auto kCounts = std::to_array<std::uint64_t>({1, 0, 2, 0, 4});
    for (const auto format : {Format::prometheus, Format::openmetrics}) {
        const auto text = written(format, [&](Exposition& out) {
            out.histogram("apply_duration_seconds", "How long.");
            out.add({{"change", "rule"}}, kBounds, kCounts, 12.5);
        });
        EXPECT_EQ(text.substr(0, text.find("# EOF")), R"(# HELP meetfence_apply_duration_seconds How long.
# TYPE meetfence_apply_duration_seconds histogram
meetfence_apply_duration_seconds_bucket{change="rule",le="0.0005"} 1
meetfence_apply_duration_seconds_bucket{change="rule",le="0.25"} 1
meetfence_apply_duration_seconds_bucket{change="rule",le="1.0"} 3
meetfence_apply_duration_seconds_bucket{change="rule",le="10.0"} 3
meetfence_apply_duration_seconds_bucket{change="rule",le="+Inf"} 7
meetfence_apply_duration_seconds_sum{change="rule"} 12.5
meetfence_apply_duration_seconds_count{change="rule"} 7
)");
    }
}

TEST(Exposition, LetsNoLabelBreakOutOfItsLine)
{
    const auto write = [](Exposition& out) {
        out.gauge("age", "One \\ two\nthree \"four\".");
        out.add({{"type", "a\"} 1\nmeetfence_age{type=\"b\\"}}, 2);
    };
    EXPECT_EQ(written(Format::prometheus, write),
              "# HELP meetfence_age One \\\\ two\\nthree \"four\".\n"
              "# TYPE meetfence_age gauge\n"
              "meetfence_age{type=\"a\\\"} 1\\nmeetfence_age{type=\\\"b\\\\\"} 2\n");
    EXPECT_EQ(written(Format::openmetrics, write),
              "# HELP meetfence_age One \\\\ two\\nthree \\\"four\\\".\n"
              "# TYPE meetfence_age gauge\n"
              "meetfence_age{type=\"a\\\"} 1\\nmeetfence_age{type=\\\"b\\\\\"} 2\n"
              "# EOF\n");
}

TEST(Exposition, IsOpenMetricsForWhoWantsThatMore)
{
    for (const auto* accept : {
             "application/openmetrics-text",
             "application/openmetrics-text; version=1.0.0; charset=utf-8",
             "APPLICATION/OpenMetrics-Text;Version=\"1.0.0\"",
             // Prometheus 2.42, and 3
             "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
             "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
             "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/"
             "plain;version=0.0.4;q=0.3",
             "text/plain;q=0, application/*",
             "text/plain;q=0.2, application/openmetrics-text;q=0.3",
             "application/openmetrics-text, */*",
             "text/plain;version=1.0.0, application/openmetrics-text;q=0.1",
         }) {
        EXPECT_EQ(format_for(accept), Format::openmetrics) << accept;
    }
}

TEST(Exposition, IsTextForEverybodyElse)
{
    for (const auto* accept : {
             "",
             "*/*",
             "text/plain",
             "text/*",
             "text/html, application/json;q=0.9, */*;q=0.8",
             "application/json",
             "text/plain, application/openmetrics-text",
             "text/plain;q=0.5, application/openmetrics-text;q=0.4",
             "application/openmetrics-text;q=0",
             "application/openmetrics-text;version=0.0.1",
             "application/openmetrics-text;version=2.0.0, text/plain;q=0.1",
             "application/openmetrics-text;q=0, */*",
             "application/openmetrics-text;q=high, text/plain;q=0.1",
             "application/openmetrics-text;q=2",
             "application/openmetrics-textual",
             ",,;;q=,=",
         }) {
        EXPECT_EQ(format_for(accept), Format::prometheus) << accept;
    }
}

} // namespace
} // namespace meetfence::test
