// SPDX-License-Identifier: Apache-2.0
// Whether our programs run on a network device, by what is pinned for it and by what the kernel says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pins/paths.h"

namespace meetfence {

struct InterfaceStatus {
    std::string name;
    std::string ingress; // "native", "generic" or "none"
    bool egress = false;
    bool by_dispatcher = false; // the ingress
    std::string device = {};    // what it is called now, where it was renamed while the filter was on it
};

} // namespace meetfence

namespace meetfence::pins {

/// The device that a configured name stands for: the one called so or, where none is, the one that our link
/// has been on since it was. 0 where there is neither.
[[nodiscard]] std::uint32_t device_of(const Path& bpf_dir, std::string_view interface);

/// The device that a pinned XDP link is on; 0 where there is no link, or its device is gone or elsewhere.
[[nodiscard]] std::uint32_t linked_device(const Path& link);

[[nodiscard]] InterfaceStatus interface_status(const Path& bpf_dir, const std::string& interface);

} // namespace meetfence::pins
