// SPDX-License-Identifier: Apache-2.0
// The daemon's side of participants and flows, on maps of the kernel's own that no program reads.
#pragma once

#include <algorithm>
#include <bpf/bpf.h>
#include <cstring>
#include <ctime>
#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/dataplane/participant_tables.h"
#include "kernel-headers/flow_table.h"
#include "pins/unique_fd.h"
#include "tests/support/error_of.h"

namespace meetfence::test {

using dataplane::HeldParticipant;
using dataplane::ParticipantTables;
using policy::RosterEntry;

inline constexpr std::uint32_t kPeople = 8, kUfrags = 6, kSightings = 64, kSlots = 64;
inline constexpr std::uint32_t kIdle = 56; // ticks
inline constexpr std::uint32_t kTheirs = 3, kOurs = 5;

inline UniqueFd make_map(bpf_map_type type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                         std::uint32_t flags)
{
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = flags;
    UniqueFd fd(bpf_map_create(type, "test", key, value, entries, &options));
    if (!fd) {
        throw std::runtime_error("a map of the kernel's (needs CAP_BPF)");
    }
    return fd;
}

inline UfragBinding binding(std::string_view endpoint, std::string ufrag)
{
    return {Endpoint::parse(endpoint).value(), std::move(ufrag)};
}

inline Flow flow(std::string_view local, std::string_view remote)
{
    return make_flow(local, remote).value();
}

inline RosterEntry person(std::string id, std::vector<UfragBinding> ufrags, std::vector<Flow> flows = {})
{
    std::ranges::sort(ufrags);
    std::ranges::sort(flows);
    return {.id = std::move(id), .ufrags = std::move(ufrags), .flows = std::move(flows), .handed_over = true};
}

inline std::uint32_t tick()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.tv_sec * 1'000'000'000 + now.tv_nsec) >>
                                      MF_TICK_SHIFT) +
           1;
}

class ParticipantTablesTest : public testing::Test {
protected:
    ParticipantTablesTest()
    {
        control.flow_slots = kSlots;
        control.flow_idle = kIdle;
        for (std::uint64_t word = 1; auto& secret : control.flow_secret) {
            secret = 0x9e3779b97f4a7c15U * ++word | 1U;
        }
        start();
    }

    template <class T> static pins::MappedArray<T> map(const UniqueFd& fd, std::uint32_t size)
    {
        return pins::MappedArray<T>::map(fd.get(), size, pins::Access::read_write, "test").value();
    }

    /// A daemon, on the maps that the one before it left.
    void start()
    {
        dataplane::ParticipantMaps maps{
            .ids_fd = ids.get(), .ufrags_fd = ufrags.get(), .sightings_fd = sightings.get()};
        maps.strangers_fd = strangers.get();
        maps.wait_for_packets = [this]() -> Result<> {
            ++waits;
            return fail_waits ? Result<>(fail(ErrorCode::internal, "no grace period")) : Result<>();
        };
        maps.participants = map<mf_participant>(participants_fd, kPeople);
        maps.flows = map<mf_flow>(flows_fd, kSlots);
        tables.emplace(std::move(maps), control);
    }

    std::vector<HeldParticipant> adopt()
    {
        start();
        auto held = tables->adopt();
        EXPECT_TRUE(held) << error_of(held);
        return held ? std::move(*held) : std::vector<HeldParticipant>{};
    }

    RosterEntry put(RosterEntry entry, std::uint32_t meeting = kTheirs, const RosterEntry* before = nullptr)
    {
        const auto done = tables->put(before, entry, meeting);
        EXPECT_TRUE(done) << error_of(done);
        return entry;
    }

    /// A flow as the program adds it.
    mf_flow& learn(const Flow& learned, std::uint64_t owner, std::uint32_t proven)
    {
        tables->carry_flow({.key = policy::to_key(learned), .proven = proven}, owner);
        return *find(learned);
    }

    [[nodiscard]] mf_flow* find(const Flow& wanted)
    {
        const auto key = policy::to_key(wanted);
        for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
            if (flows[slot].owner >= MF_FLOW_FIRST_OWNER &&
                std::memcmp(&flows[slot].key, &key, sizeof(key)) == 0) {
                return &flows[slot];
            }
        }
        return nullptr;
    }

    [[nodiscard]] std::uint64_t owner_of(const UfragBinding& bound) const
    {
        const auto key = policy::to_key(bound);
        std::uint64_t owner = 0;
        return bpf_map_lookup_elem(ufrags.get(), &key, &owner) == 0 ? owner : 0;
    }

    void see(const UfragBinding& named, const Flow& answered, std::uint32_t when)
    {
        const auto key = sighting_key(named, answered.local.address.is_v4() ? 4 : 6);
        const mf_sighting seen{.flow = policy::to_key(answered), .seen = when};
        ASSERT_EQ(bpf_map_update_elem(sightings.get(), &key, &seen, BPF_ANY), 0);
    }
    /// Somebody who was not handed over was answered there.
    void meet_stranger(const Flow& answered, std::uint32_t ufrag, std::uint32_t when)
    {
        const auto key = policy::to_key(answered);
        const auto hash = mf_flow_hash(&key, control.flow_secret);
        const auto index = static_cast<std::uint32_t>(hash) & (MF_STRANGERS - 1);
        const mf_stranger met{.flow = static_cast<std::uint32_t>(hash >> 32), .ufrag = ufrag, .tick = when};
        ASSERT_EQ(bpf_map_update_elem(strangers.get(), &index, &met, BPF_ANY), 0);
    }
    [[nodiscard]] bool is_sighted(const UfragBinding& named) const
    {
        const auto is_there = [&](std::uint8_t family) {
            const auto key = sighting_key(named, family);
            mf_sighting seen{};
            return bpf_map_lookup_elem(sightings.get(), &key, &seen) == 0;
        };
        return is_there(4) || is_there(6);
    }
    /// As the program keys them (kernel-headers/abi.h).
    [[nodiscard]] static mf_ufrag_key sighting_key(const UfragBinding& named, std::uint8_t family)
    {
        auto key = policy::to_key(named);
        std::ranges::fill(key.local, 0);
        key.local[15] = family;
        return key;
    }

    [[nodiscard]] std::vector<mf_flow> living() const
    {
        std::vector<mf_flow> all;
        tables->for_each_flow([&](const mf_flow& one) { all.push_back(one); });
        return all;
    }

    /// Everything a change could have touched, in an order of its own.
    struct Held {
        std::vector<std::tuple<std::string, std::uint64_t, bool, std::uint32_t>> people;
        std::vector<std::vector<UfragBinding>> ufrags;
        std::vector<std::vector<Flow>> flows;
        friend bool operator==(const Held&, const Held&) = default;
    };
    Held whole()
    {
        Held held;
        for (const auto& one : adopt()) {
            held.people.emplace_back(one.entry.id, one.entry.owner, one.entry.handed_over, one.meeting_slot);
            held.ufrags.push_back(one.entry.ufrags);
            held.flows.push_back(one.entry.flows);
        }
        return held;
    }

    static void expect_same(const RosterEntry& one, const RosterEntry& other)
    {
        EXPECT_EQ(one.owner, other.owner);
        EXPECT_EQ(one.id, other.id);
        EXPECT_EQ(one.ufrags, other.ufrags);
        EXPECT_EQ(one.flows, other.flows);
        EXPECT_EQ(one.handed_over, other.handed_over);
    }

    UniqueFd participants_fd =
        make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(mf_participant), kPeople, BPF_F_MMAPABLE);
    UniqueFd flows_fd = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(mf_flow), kSlots, BPF_F_MMAPABLE);
    UniqueFd ids = make_map(BPF_MAP_TYPE_HASH, 4, sizeof(mf_participant_id), kPeople, BPF_F_NO_PREALLOC);
    UniqueFd ufrags = make_map(BPF_MAP_TYPE_HASH, sizeof(mf_ufrag_key), 8, kUfrags, BPF_F_NO_PREALLOC);
    UniqueFd sightings =
        make_map(BPF_MAP_TYPE_LRU_HASH, sizeof(mf_ufrag_key), sizeof(mf_sighting), kSightings, 0);
    UniqueFd strangers = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(mf_stranger), MF_STRANGERS, 0);
    unsigned waits = 0; // for packets
    bool fail_waits = false;
    pins::MappedArray<mf_participant> participants = map<mf_participant>(participants_fd, kPeople);
    pins::MappedArray<mf_flow> flows = map<mf_flow>(flows_fd, kSlots);
    mf_control control{};
    std::optional<ParticipantTables> tables;

    const Flow here = flow("udp:198.18.0.1:40000", "203.0.113.10:51000");
    const Flow there = flow("tcp:[2001:db8::1]:443", "[2001:db8:c::10]:51000");
    const UfragBinding anywhere = binding("udp:*:40000", "Auta");
    const UfragBinding exact = binding("udp:198.18.0.1:40000", "26ant1ioqu7qnr");
    const UfragBinding in_v6 = binding("tcp:[2001:db8::1]:443", std::string(MF_UFRAG_BYTES, 'x'));
};

} // namespace meetfence::test
