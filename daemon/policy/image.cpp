// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/image.h"

#include <algorithm>
#include <bit>

namespace meetfence::policy {
namespace {

// Before the machine started counts as "since ever", and what 64 bits of nanoseconds cannot hold (after
// the year 2262) as "never".
std::uint64_t to_boot_ns(Time time, std::int64_t wall_offset_ns)
{
    if (time.time_since_epoch() > std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds::max())) {
        return MF_NO_END;
    }
    if (time.time_since_epoch() < std::chrono::seconds(0)) {
        return 0;
    }
    const auto wall_ns = std::chrono::nanoseconds(time.time_since_epoch()).count();
    return wall_ns <= wall_offset_ns ? 0 : static_cast<std::uint64_t>(wall_ns - wall_offset_ns);
}

RuleImage compile_rule(const Rule& rule, const Meeting& meeting, std::int64_t wall_offset_ns)
{
    RuleImage image{.number = rule.number, .except = rule.except};
    for (const auto country : rule.countries.list()) {
        image.countries.at(country.number() / 64U) |= 1ULL << (country.number() % 64U);
    }
    image.from_ns = to_boot_ns(rule.from, wall_offset_ns);
    image.until_ns =
        to_boot_ns(meeting.until ? std::min(rule.until, *meeting.until) : rule.until, wall_offset_ns);
    image.mode = rule.mode == Mode::monitor ? MF_MONITOR : MF_ENFORCE;
    return image;
}

} // namespace

std::uint32_t country_count(const std::array<std::uint64_t, MF_COUNTRY_WORDS>& countries)
{
    std::uint32_t count = 0;
    for (const auto word : countries) {
        count += static_cast<std::uint32_t>(std::popcount(word));
    }
    return count;
}

std::vector<Country> countries_of(const std::array<std::uint64_t, MF_COUNTRY_WORDS>& countries)
{
    std::vector<Country> result;
    for (unsigned number = 1; number < MF_COUNTRY_WORDS * 64; ++number) {
        if ((countries.at(number / 64U) >> (number % 64U) & 1) != 0) {
            result.emplace_back(static_cast<std::uint8_t>(number));
        }
    }
    return result;
}

void expand(const Endpoint& endpoint, std::vector<EndpointImage>& images)
{
    const std::uint32_t base = endpoint.transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0;
    for (std::uint32_t port = endpoint.first_port; port <= endpoint.last_port; ++port) {
        images.push_back({base + port, endpoint.address ? endpoint.address->bytes() : IpAddress::Bytes{}});
    }
}

MeetingImage compile(std::uint64_t number, const Meeting& meeting, const std::vector<const Rule*>& rules,
                     std::int64_t wall_offset_ns)
{
    MeetingImage image{.number = number};
    for (const auto& endpoint : meeting.endpoints) {
        expand(endpoint, image.endpoints);
    }
    std::ranges::sort(image.endpoints);
    image.endpoints.erase(std::unique(image.endpoints.begin(), image.endpoints.end()), image.endpoints.end());
    for (const auto* rule : rules) {
        image.rules.push_back(compile_rule(*rule, meeting, wall_offset_ns));
    }
    std::ranges::sort(image.rules, {}, &RuleImage::number);
    return image;
}

} // namespace meetfence::policy
