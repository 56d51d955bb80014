// SPDX-License-Identifier: Apache-2.0
// The part of Program that fills the kernel's tables.
#include <algorithm>
#include <bpf/libbpf.h>
#include <cstring>
#include <ctime>
#include <fstream>
#include <random>

#include "bench.skel.h"
#include "bench/kernel.h"
#include "bench/program.h"
#include "bench/traffic.h"

namespace meetfence::bench {
namespace {

constexpr std::uint64_t kSeed = 20200611;

std::size_t bytes_of_map(int fd)
{
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
    for (std::string word; info >> word;) {
        if (std::size_t bytes = 0; word == "memlock:" && info >> bytes) {
            return bytes;
        }
    }
    throw std::runtime_error("the kernel does not tell what a map takes");
}

} // namespace

void Program::fill_tries(std::span<const geo::PlacedPrefix> v4, std::span<const geo::PlacedPrefix> v6)
{
    const auto fill = [](int fd, std::span<const geo::PlacedPrefix> prefixes, std::size_t skip) {
        for (const auto& placed : prefixes) {
            std::array<std::uint8_t, 20> key{};
            const std::uint32_t bits = placed.prefix.bits;
            std::memcpy(key.data(), &bits, sizeof(bits));
            std::copy(placed.prefix.address.bytes().begin() + static_cast<std::ptrdiff_t>(skip),
                      placed.prefix.address.bytes().end(), key.begin() + sizeof(bits));
            put(fd, key, std::uint32_t{placed.country.number()}, "filling the kernel's trie");
        }
    };
    fill(bpf_map__fd(skeleton_->maps.bench_lpm_v4), v4, 12);
    fill(bpf_map__fd(skeleton_->maps.bench_lpm_v6), v6, 0);
}

// The same in every world: those of the first participants, who are there in no world without flows.
void Program::fill_ufrags()
{
    for (const bool is_v4 : {true, false}) {
        for (std::uint32_t number = 0; number < BENCH_MOST_PACKETS; ++number) {
            mf_ufrag_key key{.ufrag = {BENCH_UFRAG}, .port_slot = kSharedPort};
            std::ranges::copy(ufrag_of(number), key.ufrag + 1);
            std::ranges::copy(local_address(is_v4, kSharedAddress).bytes(), key.local);
            put(bpf_map__fd(skeleton_->maps.ufrags), key, owner_of(number), "filling the table of ufrags");
        }
    }
}

void Program::build(const World& world)
{
    std::memset(&tables_.ports[0], 0, tables_.ports.size() * decltype(tables_.ports)::kStride);
    // One rule for all: what grows is what a packet's way leads through, not what it ends at.
    mf_rule rule{.number = 1, .until_ns = MF_NO_END, .cells = 0};
    for (const auto country : world.countries.list()) {
        rule.countries[country.number() / 64] |= 1ULL << (country.number() % 64);
        ++rule.cell_count;
    }
    tables_.rules[1] = rule;
    std::ranges::copy(rule.countries, tables_.control[0].concerned);
    for (std::uint32_t i = 0; i < world.meetings; ++i) {
        mf_policy policy{.rule_count = 1};
        std::ranges::copy(rule.countries, policy.countries);
        policy.rules[0] = 1;
        tables_.policies[i + 1] = policy;
        tables_.meetings[i + 1] = {.number = i + 1, .policy = i + 1};
        auto& head = tables_.ports[port_of(i)];
        auto& endpoint = tables_.endpoints[i + 1];
        endpoint = {.meeting = i + 1, .next = head};
        std::ranges::copy(local_address(world.family == geo::Family::v4, address_number(i)).bytes(),
                          endpoint.local);
        head = i + 1;
    }
    if (std::exchange(has_flows_, world.flows != nullptr)) {
        clear_flows();
    }
    if (world.flows) {
        auto& shared = tables_.endpoints[world.meetings + 1];
        shared = {.flags = MF_ENDPOINT_LEARNS};
        std::ranges::copy(local_address(world.family == geo::Family::v4, kSharedAddress).bytes(),
                          shared.local);
        tables_.ports[kSharedPort] = world.meetings + 1;
        confirm(*world.flows, world.meetings);
    }
}

void Program::clear_flows()
{
    std::memset(&flows_[0], 0, flows_.size() * decltype(flows_)::kStride);
}

// As those who have sent for a while: the event about each was made.
void Program::confirm(const std::vector<bench_packet>& flows, std::uint32_t meetings)
{
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const auto ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U;
    const auto told = static_cast<std::uint32_t>(ns >> MF_TICK_SHIFT) + 1;
    for (std::uint32_t number = 0; number < flows.size(); ++number) {
        const auto owner = owner_of(number);
        participants_[number + 1] = {
            .owner = owner, .meeting = 1 + meeting_of(number, meetings), .told = told};
        participant_tables_->carry_flow({.key = key_of(flows[number]), .proven = MF_TICK_ALWAYS}, owner);
    }
}

FlowFigure Program::fill_flows(std::size_t count)
{
    std::mt19937_64 random(kSeed);
    std::vector<mf_flow_key> keys(count);
    for (std::uint32_t number = 0; number < count; ++number) {
        IpAddress::Bytes remote{};
        std::ranges::generate(remote, [&] { return static_cast<std::uint8_t>(random()); });
        keys[number] = key_of(packet_to_shared(IpAddress(remote), number));
        keys[number].remote_port = static_cast<std::uint16_t>(random());
        participants_[number + 1] = {.owner = owner_of(number), .meeting = 1};
    }
    clear_flows();
    has_flows_ = true;
    const double begin = cpu_time_ns();
    for (std::uint32_t number = 0; number < count; ++number) {
        participant_tables_->carry_flow({.key = keys[number], .proven = MF_TICK_ALWAYS}, owner_of(number));
    }
    FlowFigure figure{.flows = count,
                      .ns = (cpu_time_ns() - begin) / static_cast<double>(count),
                      .without_room = count,
                      .bytes = bytes_of_map(bpf_map__fd(skeleton_->maps.flows)) +
                               bytes_of_map(bpf_map__fd(skeleton_->maps.participants))};
    participant_tables_->for_each_flow([&](const mf_flow&) { --figure.without_room; });
    return figure;
}

} // namespace meetfence::bench
