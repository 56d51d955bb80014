// SPDX-License-Identifier: Apache-2.0
// Where the kernel objects are pinned under `bpf_dir`. Both programs use it: the daemon to pin and
// adopt, the control tool to look while the daemon is dead.
//
//   maps/<map>     one complete set of maps; made in maps_new and renamed, so never half there
//   program        the program that packets run through now
//   links/<name>   what holds the program on an interface; '.' in its name is written ':'
//                  (bpffs reserves dots, and no interface name has a colon)
//   egress/<name>  the same for what the interface sends; without tcx, the program itself (egress_pin.h)
//   dispatched/<name>/<map>  where libxdp's dispatcher holds the program instead of a link (dispatched.h)
//   libxdp         a symlink to where libxdp pins its dispatchers
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace meetfence::pins {

using Path = std::filesystem::path;

[[nodiscard]] Path maps(const Path& bpf_dir);
[[nodiscard]] Path new_maps(const Path& bpf_dir);
[[nodiscard]] Path program(const Path& bpf_dir);
[[nodiscard]] Path links(const Path& bpf_dir);
[[nodiscard]] Path link(const Path& bpf_dir, std::string_view interface);
[[nodiscard]] Path egress(const Path& bpf_dir);
[[nodiscard]] Path egress_link(const Path& bpf_dir, std::string_view interface);
[[nodiscard]] Path dispatched(const Path& bpf_dir);
[[nodiscard]] Path dispatched(const Path& bpf_dir, std::string_view interface);
[[nodiscard]] Path libxdp(const Path& bpf_dir);
/// Of a path in one of these folders.
[[nodiscard]] std::string interface_of(const Path& pin);

/// A symlink beside the control socket that leads to `bpf_dir`: the tool finds the pins of a daemon
/// that no longer answers.
[[nodiscard]] Path pointer(const Path& socket);

} // namespace meetfence::pins
