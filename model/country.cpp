// SPDX-License-Identifier: Apache-2.0
#include "model/country.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "model/suggest.h"

namespace meetfence {
namespace {

struct Entry {
    std::string_view code;
    std::string_view name;
};

constexpr auto kCountries = std::to_array<Entry>({
#define COUNTRY(code, name) {code, name},
#include "model/countries.inc"
#undef COUNTRY
});
static_assert(kCountries.size() < 255, "country numbers are bytes, and 0 is none");

constexpr const char* kReason = "not_a_country";
constexpr std::string_view kFourOfThem =
    " CN, HK, MO and TW are countries of their own: name each one that is meant.";

Country find(std::string_view code)
{
    const auto* const it = std::ranges::find(kCountries, code, &Entry::code);
    return it == kCountries.end() ? Country{}
                                  : Country(static_cast<std::uint8_t>(it - kCountries.begin() + 1));
}

std::string upper(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::toupper(c); });
    return result;
}

// Names and codes that people use and ISO 3166-1 does not.
constexpr auto kAliases = std::to_array<Entry>({
    {"GB", "UK"},
    {"GR", "EL"},
    {"US", "USA"},
    {"US", "United States of America"},
    {"GB", "Great Britain"},
    {"GB", "England"},
    {"CN", "PRC"},
    {"CN", "Mainland China"},
    {"CN", "People's Republic of China"},
    {"TW", "ROC"},
    {"RU", "Russian Federation"},
    {"MO", "Macau"},
    {"KR", "Korea"},
    {"TR", "Turkey"},
    {"CZ", "Czech Republic"},
    {"MM", "Burma"},
    {"AE", "UAE"},
});

constexpr auto kPseudo =
    std::to_array<std::string_view>({"EU", "AP", "A1", "A2", "A3", "O1", "T1", "XX", "ZZ"});

} // namespace

Result<Country> Country::parse(std::string_view text)
{
    if (const auto exact = find(text); !exact.none()) {
        return exact;
    }
    const auto quoted = "'" + std::string(text) + "' is not an ISO 3166-1 alpha-2 country code";
    const auto code = upper(text);
    if (std::ranges::find(kPseudo, code) != kPseudo.end()) {
        return fail(ErrorCode::invalid,
                    quoted + ": it names no single country; name each country by its own code", kReason);
    }

    std::string_view meant = find(code).none() ? std::string_view{} : find(code).code();
    for (const auto& list : {std::span<const Entry>(kCountries), std::span<const Entry>(kAliases)}) {
        for (const auto& entry : list) {
            if (meant.empty() && upper(entry.name) == code) {
                meant = entry.code;
            }
        }
    }
    if (meant.empty() && text.size() > 3) {
        std::vector<std::string_view> names;
        std::ranges::transform(kCountries, std::back_inserter(names), &Entry::name);
        const auto near = nearest(text, names);
        const auto* const it = std::ranges::find(kCountries, near, &Entry::name);
        meant = it == kCountries.end() ? std::string_view{} : it->code;
    }
    if (meant.empty()) {
        return fail(ErrorCode::invalid, quoted + " (two upper-case letters, such as CN or US)", kReason);
    }
    const bool four = meant == "CN" || meant == "HK" || meant == "MO" || meant == "TW";
    return fail(ErrorCode::invalid,
                quoted + ": did you mean " + std::string(meant) + " (" + std::string(find(meant).name()) +
                    ")?" + std::string(four ? kFourOfThem : std::string_view{}),
                kReason);
}

Country Country::from_database(std::string_view code)
{
    return find(code);
}

std::string_view Country::code() const
{
    return none() || number_ > kCountries.size() ? std::string_view("--") : kCountries.at(number_ - 1U).code;
}

std::string_view Country::name() const
{
    return none() || number_ > kCountries.size() ? std::string_view("no country")
                                                 : kCountries.at(number_ - 1U).name;
}

std::size_t country_count()
{
    return kCountries.size();
}

std::vector<Country> CountrySet::list() const
{
    std::vector<Country> result;
    for (unsigned number = 1; number < bits_.size(); ++number) {
        if (bits_.test(number)) {
            result.emplace_back(static_cast<std::uint8_t>(number));
        }
    }
    return result;
}

std::string CountrySet::text() const
{
    std::string result;
    for (const auto country : list()) {
        result.append(result.empty() ? "" : " ").append(country.code());
    }
    return result;
}

Result<CountrySet> parse_countries(std::span<const std::string> codes)
{
    CountrySet set;
    for (const auto& code : codes) {
        const auto country = TRY(Country::parse(code));
        if (set.contains(country)) {
            return fail(ErrorCode::invalid, "country " + code + " is named twice");
        }
        set.add(country);
    }
    if (set.empty()) {
        return fail(ErrorCode::invalid, "no country is named: a rule needs at least one");
    }
    return set;
}

} // namespace meetfence
