// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/geo_tables.h"

#include <bpf/bpf.h>
#include <cstring>

#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/kernel_tables.h"
#include "pins/mapped_array.h"

namespace meetfence::dataplane {
namespace {

// As struct geo_table in bpf/maps.h.
Result<UniqueFd> make_map(const char* name, std::size_t chunks)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
    const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32), sizeof(mf_geo_chunk),
                                  static_cast<__u32>(chunks), &opts);
    if (fd < 0) {
        return kernel_error(
            "making a country table of " + std::to_string(chunks * sizeof(mf_geo_chunk)) + " bytes", -fd);
    }
    return UniqueFd(fd);
}

Result<> put_slot(int geo_fd, __u32 slot, const UniqueFd& map)
{
    const int fd = map.get();
    if (const int error = bpf_map_update_elem(geo_fd, &slot, &fd, BPF_ANY); error != 0) {
        return kernel_error("putting the country table in its place", -error);
    }
    return {};
}

} // namespace

Result<StagedTable> stage_table(const geo::CountryTable& table, const geo::PlaceTable& places)
{
    const auto chunks = table.bytes() / sizeof(mf_geo_chunk);
    StagedTable staged{.map = TRY(make_map("mf_geo", chunks)),
                       .bytes = table.bytes(),
                       .prefixes_v4 = places.prefixes_v4,
                       .prefixes_v6 = places.prefixes_v6,
                       .build = places.build};
    auto memory = TRY(pins::MappedArray<mf_geo_chunk>::map(staged.map.get(), chunks, pins::Access::read_write,
                                                           "country table"));
    for (std::size_t i = 0; i < chunks; ++i) {
        std::memcpy(&memory[i], &table.words[i * MF_GEO_CHUNK_WORDS], sizeof(mf_geo_chunk));
    }
    return staged;
}

Result<> GeoTables::put_in_force(StagedTable table)
{
    const __u32 before = control_->geo_active;
    const __u32 generation = before + 1;
    TRY(make_barrier()); // what can fail comes before the one write
    TRY(put_slot(geo_fd_, generation & MF_GEO_SLOT, table.map));
    publish(control_->geo_active, generation); // the one write
    control_->geo_prefixes_v4 = table.prefixes_v4;
    control_->geo_prefixes_v6 = table.prefixes_v6;
    control_->geo_bytes = table.bytes;
    control_->geo_build_s = static_cast<__u64>(table.build.time_since_epoch().count());
    control_->geo_generation = generation;
    TRY(wait_for_packets());
    const __u32 old_slot = before & MF_GEO_SLOT;
    bpf_map_delete_elem(geo_fd_, &old_slot); // frees its memory; empty the first time
    return {};
}

Result<> GeoTables::make_barrier()
{
    const std::lock_guard lock(making_barrier_);
    if (!barrier_) {
        barrier_ = TRY(make_map("mf_barrier", 1));
    }
    return {};
}

Result<> GeoTables::wait_for_packets()
{
    TRY(make_barrier());
    return put_slot(geo_fd_, MF_GEO_BARRIER_SLOT, barrier_);
}

} // namespace meetfence::dataplane
