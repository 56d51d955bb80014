// SPDX-License-Identifier: Apache-2.0
#include "pins/interface_status.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "pins/dispatched.h"
#include "pins/egress_pin.h"
#include "pins/unique_fd.h"

namespace meetfence::pins {
namespace {

// libbpf warns of what is only asked for and is not there.
class QuietLibbpf {
public:
    QuietLibbpf() : before_(libbpf_set_print(nullptr)) {}
    ~QuietLibbpf() { libbpf_set_print(before_); }
    QuietLibbpf(const QuietLibbpf&) = delete;
    QuietLibbpf& operator=(const QuietLibbpf&) = delete;

private:
    libbpf_print_fn_t before_;
};

// All zero where there is no link; its ifindex is 0 where its device is gone.
bpf_link_info link_info(const Path& pin)
{
    const UniqueFd fd(bpf_obj_get(pin.c_str()));
    bpf_link_info info{};
    __u32 size = sizeof(info);
    const bool is_link = fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0;
    return is_link && info.type == BPF_LINK_TYPE_XDP ? info : bpf_link_info{};
}

bool filter_runs(std::uint32_t ifindex, __u32 program_id)
{
    const QuietLibbpf quiet;
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex), .attach_point = BPF_TC_EGRESS);
    return std::ranges::any_of(kFilterHandles, [&](__u32 handle) {
        LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = kFilterPriority);
        return bpf_tc_query(&hook, &filter) == 0 && filter.prog_id == program_id;
    });
}

bool has_egress(const Path& path, std::uint32_t device)
{
    const auto pin = open_egress_pin(path);
    if (!pin || device == 0) {
        return false;
    }
    return pin->is_link ? pin->ifindex == device : filter_runs(device, pin->program.id);
}

// The same as of a link, where a dispatcher calls our program.
void ask_dispatcher(const Path& bpf_dir, std::uint32_t device, InterfaceStatus& status)
{
    status.by_dispatcher = true;
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (device == 0 || bpf_xdp_query(static_cast<int>(device), 0, &query) != 0) {
        return;
    }
    if (calls_ours(bpf_dir, device, query.drv_prog_id)) {
        status.ingress = "native";
    } else if (calls_ours(bpf_dir, device, query.skb_prog_id)) {
        status.ingress = "generic";
    }
}

} // namespace

std::uint32_t device_of(const Path& bpf_dir, std::string_view interface)
{
    const auto named = if_nametoindex(std::string(interface).c_str());
    return named != 0 ? named : linked_device(link(bpf_dir, interface));
}

// A device may also have been moved to another network namespace, where its number is another's here.
std::uint32_t linked_device(const Path& link)
{
    const auto info = link_info(link);
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (info.xdp.ifindex == 0 || bpf_xdp_query(static_cast<int>(info.xdp.ifindex), 0, &query) != 0) {
        return 0;
    }
    return query.drv_prog_id == info.prog_id || query.skb_prog_id == info.prog_id ? info.xdp.ifindex : 0;
}

InterfaceStatus interface_status(const Path& bpf_dir, const std::string& interface)
{
    InterfaceStatus status{interface, "none"};
    const auto device = device_of(bpf_dir, interface);
    status.egress = has_egress(egress_link(bpf_dir, interface), device);
    if (std::error_code error; std::filesystem::exists(dispatched(bpf_dir, interface), error)) {
        ask_dispatcher(bpf_dir, device, status);
        return status;
    }
    const auto info = link_info(link(bpf_dir, interface));
    if (device == 0 || info.xdp.ifindex != device) {
        return status;
    }
    std::array<char, IF_NAMESIZE> name{};
    if (if_indextoname(device, name.data()) != nullptr && interface != name.data()) {
        status.device = name.data();
    }
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (bpf_xdp_query(static_cast<int>(device), 0, &query) == 0) {
        if (query.drv_prog_id == info.prog_id) {
            status.ingress = "native";
        } else if (query.skb_prog_id == info.prog_id) {
            status.ingress = "generic";
        }
    }
    return status;
}

} // namespace meetfence::pins
