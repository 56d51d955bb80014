// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/prefix_sets.h"

#include <algorithm>
#include <bpf/bpf.h>

#include "daemon/dataplane/kernel_error.h"
#include "kernel-headers/abi.h"

namespace meetfence::dataplane {
namespace {

constexpr unsigned kSetBits = 64;    // set and family
constexpr unsigned kMappedBits = 96; // of ::ffff:0:0/96

mf_prefix_key key_of(std::uint32_t set, const IpPrefix& prefix)
{
    mf_prefix_key key{
        .prefix_bits = kSetBits + prefix.mapped_bits(), .set = set, .family = prefix.is_v4() ? 4U : 6U};
    std::ranges::copy(prefix.address.bytes(), key.address);
    return key;
}

} // namespace

Result<> add_prefix(int map_fd, std::uint32_t set, const IpPrefix& prefix)
{
    const auto key = key_of(set, prefix);
    const std::uint32_t present = 1;
    if (const int error = bpf_map_update_elem(map_fd, &key, &present, BPF_ANY); error != 0) {
        auto failed = kernel_error("the kernel's table of exempt and excepted prefixes", -error);
        if (error == -ENOSPC) {
            failed.value().message +=
                ": it holds 65536; withdraw rules with exceptions, or name fewer, larger prefixes";
        }
        return failed;
    }
    return {};
}

void remove_prefix(int map_fd, std::uint32_t set, const IpPrefix& prefix)
{
    const auto key = key_of(set, prefix);
    bpf_map_delete_elem(map_fd, &key);
}

Result<std::map<std::uint32_t, std::vector<IpPrefix>>> list_prefixes(int map_fd)
{
    std::map<std::uint32_t, std::vector<IpPrefix>> sets;
    mf_prefix_key key{};
    const mf_prefix_key* previous = nullptr;
    int error = 0;
    for (mf_prefix_key next{}; (error = bpf_map_get_next_key(map_fd, previous, &next)) == 0;
         previous = &key) {
        key = next;
        IpAddress::Bytes bytes{};
        std::ranges::copy(key.address, bytes.begin());
        const IpAddress address(bytes);
        const auto bits = key.prefix_bits - kSetBits - (address.is_v4() ? kMappedBits : 0);
        sets[key.set].push_back({address, static_cast<std::uint8_t>(bits)});
    }
    if (error != -ENOENT) {
        return kernel_error("reading the kernel's table of prefixes", -error);
    }
    return sets;
}

} // namespace meetfence::dataplane
