// SPDX-License-Identifier: Apache-2.0
#include "pins/paths.h"

#include <algorithm>

namespace meetfence::pins {
namespace {

std::string file_name(std::string_view interface)
{
    std::string name(interface);
    std::ranges::replace(name, '.', ':');
    return name;
}

} // namespace

Path maps(const Path& bpf_dir)
{
    return bpf_dir / "maps";
}

Path new_maps(const Path& bpf_dir)
{
    return bpf_dir / "maps_new";
}

Path program(const Path& bpf_dir)
{
    return bpf_dir / "program";
}

Path links(const Path& bpf_dir)
{
    return bpf_dir / "links";
}

Path link(const Path& bpf_dir, std::string_view interface)
{
    return links(bpf_dir) / file_name(interface);
}

Path egress(const Path& bpf_dir)
{
    return bpf_dir / "egress";
}

Path egress_link(const Path& bpf_dir, std::string_view interface)
{
    return egress(bpf_dir) / file_name(interface);
}

Path dispatched(const Path& bpf_dir)
{
    return bpf_dir / "dispatched";
}

Path dispatched(const Path& bpf_dir, std::string_view interface)
{
    return dispatched(bpf_dir) / file_name(interface);
}

Path libxdp(const Path& bpf_dir)
{
    return bpf_dir / "libxdp";
}

std::string interface_of(const Path& pin)
{
    auto name = pin.filename().string();
    std::ranges::replace(name, ':', '.');
    return name;
}

Path pointer(const Path& socket)
{
    return socket.string() + ".bpf";
}

} // namespace meetfence::pins
