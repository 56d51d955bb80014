// SPDX-License-Identifier: Apache-2.0
// Both halves compile kernel-headers/abi.h, each with its own compiler: the layouts that came out,
// ours and the one in the object's BTF, must be the same. (mf_event, mf_explain and the geo keys
// are in no global declaration of the program, so BTF lacks them; sizes are checked by the maps.)
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
    LAYOUT(mf_control, 15);
    MEMBER(0, layout);
    MEMBER(1, meetings);
    MEMBER(2, policies);
    MEMBER(3, rules);
    MEMBER(4, endpoints);
    MEMBER(5, cells);
    MEMBER(6, geo_active);
    MEMBER(7, exempt_set);
    MEMBER(8, geo_generation);
    MEMBER(9, geo_build_s);
    MEMBER(10, geo_prefixes_v4);
    MEMBER(11, geo_prefixes_v6);
    MEMBER(12, geo_bytes);
    MEMBER(13, retired_drops);
    MEMBER(14, wall_offset_ns);
}

TEST_F(Abi, LaysOutEndpointsAlike)
{
    LAYOUT(mf_endpoint, 3);
    MEMBER(0, local);
    MEMBER(1, meeting);
    MEMBER(2, next);
}

TEST_F(Abi, LaysOutMeetingsAlike)
{
    LAYOUT(mf_meeting, 3);
    MEMBER(0, number);
    MEMBER(1, policy);
    MEMBER(2, retired);
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
    LAYOUT(mf_rule, 9);
    MEMBER(0, number);
    MEMBER(1, countries);
    MEMBER(2, from_ns);
    MEMBER(3, until_ns);
    MEMBER(4, cells);
    MEMBER(5, cell_count);
    MEMBER(6, except_set);
    MEMBER(7, mode);
    MEMBER(8, pad);
}

TEST_F(Abi, LaysOutCellsAlike)
{
    LAYOUT(mf_cell, 6);
    MEMBER(0, dropped_packets);
    MEMBER(1, dropped_bytes);
    MEMBER(2, would_drop_packets);
    MEMBER(3, would_drop_bytes);
    MEMBER(4, passed_packets);
    MEMBER(5, passed_bytes);
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
    LAYOUT(mf_fragment_key, 5);
    MEMBER(0, remote);
    MEMBER(1, local);
    MEMBER(2, identification);
    MEMBER(3, protocol);
    MEMBER(4, pad);
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
    MEMBER(6, pad);
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
        {"cell_events", kArray, 4, sizeof(std::uint64_t), Settings{}.cells, BPF_F_MMAPABLE},
        {"cells", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(mf_cell), Settings{}.cells, 0},
        {"reasons", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(mf_traffic), MF_REASONS, 0},
        {"geo", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, MF_GEO_SLOTS, 0},
        {"prefix_sets", BPF_MAP_TYPE_LPM_TRIE, sizeof(mf_prefix_key), 4, 65536, BPF_F_NO_PREALLOC},
        {"fragments", BPF_MAP_TYPE_LRU_HASH, sizeof(mf_fragment_key), sizeof(mf_fragment), MF_FRAGMENTS, 0},
        {"events", BPF_MAP_TYPE_RINGBUF, 0, 0, MF_EVENT_RING_BYTES, 0},
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

TEST_F(Abi, CanHoldEveryCountry)
{
    EXPECT_LT(country_count(), MF_COUNTRY_WORDS * 64U);
}

} // namespace
} // namespace meetfence::test
