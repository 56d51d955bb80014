// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/image.h"

#include <algorithm>
#include <optional>

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

// All but these, no country left out: whom no database places is let in.
void invert(std::array<std::uint64_t, MF_COUNTRY_WORDS>& countries)
{
    for (auto& word : countries) {
        word = ~word;
    }
    countries[0] &= ~1ULL;
}

RuleImage compile_rule(std::uint64_t meeting_number, const Rule& rule, const Meeting& meeting,
                       std::int64_t wall_offset_ns, const OwnerOf& owner_of)
{
    RuleImage image{.number = rule.number, .except = rule.except};
    for (const auto country : rule.countries.list()) {
        image.countries.at(country.number() / 64U) |= 1ULL << (country.number() % 64U);
    }
    if (rule.whom == Whom::all_but) {
        image.whom = MF_WHOM_ALL_BUT;
        invert(image.countries);
    } else if (rule.whom == Whom::participant) {
        image.whom = MF_WHOM_PARTICIPANT;
        image.participant = owner_of(meeting_number, rule.participant);
        if (rule.countries.empty()) { // under an order: only while placed in its country
            image.countries.fill(~0ULL);
        }
    }
    image.from_ns = to_boot_ns(rule.from, wall_offset_ns);
    const auto end = rule.order.empty() ? meeting.until : std::nullopt;
    image.until_ns = to_boot_ns(std::min(rule.until, end.value_or(rule.until)), wall_offset_ns);
    image.mode = rule.mode == Mode::monitor ? MF_MONITOR : MF_ENFORCE;
    return image;
}

} // namespace

std::vector<Country> RuleImage::cell_countries() const
{
    if (whom != MF_WHOM_COUNTRIES) {
        return {Country()};
    }
    std::vector<Country> result;
    for (unsigned country = 1; country < MF_COUNTRY_WORDS * 64; ++country) {
        if ((countries.at(country / 64U) >> (country % 64U) & 1) != 0) {
            result.emplace_back(static_cast<std::uint8_t>(country));
        }
    }
    return result;
}

std::uint32_t RuleImage::cell_count() const
{
    return static_cast<std::uint32_t>(cell_countries().size());
}

bool RuleImage::counts_like(const RuleImage& other) const
{
    return whom == other.whom && countries == other.countries;
}

void expand(const Endpoint& endpoint, std::vector<EndpointImage>& images)
{
    const std::uint32_t base = endpoint.transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0;
    for (std::uint32_t port = endpoint.first_port; port <= endpoint.last_port; ++port) {
        images.push_back({base + port, endpoint.address ? endpoint.address->bytes() : IpAddress::Bytes{}});
    }
}

Endpoint to_endpoint(const EndpointImage& image)
{
    constexpr std::uint32_t kPorts = MF_PORT_SLOTS / 2;
    const auto port = static_cast<std::uint16_t>(image.port_slot % kPorts);
    const IpAddress local(image.local);
    return {image.port_slot >= kPorts ? Transport::tcp : Transport::udp,
            local == IpAddress() ? std::nullopt : std::optional(local), port, port};
}

MeetingImage compile(std::uint64_t number, const Meeting& meeting, const std::vector<const Rule*>& rules,
                     std::int64_t wall_offset_ns, const OwnerOf& owner_of)
{
    MeetingImage image{.number = number};
    for (const auto& endpoint : meeting.endpoints) {
        expand(endpoint, image.endpoints);
    }
    std::ranges::sort(image.endpoints);
    image.endpoints.erase(std::unique(image.endpoints.begin(), image.endpoints.end()), image.endpoints.end());
    for (const auto* rule : rules) {
        image.rules.push_back(compile_rule(number, *rule, meeting, wall_offset_ns, owner_of));
    }
    std::ranges::sort(image.rules, {}, &RuleImage::number);
    return image;
}

} // namespace meetfence::policy
