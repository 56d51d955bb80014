// SPDX-License-Identifier: Apache-2.0
// The directory on bpffs that our kernel objects are pinned in. Whoever can write to it could plant
// a program for us to adopt.
#pragma once

#include "model/result.h"
#include "pins/paths.h"

namespace meetfence::dataplane {

/// Makes it where it is missing. Refuses one that is not on bpffs, not ours, or writable by others.
[[nodiscard]] Result<> prepare_pin_directory(const pins::Path& bpf_dir);

/// Puts `from` in the place of `to`, which may exist and is removed.
[[nodiscard]] Result<> replace_pins(const pins::Path& from, const pins::Path& to);

} // namespace meetfence::dataplane
