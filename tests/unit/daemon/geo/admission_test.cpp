// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/admission.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using geo::Candidate;
using geo::Extent;

constexpr auto kDay = std::chrono::hours(24);
const Time kNow = Time(std::chrono::seconds(1'800'000'000));

CountrySet countries(std::initializer_list<std::string_view> codes)
{
    CountrySet set;
    for (const auto code : codes) {
        set.add(country(code));
    }
    return set;
}

class Admission : public testing::Test {
protected:
    static Candidate with(std::initializer_list<std::string_view> codes, std::uint64_t ipv4 = 1000,
                          std::uint64_t ipv6 = 100)
    {
        Candidate candidate{.databases = {{"/a.mmdb", "A", kNow - kDay, countries(codes)}}};
        for (const auto code : codes) {
            candidate.extents.at(country(code).number()) = {1, ipv4, 1, ipv6};
        }
        return candidate;
    }
    [[nodiscard]] std::string refusal(const Candidate& candidate, const Candidate* present,
                                      std::initializer_list<std::string_view> under_rule = {"CN"}) const
    {
        return geo::refusal(candidate, present, countries(under_rule), policy, kNow);
    }

    geo::AdmissionPolicy policy{.min_countries = 2, .max_age = 45 * kDay};
};

TEST_F(Admission, TakesWhatLosesNothing)
{
    const auto present = with({"CN", "HK"});
    EXPECT_EQ(refusal(present, &present), "");
    EXPECT_EQ(refusal(present, nullptr), "");
    EXPECT_EQ(refusal(with({"CN", "US"}), &present), ""); // HK is under no rule
    EXPECT_EQ(refusal(with({"CN", "HK"}, 5000, 500), &present), "");
}

TEST_F(Admission, WantsEnoughCountries)
{
    EXPECT_EQ(refusal(with({"CN"}), nullptr),
              "country database /a.mmdb: it knows 1 countries, and geo.min_countries is 2");
}

TEST_F(Admission, WantsACountryUnderARuleWhereItWas)
{
    const auto present = with({"CN", "HK"});
    EXPECT_EQ(refusal(with({"US", "HK"}), &present),
              "country database /a.mmdb: it has no address of CN, which a rule names");
    EXPECT_EQ(refusal(with({"US", "HK"}), nullptr), "");
    EXPECT_EQ(refusal(with({"US", "HK"}), &present, {"BV"}), ""); // which it never had
    auto elsewhere = with({"US", "HK"});
    elsewhere.databases[0].path = "/b.mmdb"; // a new file has to know what was known before
    EXPECT_NE(refusal(elsewhere, &present), "");
}

TEST_F(Admission, WantsFourFifthsOfACountryUnderARule)
{
    const auto present = with({"CN", "HK"});
    EXPECT_EQ(refusal(with({"CN", "HK"}, 800, 80), &present), "");
    EXPECT_EQ(refusal(with({"CN", "HK"}, 799, 100), &present),
              "CN, which a rule names, would lose 20 % of its IPv4 addresses (799 of 1000 are left)");
    EXPECT_EQ(refusal(with({"CN", "HK"}, 1000, 50), &present),
              "CN, which a rule names, would lose 50 % of its IPv6 /48s (50 of 100 are left)");
    EXPECT_EQ(refusal(with({"CN", "HK"}, 1, 1), &present, {}), "");
    EXPECT_EQ(refusal(with({"CN", "HK"}, 0, 100), &present),
              "CN, which a rule names, would lose 100 % of its IPv4 addresses (0 of 1000 are left)");
}

TEST_F(Admission, ReckonsWithTheWholeOfIpv4)
{
    const auto all = with({"CN", "HK"}, 1ULL << 32, 1ULL << 48);
    EXPECT_EQ(refusal(all, &all), "");
    EXPECT_NE(refusal(with({"CN", "HK"}, 1ULL << 31, 1ULL << 48), &all), "");
}

TEST_F(Admission, RefusesAnOldDatabaseOnlyWhenAsked)
{
    auto old = with({"CN", "HK"});
    old.databases[0].build = kNow - 46 * kDay;
    EXPECT_EQ(refusal(old, nullptr), "");
    policy.refuse_old = true;
    EXPECT_NE(refusal(old, nullptr).find("46 days ago; geo.max_age is 45 days"), std::string::npos);
    old.databases[0].build = kNow - 45 * kDay;
    EXPECT_EQ(refusal(old, nullptr), "");
    old.databases[0].build = kNow + kDay; // somebody's clock is wrong, and the database new
    EXPECT_EQ(refusal(old, nullptr), "");
}

} // namespace
} // namespace meetfence::test
