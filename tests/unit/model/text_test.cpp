// SPDX-License-Identifier: Apache-2.0
#include "model/text.h"

#include <gtest/gtest.h>
#include <string>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

std::string reason_of(std::string_view text, std::size_t most = 2000)
{
    const auto checked = check_text("why", text, most);
    return checked ? "" : checked.error().reason;
}

TEST(FreeText, HasOneToItsLimitOfCharacters)
{
    EXPECT_EQ(reason_of(""), "text_length");
    EXPECT_EQ(reason_of("x", 1), "");
    EXPECT_EQ(reason_of("xx", 1), "text_length");
    EXPECT_EQ(reason_of(std::string(200, 'x'), 200), "");
    EXPECT_EQ(reason_of(std::string(201, 'x'), 200), "text_length");
    std::string wide; // characters, not bytes
    for (int i = 0; i < 100; ++i) {
        wide += "\xf0\x9f\x98\x80\xe4\xbc\x9a";
    }
    EXPECT_EQ(reason_of(wide, 200), "");
    EXPECT_EQ(reason_of(wide + "x", 200), "text_length");
    EXPECT_EQ(reason_of(std::string(1'000'000, 'x')), "text_length");
    EXPECT_MENTIONS(error_of(check_text("office", std::string(201, 'x'), 200)),
                    "'office' has 1 to 200 characters, this one has 201");
}

TEST(FreeText, IsWhatPeopleWriteInAnyLanguage)
{
    for (const auto* text :
         {"State Internet Information Office", "国家互联网信息办公室", "Straße § 12 Abs. 3", "الهيئة",
          "הוועדה", "می‌خواهم", "o'Neill & \"Sons\" \\ `x` %s {0} $(y)", "a\xc2\xa0z", " ", ".", "-",
          ":", "::", "...", "\xf0\x9f\x87\xa8\xf0\x9f\x87\xb3", "e\xcc\x81", "\xf4\x8f\xbf\xbd",
          "\xee\x80\x80"}) {
        EXPECT_EQ(reason_of(text), "") << text;
    }
}

TEST(FreeText, MayBeHtmlWhichIsShownAsItIs)
{
    for (const auto* text : {"<script>alert(1)</script>", "<b>&amp;</b>", "\"><img src=x onerror=y>", "]]>",
                             "<!-- -->", "javascript:alert(1)"}) {
        EXPECT_EQ(reason_of(text), "") << text;
    }
}

TEST(FreeText, HasNoControlCharacters)
{
    for (unsigned c = 0; c < 0x20; ++c) {
        const auto text = std::string("a") + static_cast<char>(c) + "z";
        EXPECT_EQ(reason_of(text), "text_unprintable") << c;
        EXPECT_EQ(reason_of(text.substr(1)), "text_unprintable") << c;
        EXPECT_EQ(reason_of(text.substr(0, 2)), "text_unprintable") << c;
    }
    EXPECT_EQ(reason_of("a\x7fz"), "text_unprintable");
    for (unsigned c = 0x80; c < 0xa0; ++c) { // C1, as terminals obey them
        const auto text = std::string("a\xc2") + static_cast<char>(c);
        EXPECT_EQ(reason_of(text), "text_unprintable") << c;
    }
    EXPECT_MENTIONS(error_of(check_text("why", "a\x1b[2J", 10)), "'why' holds the character U+001B");
}

TEST(FreeText, DoesNotTurnTheDirectionOfWriting)
{
    for (const auto* text :
         {"\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", // U+202A to 202E
          "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",                 // U+2066 to 2069
          "\xe2\x80\x8e", "\xe2\x80\x8f", "\xd8\x9c", "\xe2\x80\xa8", "\xe2\x80\xa9",     // marks, line ends
          "\xef\xbb\xbf"}) {                                                              // a byte order mark
        EXPECT_EQ(reason_of(std::string("a") + text + "z"), "text_unprintable") << text;
        EXPECT_EQ(reason_of(text), "text_unprintable") << text;
    }
    for (const auto* text : {"\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x80\x90"}) { // their neighbours
        EXPECT_EQ(reason_of(std::string("a") + text + "z"), "") << text;
    }
}

TEST(FreeText, IsUtf8)
{
    for (const std::string text : {"\x80",
                                   "\xbf",
                                   "\xc0\x80",
                                   "\xc1\xbf",
                                   "\xc2",
                                   "\xc2"
                                   "A",
                                   "\xe0\x80\x80",
                                   "\xe0\x9f\xbf",
                                   "\xe4\xbc",
                                   "\xe4",
                                   "\xe4\xbc"
                                   "A",
                                   "\xed\xa0\x80",
                                   "\xed\xbf\xbf",
                                   "\xed\xa0\xbd\xed\xb8\x80",
                                   "\xf0\x80\x80\x80",
                                   "\xf0\x8f\xbf\xbf",
                                   "\xf0\x9f\x98",
                                   "\xf4\x90\x80\x80",
                                   "\xf5\x80\x80\x80",
                                   "\xf8\x88\x80\x80\x80",
                                   "\xfe",
                                   "\xff",
                                   "\xc0\xae",
                                   "\xe0\x80\xae"}) {
        EXPECT_EQ(reason_of(text), "text_unprintable");
        EXPECT_EQ(reason_of("a" + text), "text_unprintable");
        EXPECT_EQ(reason_of("a" + text + "z"), "text_unprintable");
    }
}

TEST(FreeText, ReadsEveryCodePointAndNoOther)
{
    std::size_t wrong = 0;
    for (char32_t value = 0; value < 0x120000; ++value) {
        std::string text;
        const auto more = value < 0x80 ? 0 : value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
        constexpr unsigned kFirst[] = {0, 0xc0, 0xe0, 0xf0};
        text += static_cast<char>(kFirst[more] | value >> (6 * more));
        for (int i = more - 1; i >= 0; --i) {
            text += static_cast<char>(0x80 | (value >> (6 * i) & 0x3f));
        }
        std::size_t at = 0;
        const auto read = next_code_point(text, at);
        const bool wanted = value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
        wrong += read.valid != wanted || (wanted && (read.value != value || at != text.size())) ? 1 : 0;
    }
    EXPECT_EQ(wrong, 0U);
}

TEST(FreeText, HoldsNoAddressHoweverItIsWritten)
{
    for (const auto* text :
         {"203.0.113.10", "it was 203.0.113.10.", "203.0.113.10, and others", "(203.0.113.10)",
          "203.0.113.10?!", "203.0.113.10:51000", "203.0.113.10:51000.", "203.0.113.10: abusive",
          "203.0.113.10:51000: abusive", "203.0.113.0/24", "<203.0.113.10>", "http://203.0.113.10/x",
          "http://a@203.0.113.10:80/", "ip=203.0.113.10", "IP:203.0.113.10", "udp:203.0.113.10:40000",
          "from:203.0.113.10:1", "IP203.0.113.10", "203.0.113.10x", "...203.0.113.10...",
          "203.0.113.10-203.0.113.20", "'203.0.113.10'", "\"203.0.113.10\"", "„203.0.113.10“",
          "«203.0.113.10»", "—203.0.113.10—", "参加者203.0.113.10的", "地址：203.0.113.10。",
          "a\xc2\xa0"
          "203.0.113.10\xc2\xa0z",
          "203.0.113.010", "203.000.113.010", "0.0.0.0", "255.255.255.255", "10.113.0.203.in-addr.arpa",
          "203.0.113.10.example.org", "::ffff:203.0.113.10", "p_203.0.113.10_1",
          // as it reads, though it is not written so
          "２０３．０．１１３．１０", "203.0.113\xe2\x80\x8b.10",
          "203.0.\xc2\xad"
          "113.10",
          "203\xe2\x81\xa0.0.113.10"}) {
        EXPECT_EQ(reason_of(text), "text_has_address") << text;
    }
    for (const auto* text : {"2001:db8::1",
                             "it was 2001:db8::1.",
                             "2001:db8::1, too",
                             "[2001:db8::1]:443",
                             "2001:DB8::1",
                             "2001:db8::/32",
                             "2001:db8:0:0:0:0:0:1",
                             "2001:db8:0:0:0:0:0:1:51000",
                             "2001:db8::1:51000",
                             "2001:db8::1: abusive",
                             "IP:2001:db8::1",
                             "udp:[2001:db8::1]:443",
                             "fe80::1%eth0",
                             "::1",
                             "::1.",
                             "1::",
                             "2001:db8::.",
                             "„2001:db8::1“",
                             "参加者2001:db8::1的",
                             "地址：2001:db8::1。",
                             "64:ff9b::203.0.113.10",
                             "from 2001:db8::",
                             "2001:db8::10,2001:db8::11",
                             "（2001:db8::1）",
                             "２００１：ｄｂ８：：１"}) {
        EXPECT_EQ(reason_of(text), "text_has_address") << text;
    }
}

TEST(FreeText, MayHoldWhatOnlyLooksLikeAnAddress)
{
    for (const auto* text : {"12:30:45",
                             "at 12:30:45.",
                             "2026-11-22T12:00:00Z",
                             "12:30",
                             "version 1.2.3",
                             "1.2.3.4.5",
                             "§ 1.2.3.4.5",
                             "std::string",
                             "std::chrono::hours",
                             "::",
                             "a::z",
                             "x::",
                             "256.1.1.1",
                             "1.2.3.256",
                             "1.2.3.1000",
                             "1..2.3",
                             "1.2.3",
                             "1.2.3.",
                             ".1.2.3",
                             "22.11.2026",
                             "1,2,3,4",
                             "1-2-3-4",
                             "3.14",
                             "AA:BB:CC:DD:EE:FF",
                             "00:1b:44:11:3a:b7",
                             "urn:lex:eu:council:directive:2010-03-09;2010-19-UE",
                             "SHA256:abcd",
                             "a:b:c:d:e:f:g:h",
                             "Art. 12 (3): 4",
                             "5:1, 6:2",
                             "http://example.org:80/a:b",
                             "1.a.2.b",
                             "face:book",
                             "10.5281/zenodo.1234",
                             "1.2.3.4.5.6.7.8",
                             "add::face::x"}) {
        EXPECT_EQ(reason_of(text), "") << text;
    }
}

TEST(FreeText, IsLookedThroughInNoTimeWhateverItHolds)
{
    for (const char c : {':', '.', '1', 'a', ' '}) {
        EXPECT_EQ(reason_of(std::string(2000, c)), "") << c;
    }
    std::string mixed;
    while (mixed.size() < 1990) {
        mixed += "1:";
    }
    EXPECT_EQ(reason_of(mixed + "z::z"), "text_has_address") << "1:1:1:1:1:1:1:1";
}

TEST(FreeText, IsNeverQuotedWhereItIsRefused)
{
    for (const auto* text : {"secret 203.0.113.10", "secret \x1b", "secret \xff"}) {
        EXPECT_EQ(error_of(check_text("why", text, 100)).find("secret"), std::string::npos);
        EXPECT_EQ(error_of(check_text("why", text, 100)).find("203"), std::string::npos);
    }
}

} // namespace
} // namespace meetfence::test
