// SPDX-License-Identifier: Apache-2.0
// The example of the documentation is what the program makes. With MEETFENCE_WRITE_EXAMPLES=1 in the
// environment the files are written anew.
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "tests/unit/audit/example_story.h"

namespace meetfence::test {
namespace {

void expect_file(const std::string& name, const std::string& content)
{
    const auto path = std::string(MEETFENCE_SOURCE_DIR "/docs/examples/") + name;
    if (std::getenv("MEETFENCE_WRITE_EXAMPLES") != nullptr) {
        std::ofstream(path, std::ios::binary) << content;
    }
    std::stringstream found;
    found << std::ifstream(path, std::ios::binary).rdbuf();
    EXPECT_TRUE(found.str() == content)
        << path << " is not what this program makes; MEETFENCE_WRITE_EXAMPLES=1 audit_tests writes it";
}

TEST(ReportExample, IsWhatTheProgramMakes)
{
    const auto report = example_story().report("2026-07-01", "2027-01-01");
    expect_file("transparency-report.html", audit::to_html(report));
    expect_file("transparency-report.json", audit::to_json(report).dump(2) + "\n");
    expect_file("transparency-report.csv", audit::to_csv(report));
}

} // namespace
} // namespace meetfence::test
