// SPDX-License-Identifier: Apache-2.0
#include "pins/dispatched.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>

#include "pins/unique_fd.h"

namespace meetfence::pins {
namespace {

constexpr std::size_t kMostMaps = 64; // the kernel's own limit for a program
constexpr int kMostPrograms = 10;     // libxdp's own limit for a dispatcher

void add_map(const Path& pin, std::set<__u32>& ids)
{
    const UniqueFd fd(bpf_obj_get(pin.c_str()));
    bpf_map_info info{};
    __u32 size = sizeof(info);
    if (fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0) {
        ids.insert(info.id);
    }
}

} // namespace

ProgramDetails program_details(int fd)
{
    std::array<__u32, kMostMaps> maps{};
    bpf_prog_info info{};
    info.nr_map_ids = maps.size();
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps.data());
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) {
        return {};
    }
    const auto count = std::min<std::size_t>(info.nr_map_ids, maps.size());
    return {.id = info.id,
            .name = info.name,
            .tag = std::string(std::begin(info.tag), std::end(info.tag)),
            .maps = std::set<__u32>(maps.begin(), maps.begin() + static_cast<std::ptrdiff_t>(count))};
}

std::set<__u32> control_maps(const Path& bpf_dir)
{
    std::set<__u32> ids;
    add_map(maps(bpf_dir) / "control", ids);
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dispatched(bpf_dir), error)) {
        if (!entry.is_directory(error)) {
            add_map(entry.path(), ids);
        }
    }
    return ids;
}

bool is_ours(const ProgramDetails& program, const std::set<__u32>& control_maps)
{
    return program.name == kIngressProgram &&
           std::ranges::any_of(control_maps, [&program](__u32 id) { return program.maps.contains(id); });
}

Path dispatcher(const Path& bpf_dir, __u32 ifindex, __u32 id)
{
    return libxdp(bpf_dir) / ("dispatch-" + std::to_string(ifindex) + "-" + std::to_string(id));
}

std::vector<Path> ours_in(const Path& dispatcher, const std::set<__u32>& control_maps)
{
    std::vector<Path> ours;
    for (int i = 0; i < kMostPrograms; ++i) {
        auto pin = dispatcher / ("prog" + std::to_string(i) + "-prog");
        const UniqueFd fd(bpf_obj_get(pin.c_str()));
        if (fd && is_ours(program_details(fd.get()), control_maps)) {
            ours.push_back(std::move(pin));
        }
    }
    return ours;
}

bool calls_ours(const Path& bpf_dir, __u32 ifindex, __u32 id)
{
    return id != 0 && !ours_in(dispatcher(bpf_dir, ifindex, id), control_maps(bpf_dir)).empty();
}

} // namespace meetfence::pins
