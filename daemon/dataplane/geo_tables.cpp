// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/geo_tables.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cstring>
#include <vector>

#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/kernel_tables.h"

namespace meetfence::dataplane {
namespace {

Result<UniqueFd> make_trie(const char* name, std::uint32_t key_size, std::size_t entries)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
    const int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, name, key_size, sizeof(mf_place),
                                  static_cast<__u32>(std::max<std::size_t>(entries, 1)), &opts);
    if (fd < 0) {
        return kernel_error("making a country table of " + std::to_string(entries) + " prefixes", -fd);
    }
    return UniqueFd(fd);
}

mf_geo_key_v4 key_of(const IpPrefix& prefix, const mf_geo_key_v4& /*family*/)
{
    mf_geo_key_v4 key{.prefix_bits = prefix.bits};
    std::memcpy(key.address, prefix.address.bytes().data() + 12, sizeof(key.address));
    return key;
}

mf_geo_key_v6 key_of(const IpPrefix& prefix, const mf_geo_key_v6& /*family*/)
{
    mf_geo_key_v6 key{.prefix_bits = prefix.bits};
    std::memcpy(key.address, prefix.address.bytes().data(), sizeof(key.address));
    return key;
}

// In batches; one by one where a batch stops, because a fresh trie may be short of memory for a
// moment (kernel 6.16 and later refill in the background).
template <class Key> Result<> fill(int fd, std::span<const geo::PlacedPrefix> prefixes)
{
    constexpr std::size_t kBatch = 4096;
    std::vector<Key> keys;
    std::vector<mf_place> places;
    for (std::size_t done = 0; done < prefixes.size(); done += kBatch) {
        const auto part = prefixes.subspan(done, std::min(kBatch, prefixes.size() - done));
        keys.clear();
        places.clear();
        for (const auto& placed : part) {
            keys.push_back(key_of(placed.prefix, Key{}));
            places.push_back({.country = placed.country.number(), .prefix_bits = placed.prefix.bits});
        }
        auto count = static_cast<__u32>(part.size());
        if (bpf_map_update_batch(fd, keys.data(), places.data(), &count, nullptr) == 0) {
            continue;
        }
        for (std::size_t i = std::min<std::size_t>(count, part.size()); i < part.size(); ++i) {
            int error = 0;
            for (int attempt = 0; attempt < 3; ++attempt) {
                error = bpf_map_update_elem(fd, &keys[i], &places[i], BPF_ANY);
                if (error != -ENOMEM) {
                    break;
                }
            }
            if (error != 0) {
                return kernel_error("filling the country table", -error);
            }
        }
    }
    return {};
}

template <class Key> Result<UniqueFd> build(const char* name, std::span<const geo::PlacedPrefix> prefixes)
{
    auto trie = TRY(make_trie(name, sizeof(Key), prefixes.size()));
    TRY(fill<Key>(trie.get(), prefixes));
    return trie;
}

Result<> put_slot(int outer_fd, __u32 slot, const UniqueFd& trie)
{
    const int fd = trie.get();
    if (const int error = bpf_map_update_elem(outer_fd, &slot, &fd, BPF_ANY); error != 0) {
        return kernel_error("putting the country table in its place", -error);
    }
    return {};
}

} // namespace

Result<> GeoTables::put_in_force(const geo::PlaceTable& table)
{
    const __u32 old_slot = control_->geo_active;
    const __u32 new_slot = old_slot == 0 ? 1 : 0;
    {
        const auto v4 = TRY(build<mf_geo_key_v4>("mf_geo_v4", table.v4));
        const auto v6 = TRY(build<mf_geo_key_v6>("mf_geo_v6", table.v6));
        TRY(put_slot(v4_fd_, new_slot, v4));
        TRY(put_slot(v6_fd_, new_slot, v6));
    }
    publish(control_->geo_active, new_slot); // the one write
    control_->geo_prefixes_v4 = table.v4.size();
    control_->geo_prefixes_v6 = table.v6.size();
    control_->geo_build_s = static_cast<__u64>(table.build.time_since_epoch().count());
    ++control_->geo_generation;
    TRY(wait_for_packets());
    bpf_map_delete_elem(v4_fd_, &old_slot); // frees its memory; empty the first time
    bpf_map_delete_elem(v6_fd_, &old_slot);
    return {};
}

Result<> GeoTables::wait_for_packets()
{
    if (!barrier_) {
        barrier_ = TRY(make_trie("mf_barrier", sizeof(mf_geo_key_v4), 1));
    }
    return put_slot(v4_fd_, MF_GEO_BARRIER_SLOT, barrier_);
}

} // namespace meetfence::dataplane
