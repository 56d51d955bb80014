// SPDX-License-Identifier: Apache-2.0
// Both halves compile kernel-headers/abi.h, each with its own compiler: the layouts that came out,
// ours and the one in the object's BTF, must be the same. (mf_event, mf_sample, mf_explain
// and the geo keys are in no global declaration of the program, so BTF lacks them.)
#include <bpf/btf.h>
#include <gtest/gtest.h>

#include "tests/support/loaded_program.h"

namespace meetfence::test {
namespace {

class Abi : public testing::Test {
protected:
    const btf_type* find(const char* type) const
    {
        const auto id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
        return id < 0 ? nullptr : btf__type_by_id(btf, static_cast<std::uint32_t>(id));
    }

    void expect_member(const char* type, unsigned index, const char* member, std::size_t offset,
                       std::size_t size) const
    {
        const auto* layout = find(type);
        ASSERT_NE(layout, nullptr) << type;
        ASSERT_LT(index, btf_vlen(layout)) << type << " has no member " << member;
        const auto& found = btf_members(layout)[index];
        EXPECT_STREQ(btf__name_by_offset(btf, found.name_off), member) << type;
        EXPECT_EQ(btf_member_bit_offset(layout, index), offset * 8) << type << "::" << member;
        EXPECT_EQ(btf__resolve_size(btf, found.type), static_cast<__s64>(size)) << type << "::" << member;
    }

    void expect_layout(const char* type, std::size_t size, unsigned members) const
    {
        const auto* layout = find(type);
        ASSERT_NE(layout, nullptr) << type;
        EXPECT_EQ(layout->size, size) << type;
        EXPECT_EQ(btf_vlen(layout), members) << type;
    }

    const bpf_map* map(const char* name) const
    {
        const auto* found = bpf_object__find_map_by_name(program.object(), name);
        EXPECT_NE(found, nullptr) << name;
        return found;
    }

    LoadedProgram program;
    const ::btf* btf = bpf_object__btf(program.object());
};

// Each member by number, name, offset and size: none is left out, none stands elsewhere.
#define MEMBER(number, member)                                                                               \
    expect_member(kType, number, #member, offsetof(Type, member), sizeof(Type::member))
#define LAYOUT(type, members)                                                                                \
    using Type = type;                                                                                       \
    constexpr const char* kType = #type;                                                                     \
    expect_layout(kType, sizeof(Type), members)

TEST_F(Abi, LaysOutControlAlike)
{
    LAYOUT(mf_control, 23);
    MEMBER(0, layout);
    MEMBER(1, geo_active);
    MEMBER(2, exempt_set);
    MEMBER(3, flow_slots);
    MEMBER(4, flow_idle);
    MEMBER(5, pad);
    MEMBER(6, concerned);
    MEMBER(7, outside_scope);
    MEMBER(8, flow_secret);
    MEMBER(9, meetings);
    MEMBER(10, policies);
    MEMBER(11, rules);
    MEMBER(12, endpoints);
    MEMBER(13, cells);
    MEMBER(14, participants);
    MEMBER(15, last_participant);
    MEMBER(16, geo_generation);
    MEMBER(17, geo_build_s);
    MEMBER(18, geo_prefixes_v4);
    MEMBER(19, geo_prefixes_v6);
    MEMBER(20, geo_bytes);
    MEMBER(21, retired_drops);
    MEMBER(22, wall_offset_ns);
}

TEST_F(Abi, LaysOutEndpointsAlike)
{
    LAYOUT(mf_endpoint, 5);
    MEMBER(0, local);
    MEMBER(1, meeting);
    MEMBER(2, next);
    MEMBER(3, flags);
    MEMBER(4, pad);
}

TEST_F(Abi, LaysOutMeetingsAlike)
{
    LAYOUT(mf_meeting, 4);
    MEMBER(0, number);
    MEMBER(1, policy);
    MEMBER(2, retired);
    MEMBER(3, shared);
}

TEST_F(Abi, LaysOutPoliciesAlike)
{
    LAYOUT(mf_policy, 4);
    MEMBER(0, countries);
    MEMBER(1, rule_count);
    MEMBER(2, pad);
    MEMBER(3, rules);
}

TEST_F(Abi, LaysOutRulesAlike)
{
    LAYOUT(mf_rule, 11);
    MEMBER(0, number);
    MEMBER(1, countries);
    MEMBER(2, from_ns);
    MEMBER(3, until_ns);
    MEMBER(4, participant);
    MEMBER(5, cells);
    MEMBER(6, cell_count);
    MEMBER(7, except_set);
    MEMBER(8, mode);
    MEMBER(9, whom);
    MEMBER(10, pad);
}

TEST_F(Abi, LaysOutCellsAlike)
{
    LAYOUT(mf_cell, 1);
    MEMBER(0, by_direction);
}

TEST_F(Abi, LaysOutReasonCountersAlike)
{
    LAYOUT(mf_traffic, 2);
    MEMBER(0, packets);
    MEMBER(1, bytes);
}

TEST_F(Abi, LaysOutPrefixKeysAlike)
{
    LAYOUT(mf_prefix_key, 4);
    MEMBER(0, prefix_bits);
    MEMBER(1, set);
    MEMBER(2, family);
    MEMBER(3, address);
}

TEST_F(Abi, LaysOutFragmentKeysAlike)
{
    LAYOUT(mf_fragment_key, 6);
    MEMBER(0, remote);
    MEMBER(1, local);
    MEMBER(2, identification);
    MEMBER(3, protocol);
    MEMBER(4, direction);
    MEMBER(5, pad);
}

TEST_F(Abi, LaysOutFragmentsAlike)
{
    LAYOUT(mf_fragment, 7);
    MEMBER(0, until_ns);
    MEMBER(1, rule_number);
    MEMBER(2, rule);
    MEMBER(3, cell);
    MEMBER(4, meeting_number);
    MEMBER(5, country);
    MEMBER(6, geo_generation);
}

TEST_F(Abi, LaysOutCellTimesAlike)
{
    LAYOUT(mf_cell_times, 2);
    MEMBER(0, event_ns);
    MEMBER(1, sample_ns);
}

TEST_F(Abi, LaysOutCountsAlike)
{
    LAYOUT(mf_counts, 6);
    MEMBER(0, dropped_packets);
    MEMBER(1, dropped_bytes);
    MEMBER(2, would_drop_packets);
    MEMBER(3, would_drop_bytes);
    MEMBER(4, passed_packets);
    MEMBER(5, passed_bytes);
}

TEST_F(Abi, LaysOutParticipantsAlike)
{
    LAYOUT(mf_participant, 3);
    MEMBER(0, owner);
    MEMBER(1, meeting);
    MEMBER(2, told);
}

TEST_F(Abi, LaysOutParticipantIdsAlike)
{
    LAYOUT(mf_participant_id, 2);
    MEMBER(0, owner);
    MEMBER(1, id);
}

TEST_F(Abi, LaysOutUfragKeysAlike)
{
    LAYOUT(mf_ufrag_key, 3);
    MEMBER(0, ufrag);
    MEMBER(1, local);
    MEMBER(2, port_slot);
}

TEST_F(Abi, LaysOutFlowKeysAlike)
{
    LAYOUT(mf_flow_key, 5);
    MEMBER(0, remote);
    MEMBER(1, local);
    MEMBER(2, remote_port);
    MEMBER(3, local_port);
    MEMBER(4, protocol);
}

TEST_F(Abi, LaysOutFlowsAlike)
{
    LAYOUT(mf_flow, 6);
    MEMBER(0, owner);
    MEMBER(1, key);
    MEMBER(2, proven);
    MEMBER(3, contested);
    MEMBER(4, rivalled);
    MEMBER(5, contested_by);
}

TEST_F(Abi, LaysOutPendingRequestsAlike)
{
    LAYOUT(mf_pending, 9);
    MEMBER(0, sequence);
    MEMBER(1, flow);
    MEMBER(2, transaction);
    MEMBER(3, tag);
    MEMBER(4, owner);
    MEMBER(5, ufrag);
    MEMBER(6, direction);
    MEMBER(7, names);
    MEMBER(8, pad);
}

TEST_F(Abi, LaysOutStrangersAlike)
{
    LAYOUT(mf_stranger, 4);
    MEMBER(0, flow);
    MEMBER(1, ufrag);
    MEMBER(2, tick);
    MEMBER(3, pad);
}

TEST_F(Abi, LaysOutSightingsAlike)
{
    LAYOUT(mf_sighting, 3);
    MEMBER(0, flow);
    MEMBER(1, seen);
    MEMBER(2, pad);
}

#undef LAYOUT
#undef MEMBER

TEST_F(Abi, GivesEveryMapItsKeyValueAndSize)
{
    struct Expected {
        const char* name;
        bpf_map_type type;
        std::size_t key, value, entries;
        std::uint32_t flags;
    };
    constexpr auto kArray = BPF_MAP_TYPE_ARRAY;
    const std::vector<Expected> maps = {
        {"control", kArray, 4, sizeof(mf_control), 1, BPF_F_MMAPABLE},
        {"ports", kArray, 4, sizeof(std::uint32_t), MF_PORT_SLOTS, BPF_F_MMAPABLE},
        {"endpoints", kArray, 4, sizeof(mf_endpoint), LoadedProgram::kEndpoints, BPF_F_MMAPABLE},
        {"meetings", kArray, 4, sizeof(mf_meeting), LoadedProgram::kMeetings, BPF_F_MMAPABLE},
        {"policies", kArray, 4, sizeof(mf_policy), LoadedProgram::kMeetings, BPF_F_MMAPABLE},
        {"rules", kArray, 4, sizeof(mf_rule), LoadedProgram::kRules, BPF_F_MMAPABLE},
        {"cell_times", kArray, 4, sizeof(mf_cell_times), Settings{}.cells, BPF_F_MMAPABLE},
        {"cells", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(mf_cell), Settings{}.cells, 0},
        {"reasons", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(mf_traffic), MF_REASON_ENTRIES, 0},
        {"tallies", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(std::uint64_t), MF_TALLIES, 0},
        {"participants", kArray, 4, sizeof(mf_participant), LoadedProgram::kParticipants, BPF_F_MMAPABLE},
        {"participant_ids", BPF_MAP_TYPE_HASH, 4, sizeof(mf_participant_id), LoadedProgram::kParticipants,
         BPF_F_NO_PREALLOC},
        {"ufrags", BPF_MAP_TYPE_HASH, sizeof(mf_ufrag_key), sizeof(std::uint64_t),
         4 * LoadedProgram::kParticipants, BPF_F_NO_PREALLOC},
        {"flows", kArray, 4, sizeof(mf_flow), Settings{}.flow_slots, BPF_F_MMAPABLE},
        {"pending", kArray, 4, sizeof(mf_pending), MF_PENDING, 0},
        {"running", kArray, 4, sizeof(std::uint64_t), MF_RUNNING, 0},
        {"strangers", kArray, 4, sizeof(mf_stranger), MF_STRANGERS, 0},
        {"sightings", BPF_MAP_TYPE_LRU_HASH, sizeof(mf_ufrag_key), sizeof(mf_sighting), MF_SIGHTINGS, 0},
        {"geo", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, MF_GEO_SLOTS, 0},
        {"prefix_sets", BPF_MAP_TYPE_LPM_TRIE, sizeof(mf_prefix_key), 4, 65536, BPF_F_NO_PREALLOC},
        {"fragments", BPF_MAP_TYPE_LRU_HASH, sizeof(mf_fragment_key), sizeof(mf_fragment), MF_FRAGMENTS, 0},
        {"events", BPF_MAP_TYPE_RINGBUF, 0, 0, MF_EVENT_RING_BYTES, 0},
        {"samples", BPF_MAP_TYPE_RINGBUF, 0, 0, MF_SAMPLE_RING_BYTES, 0},
    };
    for (const auto& expected : maps) {
        const auto* found = map(expected.name);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(bpf_map__type(found), expected.type) << expected.name;
        EXPECT_EQ(bpf_map__key_size(found), expected.key) << expected.name;
        EXPECT_EQ(bpf_map__value_size(found), expected.value) << expected.name;
        EXPECT_EQ(bpf_map__max_entries(found), expected.entries) << expected.name;
        EXPECT_EQ(bpf_map__map_flags(found), expected.flags) << expected.name;
    }
}

TEST_F(Abi, CountsEveryReasonInEachDirection)
{
    EXPECT_EQ(MF_REASON_ENTRIES, static_cast<unsigned>(MF_DIRECTIONS) * static_cast<unsigned>(MF_REASONS));
}

TEST_F(Abi, CanHoldEveryCountry)
{
    EXPECT_LT(country_count(), MF_COUNTRY_WORDS * 64U);
}

} // namespace
} // namespace meetfence::test
