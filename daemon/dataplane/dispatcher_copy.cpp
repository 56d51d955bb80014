// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/dispatcher_copy.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <optional>

#include "daemon/dataplane/kernel_error.h"
#include "meetfence.skel.h"
#include "pins/dispatched.h"

namespace meetfence::dataplane {
namespace {

using MapFds = std::map<std::string, UniqueFd>;

// libxdp's default is 50. Before it: what redirects, sends back or rewrites packets sees those that may go
// on. After early and cheap filters such as xdp-filter (10): what they drop costs nothing here.
constexpr unsigned kRunPriority = 20;

constexpr const char* kSettings = "meetfenc.rodata";

std::string last_words;

int keep_words(libxdp_print_level level, const char* format, va_list arguments)
{
    if (level == LIBXDP_WARN) {
        std::array<char, 1024> line{};
        if (vsnprintf(line.data(), line.size(), format, arguments) > 0) {
            last_words = line.data();
        }
    }
    return 0;
}

using Settings = std::remove_pointer_t<decltype(meetfence_bpf::rodata)>;

std::optional<Settings> settings_of(const MapFds& maps)
{
    const auto map = maps.find(kSettings);
    Settings settings{};
    const __u32 key = 0;
    if (map == maps.end() || bpf_map_lookup_elem(map->second.get(), &key, &settings) != 0) {
        return std::nullopt;
    }
    return settings;
}

Result<> share_maps(bpf_object* object, const MapFds& shared)
{
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object)
    {
        const auto same = shared.find(bpf_map__name(map));
        const int error = same == shared.end() ? bpf_map__set_autocreate(map, false)
                                               : bpf_map__reuse_fd(map, same->second.get());
        if (error != 0) {
            return kernel_error("sharing map " + std::string(bpf_map__name(map)), -error);
        }
    }
    return {};
}

// It has to extend some program when it is loaded, and is put into dispatchers later. The one it is a copy
// of has the signature that is asked for.
Result<> extend(bpf_program* program, int program_fd)
{
    bpf_program__set_type(program, BPF_PROG_TYPE_EXT);
    bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(0));
    if (const int error = bpf_program__set_attach_target(program, program_fd, pins::kIngressProgram);
        error != 0) {
        return kernel_error("preparing the program for the dispatcher", -error);
    }
    return {};
}

} // namespace

XdpWords::XdpWords() : libbpf_before_(libbpf_set_print(nullptr)), libxdp_before_(libxdp_set_print(keep_words))
{
    last_words.clear();
}

XdpWords::~XdpWords()
{
    libbpf_set_print(libbpf_before_);
    libxdp_set_print(libxdp_before_);
}

tl::unexpected<Error> XdpWords::failed(const std::string& doing, int error) const
{
    auto message = doing + ": " + std::strerror(error);
    if (error == EPERM || error == EACCES) {
        message +=
            " (libxdp's dispatcher needs CAP_SYS_ADMIN, too, and a kernel that lets one program extend "
            "another)";
    } else if (error == EOPNOTSUPP) {
        message += " (the dispatcher needs a kernel, 5.10 or newer, that lets one program extend another)";
    }
    std::ranges::replace(last_words, '\n', ' ');
    last_words.erase(last_words.find_last_not_of(' ') + 1);
    return fail(ErrorCode::internal, last_words.empty() ? message : message + "; " + last_words);
}

Result<MapFds> maps_of(int program_fd, const XdpWords& words)
{
    MapFds maps;
    for (const auto id : pins::program_details(program_fd).maps) {
        UniqueFd fd(bpf_map_get_fd_by_id(id));
        bpf_map_info info{};
        __u32 size = sizeof(info);
        if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) {
            return words.failed("opening map " + std::to_string(id), errno);
        }
        maps.emplace(info.name, std::move(fd));
    }
    return maps;
}

Result<bool> judge_alike(int program_fd, int other_fd, const XdpWords& words)
{
    auto one = pins::program_details(program_fd);
    auto other = pins::program_details(other_fd);
    if (one.tag != other.tag) {
        return false;
    }
    // The settings are a map, which each start makes anew.
    const auto settings = settings_of(TRY(maps_of(program_fd, words)));
    const auto other_settings = settings_of(TRY(maps_of(other_fd, words)));
    std::erase_if(one.maps, [&other](__u32 id) { return other.maps.erase(id) != 0; });
    return one.maps.size() <= 1 && other.maps.size() <= 1 && settings && other_settings &&
           settings->multi_buffer == other_settings->multi_buffer &&
           settings->event_interval_ns == other_settings->event_interval_ns &&
           settings->sample_interval_ns == other_settings->sample_interval_ns;
}

void DispatcherCopy::Destroy::operator()(meetfence_bpf* skeleton) const
{
    meetfence_bpf__destroy(skeleton);
}

void DispatcherCopy::Destroy::operator()(xdp_program* program) const
{
    xdp_program__close(program);
}

Result<DispatcherCopy> DispatcherCopy::load(int program_fd, const XdpWords& words)
{
    DispatcherCopy copy;
    const auto maps = TRY(maps_of(program_fd, words));
    const auto settings = settings_of(maps);
    copy.skeleton_.reset(meetfence_bpf__open());
    if (!copy.skeleton_ || !settings) {
        return kernel_error("opening the embedded program");
    }
    auto* program = copy.skeleton_->progs.meetfence_xdp;
    TRY(share_maps(copy.skeleton_->obj, maps));
    TRY(extend(program, program_fd));
    DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .obj = copy.skeleton_->obj,
                        .prog_name = pins::kIngressProgram);
    copy.program_.reset(xdp_program__create(&opts));
    if (!copy.program_) {
        return words.failed("handing the program to libxdp", errno);
    }
    xdp_program__set_run_prio(copy.get(), kRunPriority);
    xdp_program__set_xdp_frags_support(copy.get(), settings->multi_buffer != 0);
    // Left to itself, libxdp loads a program while it attaches it, and where that fails puts it on the
    // interface without a dispatcher. This call loads it; that it then has no packet to run on is EINVAL.
    LIBBPF_OPTS(bpf_test_run_opts, no_packet);
    const int error = -xdp_program__test_run(copy.get(), &no_packet, 0);
    if (error != EINVAL || xdp_program__fd(copy.get()) < 0) {
        return words.failed("loading the program for the dispatcher", error);
    }
    return copy;
}

} // namespace meetfence::dataplane
