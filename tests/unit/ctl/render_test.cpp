// SPDX-License-Identifier: Apache-2.0
#include "ctl/render.h"

#include <gtest/gtest.h>
#include <sstream>

#include "model/json.h"
#include "tests/unit/ctl/environment.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using std::chrono::seconds;

const Time kNow = at("2026-11-22T12:00:00Z");

TEST(Table, IsAlignedAndHasNoBlanksAtTheEndOfLines)
{
    ctl::Table table({{"RULE"}, {"DROPPED", ctl::Column::Align::right}, {"MEETING"}});
    table.add({"r1", "7", "A"});
    table.add({"r10000", "1234567890", "a longer one"});
    table.add({"r2"}); // what is missing is empty
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "RULE       DROPPED  MEETING\n"
                         "r1               7  A\n"
                         "r10000  1234567890  a longer one\n"
                         "r2\n");
}

TEST(Table, AlignsByCharactersAndNotByBytes)
{
    ctl::Table table({{"A"}, {"B"}});
    table.add({"C\xc3\xb4te d'Ivoire", "1"});
    table.add({"Cote d'Ivoire", "2"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "A              B\nC\xc3\xb4te d'Ivoire  1\nCote d'Ivoire  2\n");
}

TEST(Table, DoesNotLetTextSteerTheTerminal)
{
    ctl::Table table({{"A"}});
    table.add({"a\033[2Jb\nc\x7f"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "A\na [2Jb c\n");
}

TEST(Printable, LeavesTextOfEveryScriptAsItIs)
{
    for (const std::string_view text :
         {"", "plain <b>&amp;</b>", "C\u00f4te d'Ivoire", "\u6c49\u5b57", "\u0627\u0644\u0639\u0631",
          "\u05d0\u05d1", "\U0001f600", "a\u00a0b", "\u2027\u202f", "\u2065\u206a", "\ufffd"}) {
        EXPECT_EQ(ctl::printable(text), text);
        EXPECT_EQ(ctl::printable_json(text), text);
    }
}

TEST(Printable, MakesBlanksOfControlCharacters)
{
    for (char c = 1; c < 0x20; ++c) {
        EXPECT_EQ(ctl::printable("a" + std::string(1, c) + "b"), "a b") << int(c);
    }
    EXPECT_EQ(ctl::printable(std::string_view("a\0b", 3)), "a b");
    EXPECT_EQ(ctl::printable("a\x7f"), "a ");
}

TEST(Printable, ShowsThatSomethingWasThereThatTurnsTheWritingOrSteers)
{
    for (const auto* character :
         {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e",
          "\u200f", "\u061c", "\u2028", "\u2029", "\ufeff", "\u0080", "\u009b", "\u009f"}) {
        EXPECT_EQ(ctl::printable("a" + std::string(character) + "b"), "a\ufffdb");
    }
}

TEST(Printable, DoesNotLetBytesThroughThatAreNoUtf8)
{
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"a\x9b"
         "31m",
         "a\ufffd31m"},               // CSI of a terminal that reads Latin-1
        {"\xc0\x9b", "\ufffd\ufffd"}, // ESC, longer than it has to be
        {"\xe2\x80", "\ufffd"},       // half of an override, at the end
        {"\xe2\x80x", "\ufffdx"},
        {"\xed\xa0\x80", "\ufffd"},
        {"\xf5\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
    };
    for (const auto& [text, shown] : cases) {
        EXPECT_EQ(ctl::printable(text), shown);
    }
}

TEST(PrintableJson, IsTheSameValue)
{
    const Json value{{"a\u202eb", "c\u2066\u009b\u007f\ufeff\n\u00f4"}};
    const auto text = ctl::printable_json(value.dump(2));
    EXPECT_EQ(text, "{\n  \"a\\u202eb\": \"c\\u2066\\u009b\\u007f\\ufeff\\n\u00f4\"\n}");
    EXPECT_EQ(value_of(parse_json(text, "text")), value);
}

TEST(Details, AreAlignedAndLeaveOutWhatIsEmpty)
{
    std::ostringstream out;
    ctl::print_details(out, {{"meeting", "A"}, {"a very long label", ""}, {"until", "x\ny"}});
    EXPECT_EQ(out.str(), "meeting  A\nuntil    x y\n");
}

TEST(ByteCount, IsReadable)
{
    const std::pair<std::uint64_t, const char*> cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1024 * 1024 - 1, "1.0 MiB"}, // and not 1024.0 KiB
        {1024 * 1024, "1.0 MiB"},
        {5ULL << 30, "5.0 GiB"},
        {~0ULL, "16.0 EiB"},
    };
    for (const auto& [bytes, text] : cases) {
        EXPECT_EQ(ctl::byte_count(bytes), text);
    }
    EXPECT_EQ(ctl::traffic(1, 60), "1 packet, 60 B");
    EXPECT_EQ(ctl::traffic(0, 0), "0 packets, 0 B");
    EXPECT_EQ(ctl::traffic(2, 2048), "2 packets, 2.0 KiB");
}

TEST(Grouped, SeparatesThousands)
{
    const std::pair<std::uint64_t, const char*> cases[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {12345, "12,345"},
        {123456, "123,456"},
        {1234567, "1,234,567"},
        {~0ULL, "18,446,744,073,709,551,615"},
    };
    for (const auto& [number, text] : cases) {
        EXPECT_EQ(ctl::grouped(number), text);
    }
    EXPECT_EQ(ctl::count_of(1, "prefix", "prefixes"), "1 prefix");
    EXPECT_EQ(ctl::count_of(0, "prefix", "prefixes"), "0 prefixes");
    EXPECT_EQ(ctl::count_of(1000, "prefix", "prefixes"), "1,000 prefixes");
}

TEST(Shorten, LeavesOutTheMiddle)
{
    const std::string path = "reading /var/lib/meetfence/country.mmdb";
    EXPECT_EQ(ctl::shorten(path, 80), path);
    EXPECT_EQ(ctl::shorten(path, path.size()), path);
    EXPECT_EQ(ctl::shorten(path, 30), "reading /…etfence/country.mmdb");
    EXPECT_EQ(ctl::shorten(path, 2), "…b");
    EXPECT_EQ(ctl::shorten(path, 1), "…");
    EXPECT_EQ(ctl::shorten(path, 0), "");
    EXPECT_EQ(ctl::shorten("", 0), "");
}

TEST(Shorten, CountsWideCharactersTwiceAndCutsNoneInTwo)
{
    EXPECT_EQ(ctl::shorten("\u56fd\u5bb6.mmdb", 9), "\u56fd\u5bb6.mmdb");
    EXPECT_EQ(ctl::shorten("\u56fd\u5bb6.mmdb", 8), "\u56fd….mmdb");
    EXPECT_EQ(ctl::shorten("\u56fd\u5bb6\u56fd\u5bb6", 3), "…\u5bb6");
    EXPECT_EQ(ctl::shorten("\xff\xff\xff", 1), "…"); // bytes that are no text at all
}

TEST(RelativeTime, NamesTheTwoLargestUnits)
{
    const std::pair<long, const char*> cases[] = {
        {0, "now"},
        {1, "in 1s"},
        {59, "in 59s"},
        {60, "in 1m"},
        {90, "in 1m 30s"},
        {3600, "in 1h"},
        {3601, "in 1h"},
        {7260, "in 2h 1m"},
        {86400, "in 1d"},
        {97200, "in 1d 3h"},
        {97261, "in 1d 3h"},
        {86460, "in 1d"},
        {-1, "1s ago"},
        {-300, "5m ago"},
        {-90061, "1d 1h ago"},
        {30 * 86400, "in 30d"},
        {3650L * 86400, "in 3650d"},
    };
    for (const auto& [distance, text] : cases) {
        EXPECT_EQ(ctl::relative_time(kNow + seconds(distance), kNow), text) << distance;
    }
}

TEST(RelativeTime, StandsBesideTheTimeItself)
{
    EXPECT_EQ(ctl::with_relative_time("2026-11-22T14:00:00Z", kNow), "2026-11-22T14:00:00Z (in 2h)");
    EXPECT_EQ(ctl::with_relative_time("soon", kNow), "soon");
    EXPECT_EQ(ctl::with_relative_time("", kNow), "");
}

TEST(Join, PutsTheSeparatorBetween)
{
    EXPECT_EQ(ctl::join(std::vector<std::string>{"a", "b", "c"}, ", "), "a, b, c");
    EXPECT_EQ(ctl::join(std::vector<std::string>{}, ", "), "");
}

std::string good(bool is_terminal, const char* term, const char* no_color)
{
    const Environment environment_term("TERM", term);
    const Environment environment_color("NO_COLOR", no_color);
    return ctl::Style::for_output(is_terminal).good("PASS");
}

TEST(Style, HasColourOnATerminalOnly)
{
    EXPECT_EQ(good(true, "xterm", nullptr), "\033[1;32mPASS\033[0m");
    EXPECT_EQ(good(false, "xterm", nullptr), "PASS");
    EXPECT_EQ(good(true, "dumb", nullptr), "PASS");
    EXPECT_EQ(good(true, nullptr, nullptr), "PASS");
}

TEST(Style, HasNoColourWhereNobodyWantsAny)
{
    EXPECT_EQ(good(true, "xterm", "1"), "PASS");
    EXPECT_EQ(good(true, "xterm", "0"), "PASS");                 // no-color.org: whatever its value
    EXPECT_EQ(good(true, "xterm", ""), "\033[1;32mPASS\033[0m"); // unless it is empty
}

} // namespace
} // namespace meetfence::test
