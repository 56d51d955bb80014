// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace meetfence::bridges {

/// By reason, one word each: how many events were of no use, how many transports are not bound.
using Reasons = std::map<std::string, std::uint64_t, std::less<>>;

} // namespace meetfence::bridges
