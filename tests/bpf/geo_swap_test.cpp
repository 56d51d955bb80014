// SPDX-License-Identifier: Apache-2.0
// A country table takes the place of another while packets flow.
#include <algorithm>
#include <atomic>
#include <bpf/bpf.h>
#include <set>
#include <thread>

#include "daemon/dataplane/geo_tables.h"
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

constexpr std::uint32_t kBatch = 2000;

geo::PlaceTable table_with(std::string_view prefix, std::string_view code)
{
    std::vector<geo::PlacedPrefix> places;
    for (const auto& [text, country_code] :
         {std::pair{"203.0.113.0/24", "FR"}, {"198.51.100.0/24", "DE"}, {"2001:db8:f::/48", "FR"}}) {
        places.push_back({*IpPrefix::parse(text), country(country_code)});
    }
    places.push_back({*IpPrefix::parse(prefix), country(code)});
    return geo::build_table({}, geo::Agreement::all, places);
}

dataplane::StagedTable staged(const geo::PlaceTable& places)
{
    auto table = geo::make_country_table(places);
    auto result = dataplane::stage_table(table.value(), places);
    return std::move(result.value());
}

class GeoSwap : public MeetingTest {
protected:
    GeoSwap() : MeetingTest({.sample_interval = std::chrono::nanoseconds(0), .cells = 1024}) {}
};
INSTANTIATE_TEST_SUITE_P(EveryFamily, GeoSwap,
                         testing::Combine(testing::Values(Family::ipv4, Family::ipv6),
                                          testing::Values(Transport::udp)),
                         family_and_transport);

// The two tables disagree on the sender's prefix alone. A packet that met neither, or a little of
// both, would be counted under another reason or in no rule's cell.
TEST_P(GeoSwap, JudgesEveryPacketByOneTableOrTheOther)
{
    const bool ipv4 = family == Family::ipv4;
    const unsigned swaps = ipv4 ? 1000 : 100; // each waits for the kernel, some 30 ms
    const auto* prefix = ipv4 ? "203.0.113.128/25" : "2001:db8:f:8000::/49";
    const auto sender = ipv4 ? "203.0.113.200" : "2001:db8:f:8000::200";
    const std::array tables = {table_with(prefix, "CN"), table_with(prefix, "HK")};
    const auto one = program.add_rule(meeting, {.countries = {"CN"}});
    const auto other = program.add_rule(meeting, {.countries = {"HK"}});
    dataplane::GeoTables geo(program.geo_fd(), program.control[0]);
    ASSERT_TRUE(geo.put_in_force(staged(tables[0])));

    const auto before = program.counters();
    std::atomic<bool> flowing = true;
    std::uint64_t sent = 0;
    std::thread traffic([&, frame = from(address(sender)).bytes()] {
        do {
            program.send(frame, kBatch);
            sent += kBatch;
        } while (flowing);
    });
    std::size_t samples = 0;
    for (unsigned swap = 1; swap <= swaps; ++swap) {
        const auto done = geo.put_in_force(staged(tables.at(swap % 2)));
        if (!done) {
            ADD_FAILURE() << done.error().message;
            break;
        }
        for (const auto& sample : program.take_samples()) {
            ++samples;
            EXPECT_EQ(sample.country, country(sample.geo_generation % 2 == 1 ? "CN" : "HK").number())
                << "not judged by the table of generation " << sample.geo_generation;
        }
    }
    flowing = false;
    traffic.join();

    const auto changes = program.counters() - before;
    EXPECT_EQ(changes.reasons.size(), 1U);
    EXPECT_EQ(changes.reasons.at(MF_DROP_COUNTRY).packets, sent);
    EXPECT_EQ(changes.cells.size(), 2U);
    const auto by_one = changes.cells.at(one.first_cell).by_direction[MF_INGRESS].dropped_packets;
    const auto by_other = changes.cells.at(other.first_cell).by_direction[MF_INGRESS].dropped_packets;
    EXPECT_GT(by_one, 0U);
    EXPECT_GT(by_other, 0U);
    EXPECT_EQ(by_one + by_other, sent);
    EXPECT_EQ(program.control[0].geo_generation, swaps + 1);
    EXPECT_GT(samples, 0U);
}

// By number: other programs' tables come and go meanwhile.
std::set<std::uint32_t> tables_in(int geo_fd)
{
    bpf_map_info info{};
    std::uint32_t size = sizeof(info);
    EXPECT_EQ(bpf_obj_get_info_by_fd(geo_fd, &info, &size), 0);
    std::set<std::uint32_t> ids;
    for (std::uint32_t slot = 0; slot < info.max_entries; ++slot) {
        if (std::uint32_t id = 0; bpf_map_lookup_elem(geo_fd, &slot, &id) == 0) {
            ids.insert(id);
        }
    }
    return ids;
}

bool is_in_the_kernel(std::uint32_t id)
{
    return bool(UniqueFd(bpf_map_get_fd_by_id(id)));
}

TEST_P(GeoSwap, GivesTheOldTablesMemoryBack)
{
    const auto places = table_with("203.0.113.128/25", "CN");
    dataplane::GeoTables geo(program.geo_fd(), program.control[0]);
    std::set<std::uint32_t> old;
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(geo.put_in_force(staged(places)));
        old.merge(tables_in(program.geo_fd()));
    }
    EXPECT_GE(old.size(), 20U);
    const auto present = tables_in(program.geo_fd());
    ASSERT_TRUE(std::ranges::all_of(present, is_in_the_kernel));
    std::erase_if(old, [&](std::uint32_t id) { return present.contains(id); });
    // The kernel frees a map behind its last user's back, a moment later.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::ranges::any_of(old, is_in_the_kernel) && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_TRUE(std::ranges::none_of(old, is_in_the_kernel));
}

} // namespace
} // namespace meetfence::test
