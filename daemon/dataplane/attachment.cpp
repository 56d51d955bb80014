// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/attachment.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <optional>
#include <set>
#include <unistd.h>

#include "daemon/dataplane/dispatcher.h"
#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/missing_interface.h"
#include "pins/interface_status.h"
#include "pins/unique_fd.h"

namespace meetfence::dataplane {
namespace {

using pins::Path;

struct Link {
    UniqueFd fd;
    __u32 ifindex = 0; // 0 = its interface is gone
    __u32 program_id = 0;
};

std::optional<Link> open_link(const Path& pin)
{
    Link link{UniqueFd(bpf_obj_get(pin.c_str()))};
    bpf_link_info info{};
    __u32 size = sizeof(info);
    if (!link.fd || bpf_obj_get_info_by_fd(link.fd.get(), &info, &size) != 0 ||
        info.type != BPF_LINK_TYPE_XDP) {
        return std::nullopt;
    }
    link.ifindex = info.xdp.ifindex;
    link.program_id = info.prog_id;
    return link;
}

struct Present {
    __u32 native = 0, generic = 0; // program ids
};

Result<Present> query(__u32 ifindex, const std::string& name)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, opts);
    if (const int error = bpf_xdp_query(static_cast<int>(ifindex), 0, &opts); error != 0) {
        return kernel_error("asking for the XDP program of interface " + name, -error);
    }
    return Present{opts.drv_prog_id != 0 ? opts.drv_prog_id : opts.hw_prog_id, opts.skb_prog_id};
}

std::string program_name(__u32 id)
{
    const UniqueFd fd(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) {
        const auto number = std::to_string(id); // only CAP_SYS_ADMIN may ask for the name
        return "id " + number + " (`bpftool prog show id " + number + "` tells more)";
    }
    return "'" + std::string(info.name) + "' (id " + std::to_string(id) + ")";
}

// Of a program that is not held by a link of ours.
Result<> check_other(const Interface& interface, __u32 ifindex, __u32 id, const Path& bpf_dir)
{
    const auto what = look_at(interface.name, ifindex, bpf_dir);
    const bool wanted = interface.mode == AttachMode::dispatcher;
    if (wanted && !what) {
        return fail(what.error().code, "interface " + interface.name + " runs the XDP program " +
                                           program_name(id) + ": " + what.error().message);
    }
    if (what && (what == OnInterface::nothing || what == OnInterface::dispatcher_for_us_alone ||
                 (wanted && what == OnInterface::dispatcher))) {
        return {};
    }
    if (what && what == OnInterface::dispatcher) {
        return fail(ErrorCode::conflict, "interface " + interface.name +
                                             " already runs libxdp's dispatcher with programs that are not "
                                             R"(ours: "mode": "dispatcher" in the configuration joins it)");
    }
    // Without CAP_SYS_ADMIN nobody tells what it is.
    const auto* hint = what ? "" : R"(; if it is libxdp's dispatcher, "mode": "dispatcher" joins it)";
    return fail(ErrorCode::conflict,
                "interface " + interface.name + " already runs the XDP program " + program_name(id) +
                    ", which is not ours: take it off (`ip link set dev " + interface.name +
                    " xdp off`, or its own tool), then start again" + hint);
}

Result<> check_interface(const Interface& interface, const Path& bpf_dir)
{
    TRY(expect_interface(interface, bpf_dir));
    const auto ifindex = pins::device_of(bpf_dir, interface.name);
    if (ifindex == 0) {
        return {};
    }
    const auto present = TRY(query(ifindex, interface.name));
    const auto id = present.native != 0 ? present.native : present.generic;
    if (id == 0) {
        return {};
    }
    // By whichever name: devices may have got others since.
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(pins::links(bpf_dir), error)) {
        if (const auto link = open_link(entry.path());
            link && link->ifindex == ifindex && link->program_id == id) {
            return {};
        }
    }
    return check_other(interface, ifindex, id, bpf_dir);
}

Result<UniqueFd> create_link(const Interface& interface, __u32 ifindex, int program_fd, bool native)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
    const int fd = bpf_link_create(program_fd, static_cast<int>(ifindex), BPF_XDP, &opts);
    if (fd < 0) {
        auto error =
            kernel_error("attaching to interface " + interface.name + (native ? " natively" : ""), -fd);
        if (native && interface.mode == AttachMode::native) {
            error.value().message +=
                R"(; if its driver has no native XDP, "mode": "generic" works with any, slower)";
        }
        return error;
    }
    return UniqueFd(fd);
}

enum class Held : std::uint8_t { yes, no, natively_before, generically_before };

// `yes` where the pinned link already holds the interface in a mode the configuration wants; it is taken off
// where it holds it in another.
Result<Held> update_link(const Interface& interface, __u32 ifindex, int program_fd, const Path& pin)
{
    auto held = Held::no;
    const auto link = open_link(pin);
    if (!link) {
        return held;
    }
    if (link->ifindex == ifindex) {
        const auto present = TRY(query(ifindex, interface.name));
        const bool native = present.native == link->program_id;
        const bool fits =
            interface.mode == AttachMode::automatic || native == (interface.mode == AttachMode::native);
        if (fits) {
            if (const int error = bpf_link_update(link->fd.get(), program_fd, nullptr); error != 0) {
                return kernel_error("replacing the program of interface " + interface.name, -error);
            }
            return Held::yes;
        }
        bpf_link_detach(link->fd.get());
        held = native ? Held::natively_before : Held::generically_before;
    }
    unlink(pin.c_str());
    return held;
}

Result<> pin_link(const Interface& interface, const UniqueFd& link, const Path& pin)
{
    if (bpf_obj_pin(link.get(), pin.c_str()) != 0) {
        return kernel_error("pinning the link of interface " + interface.name);
    }
    return {};
}

void detach_link(const Path& pin)
{
    if (const auto link = open_link(pin)) {
        bpf_link_detach(link->fd.get()); // also where somebody else still has it open
    }
    unlink(pin.c_str());
}

std::string unfiltered_for_a_moment(const std::string& interface)
{
    return "interface " + interface +
           ": nothing was filtered on its ingress for a moment, since a link and a dispatcher exclude each "
           "other";
}

// Returns whether the dispatcher did not call the program before.
Result<bool> attach_by_dispatcher(const Interface& interface, __u32 ifindex, int program_fd,
                                  const Path& bpf_dir, Attached& attached)
{
    const auto pin = pins::link(bpf_dir, interface.name);
    const auto link = open_link(pin);
    if (!link || link->ifindex != ifindex) {
        detach_link(pin);
        return join_dispatcher(interface.name, ifindex, program_fd, bpf_dir, [] {});
    }
    const bool native = TRY(query(ifindex, interface.name)).native == link->program_id;
    auto joined = join_dispatcher(interface.name, ifindex, program_fd, bpf_dir, [&] { detach_link(pin); });
    if (joined) {
        attached.warnings.push_back(unfiltered_for_a_moment(interface.name));
        return false;
    }
    if (!open_link(pin)) {
        const auto again = create_link(interface, ifindex, program_fd, native);
        if (again && pin_link(interface, *again, pin)) {
            joined.error().message += "; it is held by a link, as before";
        }
    }
    return joined;
}

// Returns whether there was no dispatcher with our program.
Result<bool> leave_for_a_link(const std::string& interface, const Path& bpf_dir, Attached& attached)
{
    std::error_code error;
    if (!std::filesystem::exists(pins::dispatched(bpf_dir, interface), error)) {
        return true;
    }
    TRY(leave_dispatcher(interface, bpf_dir));
    attached.warnings.push_back(unfiltered_for_a_moment(interface));
    return false;
}

// Returns whether the link is new.
Result<bool> attach_interface(const Interface& interface, int program_fd, const Path& bpf_dir,
                              Attached& attached)
{
    const auto ifindex = pins::device_of(bpf_dir, interface.name);
    if (ifindex == 0) {
        return false;
    }
    if (interface.mode == AttachMode::dispatcher) {
        return attach_by_dispatcher(interface, ifindex, program_fd, bpf_dir, attached);
    }
    const auto pin = pins::link(bpf_dir, interface.name);
    const auto held = TRY(update_link(interface, ifindex, program_fd, pin));
    if (held == Held::yes) {
        return false;
    }
    const bool is_new = TRY(leave_for_a_link(interface.name, bpf_dir, attached));
    auto link = create_link(interface, ifindex, program_fd, interface.mode != AttachMode::generic);
    if (!link && interface.mode == AttachMode::automatic) {
        attached.warnings.push_back(link.error().message + ": using generic mode, which is slower");
        link = create_link(interface, ifindex, program_fd, false);
    }
    if (!link) {
        if (held != Held::no) { // better as it was than not at all
            const auto again = create_link(interface, ifindex, program_fd, held == Held::natively_before);
            if (again && pin_link(interface, *again, pin)) {
                link.error().message += "; it is filtered as before";
            }
        }
        return fail(std::move(link).error());
    }
    TRY(pin_link(interface, *link, pin));
    return is_new && held == Held::no;
}

Result<> take_off(const std::string& interface, const Path& bpf_dir)
{
    detach_link(pins::link(bpf_dir, interface));
    return leave_dispatcher(interface, bpf_dir);
}

std::set<std::string> attached_interfaces(const Path& bpf_dir)
{
    std::set<std::string> result;
    std::error_code error;
    for (const auto& folder : {pins::links(bpf_dir), pins::dispatched(bpf_dir)}) {
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            result.insert(pins::interface_of(entry.path()));
        }
    }
    return result;
}

} // namespace

Result<> check_interfaces(const Settings& settings)
{
    for (const auto& interface : settings.interfaces) {
        TRY(check_interface(interface, settings.bpf_dir));
    }
    return {};
}

Result<Attached> attach_interfaces(const Settings& settings, int program_fd)
{
    std::error_code error;
    std::filesystem::create_directory(pins::links(settings.bpf_dir), error);
    Attached attached;
    std::vector<std::string> fresh;
    for (const auto& interface : settings.interfaces) {
        auto is_new = attach_interface(interface, program_fd, settings.bpf_dir, attached);
        if (!is_new) {
            for (const auto& name : fresh) {
                static_cast<void>(take_off(name, settings.bpf_dir)); // the first error is told
            }
            return fail(std::move(is_new).error());
        }
        if (*is_new) {
            fresh.push_back(interface.name);
        }
    }
    for (const auto& name : attached_interfaces(settings.bpf_dir)) {
        if (std::ranges::find(settings.interfaces, name, &Interface::name) == settings.interfaces.end()) {
            TRY(take_off(name, settings.bpf_dir));
            attached.warnings.push_back("interface " + name +
                                        " is no longer in the configuration: taken off");
        }
    }
    return attached;
}

Result<> attach_again(const Interface& interface, int program_fd, const Path& bpf_dir)
{
    Attached ignored;
    TRY(check_interface(interface, bpf_dir));
    TRY(attach_interface(interface, program_fd, bpf_dir, ignored));
    return {};
}

Result<> detach_interfaces(const Path& bpf_dir)
{
    for (const auto& name : attached_interfaces(bpf_dir)) {
        detach_link(pins::link(bpf_dir, name));
    }
    return leave_every_dispatcher(bpf_dir);
}

} // namespace meetfence::dataplane
