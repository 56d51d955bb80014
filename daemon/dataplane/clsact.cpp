// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/clsact.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

#include "daemon/dataplane/kernel_error.h"
#include "pins/egress_pin.h"

namespace meetfence::dataplane {
namespace {

constexpr __u32 kIngress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr __u32 kEgress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

// A qdisc or a filter. libbpf asks for a filter whose place is known; it lists none.
struct TcObject {
    __u32 ifindex = 0, parent = 0, handle = 0, priority = 0, protocol = 0;
    std::string kind, program;
};

std::string text_of(rtattr* attribute)
{
    const std::string_view text(static_cast<const char*>(RTA_DATA(attribute)), RTA_PAYLOAD(attribute));
    return std::string(text.substr(0, text.find('\0')));
}

// The program's name as libbpf and tc write it: "name:[id]".
std::string program_of(rtattr* options)
{
    auto left = static_cast<int>(RTA_PAYLOAD(options));
    for (auto* each = static_cast<rtattr*>(RTA_DATA(options)); RTA_OK(each, left);
         each = RTA_NEXT(each, left)) {
        if (each->rta_type == TCA_BPF_NAME) {
            return text_of(each);
        }
    }
    return {};
}

TcObject read_object(nlmsghdr* header)
{
    auto* const message = static_cast<tcmsg*>(NLMSG_DATA(header));
    TcObject object{static_cast<__u32>(message->tcm_ifindex), message->tcm_parent, message->tcm_handle,
                    TC_H_MAJ(message->tcm_info) >> 16U, ntohs(static_cast<__u16>(message->tcm_info))};
    rtattr* options = nullptr;
    auto left = static_cast<int>(NLMSG_PAYLOAD(header, sizeof(tcmsg)));
    for (auto* each = TCA_RTA(message); RTA_OK(each, left); each = RTA_NEXT(each, left)) {
        if (each->rta_type == TCA_KIND) {
            object.kind = text_of(each);
        } else if (each->rta_type == TCA_OPTIONS) {
            options = each;
        }
    }
    if (options != nullptr && object.kind == "bpf") {
        object.program = program_of(options);
    }
    return object;
}

// Takes in one datagram of the kernel's answer. Returns whether it was the last.
Result<bool> read_answer(nlmsghdr* header, std::size_t size, std::vector<TcObject>& objects)
{
    for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
        if (header->nlmsg_type == NLMSG_DONE) {
            return true;
        }
        if (header->nlmsg_type == NLMSG_ERROR) {
            return kernel_error("listing qdiscs and filters",
                                -static_cast<nlmsgerr*>(NLMSG_DATA(header))->error);
        }
        objects.push_back(read_object(header));
    }
    return false;
}

// What the kernel lists by RTM_GETQDISC or RTM_GETTFILTER.
Result<std::vector<TcObject>> list(__u16 type, __u32 ifindex, __u32 parent)
{
    struct {
        nlmsghdr header;
        tcmsg message;
    } request{};
    request.header.nlmsg_len = sizeof(request);
    request.header.nlmsg_type = type;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.message.tcm_ifindex = static_cast<int>(ifindex);
    request.message.tcm_parent = parent;
    const UniqueFd netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!netlink || send(netlink.get(), &request, sizeof(request), 0) < 0) {
        return kernel_error("asking for qdiscs and filters");
    }
    std::vector<TcObject> objects;
    alignas(nlmsghdr) std::array<char, 65536> buffer{};
    for (bool last = false; !last;) {
        const auto size = recv(netlink.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) {
            return kernel_error("listing qdiscs and filters");
        }
        last = TRY(
            read_answer(reinterpret_cast<nlmsghdr*>(buffer.data()), static_cast<std::size_t>(size), objects));
    }
    return objects;
}

// "clsact", "ingress" or "" where there is none; the two exclude each other.
Result<std::string> qdisc_kind(__u32 ifindex)
{
    for (auto& qdisc : TRY(list(RTM_GETQDISC, ifindex, 0))) {
        if (qdisc.ifindex == ifindex && qdisc.parent == TC_H_CLSACT) { // the kernel lists every interface's
            return std::move(qdisc.kind);
        }
    }
    return std::string{};
}

bool is_ours(const TcObject& filter, const std::string& program_name)
{
    return filter.kind == "bpf" && filter.priority == pins::kFilterPriority &&
           std::ranges::find(pins::kFilterHandles, filter.handle) != pins::kFilterHandles.end() &&
           filter.program.starts_with(program_name + ":[");
}

// Filters of one priority are of one kind and protocol; those of BPF programs differ by handle.
bool is_in_the_way(const TcObject& filter)
{
    return filter.priority == pins::kFilterPriority &&
           (filter.kind != "bpf" || filter.protocol != ETH_P_ALL ||
            std::ranges::find(pins::kFilterHandles, filter.handle) != pins::kFilterHandles.end());
}

Result<> check_place(const std::string& interface, const std::vector<TcObject>& filters)
{
    const auto other = std::ranges::find_if(filters, is_in_the_way);
    if (other == filters.end()) {
        return {};
    }
    return fail(ErrorCode::conflict,
                fmt::format("interface {} already has a {} filter{} with priority {} on its egress, which is "
                            "not ours: give it another priority (`tc filter show dev {} egress` shows it), "
                            "then start again",
                            interface, other->kind, other->program.empty() ? "" : " '" + other->program + "'",
                            other->priority, interface));
}

bpf_tc_hook hook_of(__u32 ifindex, unsigned points)
{
    return {.sz = sizeof(bpf_tc_hook),
            .ifindex = static_cast<int>(ifindex),
            .attach_point = static_cast<bpf_tc_attach_point>(points)};
}

Result<> put_filter(const std::string& interface, __u32 ifindex, int program_fd, __u32 handle, __u32 flags)
{
    const auto hook = hook_of(ifindex, BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program_fd, .flags = flags, .handle = handle,
                .priority = pins::kFilterPriority);
    if (const int error = bpf_tc_attach(&hook, &opts); error != 0) {
        return kernel_error("putting a filter on the egress of interface " + interface, -error);
    }
    return {};
}

// Returns whether there was none.
Result<bool> provide_qdisc(const std::string& interface, __u32 ifindex, const std::string& kind)
{
    if (kind == "clsact") {
        return false;
    }
    auto hook = hook_of(ifindex, BPF_TC_EGRESS);
    if (const int error = bpf_tc_hook_create(&hook); error != 0) {
        return kernel_error("making a clsact qdisc on interface " + interface, -error);
    }
    return true;
}

void remove_qdisc(__u32 ifindex)
{
    auto hook = hook_of(ifindex, unsigned{BPF_TC_INGRESS} | unsigned{BPF_TC_EGRESS});
    bpf_tc_hook_destroy(&hook);
}

bool is_empty(__u32 ifindex)
{
    return std::ranges::all_of(std::array{kIngress, kEgress}, [ifindex](__u32 parent) {
        const auto filters = list(RTM_GETTFILTER, ifindex, parent);
        return filters && filters->empty();
    });
}

} // namespace

Result<bool> attach_filter(const std::string& interface, __u32 ifindex, int program_fd)
{
    const auto kind = TRY(qdisc_kind(ifindex));
    if (kind == "ingress") { // it would take an egress filter, and run it on ingress
        return fail(ErrorCode::conflict, "interface " + interface +
                                             " has an ingress qdisc, which keeps out the clsact qdisc that "
                                             "egress needs: put its filters on a clsact qdisc (`tc qdisc "
                                             "del dev " +
                                             interface + " ingress`, `tc qdisc add dev " + interface +
                                             " clsact`), then start again");
    }
    const auto program = pins::program_info(program_fd);
    if (!program) {
        return kernel_error("asking for the egress program's name");
    }
    const auto filters = TRY(list(RTM_GETTFILTER, ifindex, kEgress));
    const auto ours = std::ranges::find_if(
        filters, [&program](const TcObject& filter) { return is_ours(filter, program->name); });
    if (ours != filters.end()) {
        TRY(put_filter(interface, ifindex, program_fd, ours->handle, BPF_TC_F_REPLACE));
        return false;
    }
    TRY(check_place(interface, filters));
    const bool made = TRY(provide_qdisc(interface, ifindex, kind));
    const auto handle = made ? pins::kFilterOnOwnQdisc : pins::kFilterOnFoundQdisc;
    if (auto put = put_filter(interface, ifindex, program_fd, handle, 0); !put) {
        if (made) {
            remove_qdisc(ifindex);
        }
        return fail(std::move(put).error());
    }
    return true;
}

void detach_filter(__u32 ifindex, const std::string& program_name)
{
    const auto kind = qdisc_kind(ifindex);
    const auto filters = list(RTM_GETTFILTER, ifindex, kEgress);
    if (!kind || *kind != "clsact" || !filters) {
        return;
    }
    for (const auto& filter : *filters) {
        if (!is_ours(filter, program_name)) {
            continue;
        }
        const auto hook = hook_of(ifindex, BPF_TC_EGRESS);
        LIBBPF_OPTS(bpf_tc_opts, opts, .handle = filter.handle, .priority = filter.priority);
        bpf_tc_detach(&hook, &opts);
        if (filter.handle == pins::kFilterOnOwnQdisc && is_empty(ifindex)) {
            remove_qdisc(ifindex);
        }
    }
}

} // namespace meetfence::dataplane
