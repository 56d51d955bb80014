// SPDX-License-Identifier: Apache-2.0
// Short ways to write what the tables shall hold.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "daemon/policy/image.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {

using policy::EndpointImage;
using policy::MeetingImage;
using policy::RuleImage;

/// "*" or an address.
inline EndpointImage on_port(std::uint32_t port_slot, std::string_view local = "*")
{
    return {port_slot, local == "*" ? IpAddress::Bytes{} : value_of(IpAddress::parse(local)).bytes()};
}

inline RuleImage rule_image(std::uint64_t number, std::initializer_list<std::string_view> codes,
                            std::initializer_list<std::string_view> except = {})
{
    RuleImage image{
        .number = number, .countries = {}, .from_ns = 0, .until_ns = MF_NO_END, .mode = MF_ENFORCE};
    for (const auto code : codes) {
        const auto one = country(code);
        image.countries.at(one.number() / 64U) |= 1ULL << one.number() % 64U;
    }
    for (const auto text : except) {
        image.except.push_back(prefix(text));
    }
    std::ranges::sort(image.except);
    return image;
}

/// Keeps out all but these.
inline RuleImage all_but_image(std::uint64_t number, std::initializer_list<std::string_view> codes,
                               std::initializer_list<std::string_view> except = {})
{
    auto image = rule_image(number, codes, except);
    image.whom = MF_WHOM_ALL_BUT;
    for (auto& word : image.countries) {
        word = ~word;
    }
    image.countries[0] &= ~1ULL;
    return image;
}

/// The word by which tables call a participant; here it says of which meeting.
inline std::uint64_t owner_word(std::uint64_t meeting, std::uint64_t person = 1)
{
    return meeting << MF_PARTICIPANT_SHIFT | person;
}

inline RuleImage participant_image(std::uint64_t number, std::uint64_t owner,
                                   std::initializer_list<std::string_view> except = {})
{
    auto image = rule_image(number, {}, except);
    image.whom = MF_WHOM_PARTICIPANT;
    image.participant = owner;
    image.countries.fill(~0ULL);
    return image;
}

inline MeetingImage meeting_image(std::uint64_t number, std::vector<EndpointImage> endpoints,
                                  std::vector<RuleImage> rules = {})
{
    std::ranges::sort(endpoints);
    return {.number = number, .endpoints = std::move(endpoints), .rules = std::move(rules)};
}

} // namespace meetfence::test
