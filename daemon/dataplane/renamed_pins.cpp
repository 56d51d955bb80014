// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/renamed_pins.h"

#include <net/if.h>

#include "pins/interface_status.h"

namespace meetfence::dataplane {
namespace {

using pins::Path;

// Two devices may have changed names with each other. No device can be called like what stands between.
void exchange(const Path& one, const Path& other)
{
    const Path between = one.parent_path() / "exchanging-two-names";
    std::error_code none;
    std::filesystem::rename(one, between, none);
    std::filesystem::rename(other, one, none);
    std::filesystem::rename(between, other, none);
}

} // namespace

void rename_pins_of(const Path& bpf_dir, const std::string& interface)
{
    const auto device = if_nametoindex(interface.c_str());
    if (device == 0 || pins::linked_device(pins::link(bpf_dir, interface)) == device) {
        return;
    }
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(pins::links(bpf_dir), none)) {
        if (pins::linked_device(entry.path()) == device) {
            const auto other = pins::interface_of(entry.path());
            exchange(pins::link(bpf_dir, interface), pins::link(bpf_dir, other));
            exchange(pins::egress_link(bpf_dir, interface), pins::egress_link(bpf_dir, other));
            return;
        }
    }
}

} // namespace meetfence::dataplane
