// SPDX-License-Identifier: Apache-2.0
// The map `prefix_sets`: one trie for every exemption and exception, told apart by a leading number.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/ip.h"
#include "model/result.h"

namespace meetfence::dataplane {

[[nodiscard]] Result<> add_prefix(int map_fd, std::uint32_t set, const IpPrefix& prefix);
void remove_prefix(int map_fd, std::uint32_t set, const IpPrefix& prefix);
[[nodiscard]] Result<std::map<std::uint32_t, std::vector<IpPrefix>>> list_prefixes(int map_fd);

} // namespace meetfence::dataplane
