// SPDX-License-Identifier: Apache-2.0
// Countries: ISO 3166-1 alpha-2, upper case, exact. CN, HK, MO and TW are four countries.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace meetfence {

/// A country by its number in the kernel's tables; 0 is "no country".
class Country {
public:
    Country() = default;
    explicit constexpr Country(std::uint8_t number) : number_(number) {}

    /// As people write it. A name or a wrong case is refused with the right code suggested.
    [[nodiscard]] static Result<Country> parse(std::string_view text);
    /// As databases write it: what is no country (EU, AP, A1, ZZ, …) is none, not an error.
    [[nodiscard]] static Country from_database(std::string_view code);

    [[nodiscard]] std::uint8_t number() const { return number_; }
    [[nodiscard]] bool none() const { return number_ == 0; }
    [[nodiscard]] std::string_view code() const; // "--" for none
    [[nodiscard]] std::string_view name() const;

    friend bool operator==(Country, Country) = default;
    friend auto operator<=>(Country, Country) = default;

private:
    std::uint8_t number_ = 0;
};

/// How many countries there are; their numbers are 1 to this.
[[nodiscard]] std::size_t country_count();

class CountrySet {
public:
    void add(Country country) { bits_.set(country.number()); }
    [[nodiscard]] bool contains(Country country) const { return bits_.test(country.number()); }
    [[nodiscard]] bool empty() const { return bits_.none(); }
    [[nodiscard]] std::size_t size() const { return bits_.count(); }
    [[nodiscard]] std::vector<Country> list() const; // by number
    [[nodiscard]] std::string text() const;          // "CN HK"

    friend bool operator==(const CountrySet&, const CountrySet&) = default;

private:
    std::bitset<256> bits_;
};

/// At least one country, none twice.
[[nodiscard]] Result<CountrySet> parse_countries(std::span<const std::string> codes);

} // namespace meetfence
