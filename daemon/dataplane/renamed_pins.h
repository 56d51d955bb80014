// SPDX-License-Identifier: Apache-2.0
// Pins are called as their devices: when a device has got the name of a configured interface, and ours is on
// it already under another name, the pins change their names, too, and not one packet goes by.
#pragma once

#include <string>

#include "pins/paths.h"

namespace meetfence::dataplane {

void rename_pins_of(const pins::Path& bpf_dir, const std::string& interface);

} // namespace meetfence::dataplane
