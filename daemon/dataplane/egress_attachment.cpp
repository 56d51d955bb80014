// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/egress_attachment.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include "daemon/dataplane/clsact.h"
#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/missing_interface.h"
#include "pins/egress_pin.h"
#include "pins/interface_status.h"

namespace meetfence::dataplane {
namespace {

using pins::EgressPin;
using pins::Path;

constexpr int kNotSupported = 524; // the kernel's own ENOTSUPP, which user space has no name for

void take_off(const Path& path)
{
    const auto bpf_dir = path.parent_path().parent_path();
    if (const auto pin = pins::open_egress_pin(path)) {
        if (pin->is_link) {
            bpf_link_detach(pin->fd.get()); // also where somebody else still has it open
        } else if (const auto ifindex = pins::device_of(bpf_dir, pins::interface_of(path)); ifindex != 0) {
            detach_filter(ifindex, pin->program.name);
        }
    }
    unlink(path.c_str());
}

Result<> pin_object(int fd, const Path& path)
{
    if (bpf_obj_pin(fd, path.c_str()) != 0) {
        return kernel_error("pinning what is on the egress of interface " + pins::interface_of(path));
    }
    return {};
}

// Empty where the kernel has no tcx. First of all programs there: one before ours could end the
// packet's way through them.
Result<UniqueFd> create_link(const std::string& interface, __u32 ifindex, int program_fd)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = pins::kTcxBefore);
    const int fd = bpf_link_create(program_fd, static_cast<int>(ifindex), pins::kTcxEgress, &opts);
    if (fd == -EINVAL || fd == -kNotSupported || fd == -EOPNOTSUPP) {
        return UniqueFd();
    }
    if (fd < 0) {
        return kernel_error("attaching to the egress of interface " + interface, -fd);
    }
    return UniqueFd(fd);
}

// Returns whether there was no filter of ours.
Result<bool> hold_by_filter(const std::string& interface, __u32 ifindex, int program_fd, const Path& path)
{
    const bool is_new = TRY(attach_filter(interface, ifindex, program_fd));
    unlink(path.c_str()); // a filter whose pin is lost here is known by its program's name
    auto pinned = pin_object(program_fd, path);
    if (pinned) {
        return is_new;
    }
    if (const auto program = pins::program_info(program_fd); is_new && program) {
        detach_filter(ifindex, program->name);
    }
    return fail(std::move(pinned).error());
}

// What holds the interface already is kept. A link does so for one interface only, not for another
// that got the same name.
bool fits(const EgressPin& pin, __u32 ifindex, std::optional<EgressHook> only)
{
    return pin.is_link ? only != EgressHook::clsact && pin.ifindex == ifindex : only != EgressHook::tcx;
}

// Returns whether the interface had no program of ours.
Result<bool> attach_interface(const std::string& interface, int program_fd, const Path& bpf_dir,
                              std::optional<EgressHook> only)
{
    const auto ifindex = pins::device_of(bpf_dir, interface);
    if (ifindex == 0) {
        return false;
    }
    const auto path = pins::egress_link(bpf_dir, interface);
    const auto pin = pins::open_egress_pin(path);
    const bool held = pin && fits(*pin, ifindex, only);
    if (held && pin->is_link) {
        if (const int error = bpf_link_update(pin->fd.get(), program_fd, nullptr); error != 0) {
            return kernel_error("replacing the egress program of interface " + interface, -error);
        }
        return false;
    }
    if (!held) {
        take_off(path);
    } else if (const auto before = pins::linked_device(pins::link(bpf_dir, interface));
               before != 0 && before != ifindex) {
        detach_filter(before, pin->program.name); // of a device that has lost the name
    }
    if (!held && only != EgressHook::clsact) {
        const auto link = TRY(create_link(interface, ifindex, program_fd));
        if (link) {
            TRY(pin_object(link.get(), path));
            return true;
        }
        if (only == EgressHook::tcx) {
            return fail(ErrorCode::invalid, "interface " + interface + ": this kernel has no tcx");
        }
    }
    return hold_by_filter(interface, ifindex, program_fd, path);
}

std::vector<Path> pinned_egress(const Path& bpf_dir)
{
    std::vector<Path> result;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(pins::egress(bpf_dir), error)) {
        result.push_back(entry.path());
    }
    return result;
}

void remove_if_empty(const Path& directory)
{
    std::error_code error;
    std::filesystem::remove(directory, error);
}

} // namespace

Result<Attached> attach_egress(const Settings& settings, int program_fd, std::optional<EgressHook> only)
{
    std::error_code error;
    std::filesystem::create_directory(pins::egress(settings.bpf_dir), error);
    std::vector<Path> fresh;
    for (const auto& interface : settings.interfaces) {
        auto is_new = expect_interface(interface, settings.bpf_dir).and_then([&] {
            return attach_interface(interface.name, program_fd, settings.bpf_dir, only);
        });
        if (!is_new) {
            std::ranges::for_each(fresh, take_off);
            remove_if_empty(pins::egress(settings.bpf_dir));
            return fail(std::move(is_new).error());
        }
        if (*is_new) {
            fresh.push_back(pins::egress_link(settings.bpf_dir, interface.name));
        }
    }
    Attached attached;
    for (const auto& path : pinned_egress(settings.bpf_dir)) {
        const auto name = pins::interface_of(path);
        if (std::ranges::find(settings.interfaces, name, &Interface::name) == settings.interfaces.end()) {
            take_off(path);
            attached.warnings.push_back("interface " + name +
                                        " is no longer in the configuration: taken off its egress");
        }
    }
    return attached;
}

Result<> attach_egress_again(const Interface& interface, int program_fd, const Path& bpf_dir)
{
    TRY(attach_interface(interface.name, program_fd, bpf_dir, {}));
    return {};
}

Result<> detach_egress(const Path& bpf_dir)
{
    std::ranges::for_each(pinned_egress(bpf_dir), take_off);
    remove_if_empty(pins::egress(bpf_dir));
    return {};
}

} // namespace meetfence::dataplane
