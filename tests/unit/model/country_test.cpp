// SPDX-License-Identifier: Apache-2.0
#include "model/country.h"

#include <gtest/gtest.h>
#include <set>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

Country number(unsigned value)
{
    return Country(static_cast<std::uint8_t>(value));
}

TEST(CountryCode, StandsForOneCountryAndBack)
{
    std::set<std::string_view> codes;
    for (unsigned i = 1; i <= country_count(); ++i) {
        const auto code = number(i).code();
        ASSERT_EQ(code.size(), 2U);
        EXPECT_TRUE(code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z') << code;
        EXPECT_TRUE(codes.insert(code).second) << code << " stands twice";
        EXPECT_FALSE(number(i).name().empty()) << code;
        const auto parsed = Country::parse(code);
        ASSERT_TRUE(parsed) << code;
        EXPECT_EQ(parsed->number(), i);
        EXPECT_EQ(Country::from_database(code), *parsed);
    }
    EXPECT_EQ(codes.size(), 250U); // ISO 3166-1, and XK
}

TEST(CountryCode, KeepsItsNumber)
{
    // Numbers are part of the kernel layout: a changed one would block another country.
    EXPECT_EQ(Country::parse("AD")->number(), 1);
    EXPECT_EQ(Country::parse("CN")->number(), 48);
    EXPECT_EQ(Country::parse("HK")->number(), 95);
    EXPECT_EQ(Country::parse("MO")->number(), 148);
    EXPECT_EQ(Country::parse("TW")->number(), 228);
    EXPECT_EQ(Country::parse("US")->number(), 233);
    EXPECT_EQ(Country::parse("ZW")->number(), 249);
    EXPECT_EQ(Country::parse("XK")->number(), 250);
}

TEST(CountryCode, IsNoneForNumbersWithoutACountry)
{
    for (const unsigned value : {0U, 251U, 255U}) {
        EXPECT_EQ(number(value).code(), "--");
        EXPECT_EQ(number(value).name(), "no country");
    }
    EXPECT_TRUE(Country().none());
    EXPECT_FALSE(number(1).none());
}

TEST(CountryCode, IsRefusedInAnyOtherCase)
{
    for (const auto* text : {"cn", "Cn", "cN"}) {
        EXPECT_MENTIONS(error_of(Country::parse(text)), "did you mean CN (China)?");
    }
    EXPECT_MENTIONS(error_of(Country::parse("us")), "did you mean US (United States)?");
}

struct NearMiss {
    const char* text;
    const char* suggestion;
};

TEST(CountryCode, IsSuggestedForNamesAndForeignCodes)
{
    for (const auto& [text, suggestion] : std::initializer_list<NearMiss>{{"China", "CN"},
                                                                          {"china", "CN"},
                                                                          {"CHINA", "CN"},
                                                                          {"Chnia", "CN"},
                                                                          {"Mainland China", "CN"},
                                                                          {"PRC", "CN"},
                                                                          {"Hong Kong", "HK"},
                                                                          {"Hongkong", "HK"},
                                                                          {"Macau", "MO"},
                                                                          {"Macao", "MO"},
                                                                          {"Taiwan", "TW"},
                                                                          {"Germany", "DE"},
                                                                          {"Germny", "DE"},
                                                                          {"UK", "GB"},
                                                                          {"uk", "GB"},
                                                                          {"USA", "US"},
                                                                          {"Niger", "NE"},
                                                                          {"Nigeria", "NG"},
                                                                          {"United Stats", "US"}}) {
        const auto parsed = Country::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
        EXPECT_MENTIONS(parsed.error().message, std::string("did you mean ") + suggestion + " (");
        EXPECT_MENTIONS(parsed.error().message, text);
    }
}

TEST(CountryCode, ComesWithTheHintThatFourAreMeantOneByOne)
{
    for (const auto* text : {"China", "cn", "Hong Kong", "hk", "Macau", "mo", "Taiwan", "tw"}) {
        EXPECT_MENTIONS(error_of(Country::parse(text)), "CN, HK, MO and TW are countries of their own");
    }
    EXPECT_FALSE(mentions(error_of(Country::parse("Germany")), "of their own"));
}

TEST(CountryCode, IsNotSuggestedForAPseudoCode)
{
    for (const auto* text : {"EU", "AP", "A1", "A2", "ZZ", "XX", "eu", "ap"}) {
        const auto message = error_of(Country::parse(text));
        EXPECT_MENTIONS(message, "names no single country");
        EXPECT_FALSE(mentions(message, "did you mean")) << message;
    }
}

TEST(CountryCode, IsNotGuessedFromNonsense)
{
    for (const auto* text :
         {"", " ", "Q", "QQ", "C N", "CN ", " CN", "CNN", "12", "CN,HK", "Xyzzyplugh", "\xff\xfe"}) {
        EXPECT_FALSE(Country::parse(text)) << text;
    }
    EXPECT_FALSE(Country::parse(std::string_view("CN\0", 3)));
    EXPECT_FALSE(mentions(error_of(Country::parse("Xyzzyplugh")), "did you mean"));
}

TEST(CountryFromDatabase, IsNoneForWhatIsNoCountry)
{
    for (const auto* code :
         {"", "EU", "AP", "A1", "A2", "O1", "ZZ", "XX", "T1", "--", "cn", "Cn", "CHN", "China", "*"}) {
        EXPECT_TRUE(Country::from_database(code).none()) << code;
    }
    EXPECT_EQ(Country::from_database("XK").name(), "Kosovo");
}

TEST(CountrySet, HoldsCountriesByNumber)
{
    CountrySet set;
    EXPECT_TRUE(set.empty());
    for (const auto* code : {"US", "HK", "CN", "HK"}) {
        set.add(*Country::parse(code));
    }
    EXPECT_EQ(set.size(), 3U);
    EXPECT_EQ(set.text(), "CN HK US");
    EXPECT_TRUE(set.contains(*Country::parse("HK")));
    EXPECT_FALSE(set.contains(*Country::parse("TW")));
    EXPECT_EQ(set.list().front().code(), "CN");
}

TEST(CountrySet, HoldsEveryCountryAtOnce)
{
    CountrySet set;
    for (unsigned i = 1; i <= country_count(); ++i) {
        set.add(number(i));
    }
    EXPECT_EQ(set.size(), country_count());
    EXPECT_EQ(set.list().back().code(), "XK");
}

TEST(ParseCountries, TakesEachOnce)
{
    const std::vector<std::string> good = {"HK", "CN"};
    EXPECT_EQ(parse_countries(good)->text(), "CN HK");
    const std::vector<std::string> twice = {"CN", "HK", "CN"};
    EXPECT_MENTIONS(error_of(parse_countries(twice)), "CN is named twice");
    const std::vector<std::string> wrong = {"CN", "China"};
    EXPECT_MENTIONS(error_of(parse_countries(wrong)), "did you mean CN");
    EXPECT_MENTIONS(error_of(parse_countries({})), "at least one");
}

} // namespace
} // namespace meetfence::test
