// SPDX-License-Identifier: Apache-2.0
// Participants, their flows, and what the program learned of them.
#include <arpa/inet.h>
#include <cstring>
#include <ctime>

#include "kernel-headers/flow_table.h"
#include "meetfence.skel.h"
#include "model/endpoint.h"
#include "tests/support/kernel_calls.h"
#include "tests/support/loaded_program.h"

namespace meetfence::test {
namespace {

mf_ufrag_key ufrag_key(const Endpoint& endpoint, std::string_view ufrag)
{
    mf_ufrag_key key{};
    if (endpoint.address) {
        std::ranges::copy(endpoint.address->bytes(), key.local);
    }
    key.port_slot = endpoint.first_port + (endpoint.transport == Transport::tcp ? MF_PORT_SLOTS / 2 : 0);
    std::ranges::copy(ufrag, key.ufrag);
    return key;
}

mf_flow_key flow_key(Transport transport, const SocketAddress& remote, const SocketAddress& local)
{
    mf_flow_key key{};
    std::ranges::copy(remote.address.bytes(), key.remote);
    std::ranges::copy(local.address.bytes(), key.local);
    key.remote_port = htons(remote.port);
    key.local_port = htons(local.port);
    key.protocol = transport == Transport::tcp ? kTcp : kUdp;
    return key;
}

} // namespace

std::uint64_t LoadedProgram::add_participant(std::uint32_t meeting)
{
    const auto index = next_in(last_participant_, participants.size(), "participants");
    const auto owner = (500ULL + index) << MF_PARTICIPANT_SHIFT | index;
    participants[index] = {.owner = owner, .meeting = meeting};
    return owner;
}

void LoadedProgram::remove_participant(std::uint64_t owner)
{
    participants[owner & MF_PARTICIPANT_INDEX].owner = 0;
}

void LoadedProgram::bind(std::uint64_t owner, std::string_view endpoint, std::string_view ufrag)
{
    const auto key = ufrag_key(value_of(Endpoint::parse(endpoint)), ufrag);
    check(bpf_map_update_elem(fd(skeleton_->maps.ufrags), &key, &owner, BPF_ANY), "binding a ufrag");
}

mf_flow& LoadedProgram::add_flow(std::uint64_t owner, Transport transport, const SocketAddress& remote,
                                 const SocketAddress& local)
{
    const auto key = flow_key(transport, remote, local);
    const auto hash = mf_flow_hash(&key, control[0].flow_secret);
    for (std::uint32_t probe = 0; probe < MF_FLOW_PROBES; ++probe) {
        auto& flow = flows[mf_flow_slot(hash, probe, control[0].flow_slots)];
        if (flow.owner == MF_FLOW_NEVER || flow.owner == MF_FLOW_FREED) {
            flow = {.owner = owner, .key = key, .proven = tick()};
            return flow;
        }
    }
    throw std::length_error("no room left in flows");
}

std::uint64_t LoadedProgram::tally(mf_tally what) const
{
    const auto tallies = read_per_cpu<std::uint64_t>(fd(skeleton_->maps.tallies), MF_TALLIES);
    const auto it = tallies.find(what);
    return it == tallies.end() ? 0 : it->second;
}

mf_flow* LoadedProgram::find_flow(Transport transport, const SocketAddress& remote,
                                  const SocketAddress& local) const
{
    const auto key = flow_key(transport, remote, local);
    for (std::size_t slot = 0; slot < flows.size(); ++slot) {
        auto& flow = flows[slot];
        if (flow.owner >= MF_FLOW_FIRST_OWNER && std::memcmp(&flow.key, &key, sizeof(key)) == 0) {
            return &flow;
        }
    }
    return nullptr;
}

std::optional<mf_sighting> LoadedProgram::find_sighting(std::string_view endpoint,
                                                        std::string_view ufrag) const
{
    const auto at = value_of(Endpoint::parse(endpoint));
    auto key = ufrag_key(at, ufrag);
    std::ranges::fill(key.local, 0);
    key.local[15] = at.address && at.address->is_v4() ? 4 : 6;
    mf_sighting sighting{};
    if (bpf_map_lookup_elem(fd(skeleton_->maps.sightings), &key, &sighting) != 0) {
        return std::nullopt;
    }
    return sighting;
}

std::vector<std::uint64_t> LoadedProgram::read_running() const
{
    std::vector<std::uint32_t> keys(MF_RUNNING);
    std::vector<std::uint64_t> slots(MF_RUNNING);
    std::uint32_t position = 0;
    std::uint32_t count = MF_RUNNING;
    const int result = bpf_map_lookup_batch(fd(skeleton_->maps.running), nullptr, &position, keys.data(),
                                            slots.data(), &count, nullptr);
    if ((result != 0 && errno != ENOENT) || count != MF_RUNNING) {
        refused("reading where media runs");
    }
    return slots; // in the order of their keys: it is an array
}

void LoadedProgram::age_media(std::uint32_t ticks)
{
    const auto slots = read_running();
    for (std::uint32_t slot = 0; slot < slots.size(); ++slot) {
        if (slots[slot] != 0) {
            // The tick alone: on a machine that has just started it goes below zero.
            const auto older = (slots[slot] >> 32U << 32U) | static_cast<std::uint32_t>(slots[slot] - ticks);
            check(bpf_map_update_elem(fd(skeleton_->maps.running), &slot, &older, BPF_ANY), "ageing media");
        }
    }
}

std::size_t LoadedProgram::flows_with_media() const
{
    const auto slots = read_running();
    return slots.size() - static_cast<std::size_t>(std::ranges::count(slots, 0U));
}

std::uint32_t LoadedProgram::tick()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const auto ns =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
    return static_cast<std::uint32_t>(ns >> MF_TICK_SHIFT) + 1;
}

} // namespace meetfence::test
