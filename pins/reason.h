// SPDX-License-Identifier: Apache-2.0
// The kernel's reasons in words. Names are part of the interface: explain, status, events.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel-headers/abi.h"

namespace meetfence {

/// "drop_country", "other_traffic", …; "" for a number that is no reason.
[[nodiscard]] std::string_view reason_name(std::uint32_t reason);
/// One clause for people: "an enforced rule names the country".
[[nodiscard]] std::string_view reason_text(std::uint32_t reason);

/// Every reason that a packet is counted under.
[[nodiscard]] std::span<const std::uint32_t> reasons();

[[nodiscard]] constexpr bool is_drop(std::uint32_t reason)
{
    return reason >= MF_FIRST_DROP;
}

} // namespace meetfence
