// SPDX-License-Identifier: Apache-2.0
#include "ctl/host/tc_filters.h"

#include <array>
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pins/egress_pin.h"
#include "pins/unique_fd.h"

namespace meetfence::host {
namespace {

constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46); // BPF_TCX_INGRESS

struct Hook {
    const char* name;
    __u32 parent;
};
constexpr std::array kClsact{Hook{"tc ingress", TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)},
                             Hook{"tc egress", TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)}};

std::string text_of(const rtattr& attribute)
{
    const auto* text = static_cast<const char*>(RTA_DATA(&attribute));
    return {text, strnlen(text, RTA_PAYLOAD(&attribute))};
}

void each_attribute(const rtattr* attribute, int bytes, auto take)
{
    for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
        take(*attribute);
    }
}

void take_filter(const nlmsghdr& message, const char* hook, std::vector<TcProgram>& programs)
{
    const auto* filter = static_cast<const tcmsg*>(NLMSG_DATA(&message));
    TcProgram program{hook};
    each_attribute(TCA_RTA(filter), static_cast<int>(TCA_PAYLOAD(&message)), [&](const rtattr& attribute) {
        if (attribute.rta_type != TCA_OPTIONS) {
            return;
        }
        each_attribute(static_cast<const rtattr*>(RTA_DATA(&attribute)),
                       static_cast<int>(RTA_PAYLOAD(&attribute)), [&](const rtattr& option) {
                           // Of other kinds of filters these numbers mean something else; they have no
                           // program.
                           if (option.rta_type == TCA_BPF_ID && RTA_PAYLOAD(&option) == sizeof(__u32)) {
                               std::memcpy(&program.id, RTA_DATA(&option), sizeof(program.id));
                           } else if (option.rta_type == TCA_BPF_NAME) {
                               program.name = text_of(option);
                           }
                       });
    });
    const bool is_bpf = [&] {
        bool found = false;
        each_attribute(TCA_RTA(filter), static_cast<int>(TCA_PAYLOAD(&message)),
                       [&](const rtattr& attribute) {
                           found = found || (attribute.rta_type == TCA_KIND && text_of(attribute) == "bpf");
                       });
        return found;
    }();
    if (is_bpf && program.id != 0) {
        if (const auto name = program_name(program.id); !name.empty()) {
            program.name = name; // what was named "file.o:[section]" has a name of its own
        }
        programs.push_back(std::move(program));
    }
}

Result<> dump_filters(unsigned ifindex, const Hook& hook, std::vector<TcProgram>& programs)
{
    const UniqueFd socket_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    struct {
        nlmsghdr header;
        tcmsg filter;
    } request{};
    request.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(tcmsg)),
                      .nlmsg_type = RTM_GETTFILTER,
                      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
    request.filter.tcm_ifindex = static_cast<int>(ifindex);
    request.filter.tcm_parent = hook.parent;
    if (!socket_fd || send(socket_fd.get(), &request, request.header.nlmsg_len, 0) < 0) {
        return fail(ErrorCode::internal, std::string("asking for tc filters: ") + std::strerror(errno));
    }
    alignas(nlmsghdr) std::array<char, 65536> buffer{};
    for (;;) {
        auto bytes = recv(socket_fd.get(), buffer.data(), buffer.size(), 0);
        if (bytes <= 0) {
            return fail(ErrorCode::internal, std::string("reading tc filters: ") + std::strerror(errno));
        }
        auto length = static_cast<unsigned>(bytes);
        for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
             NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
            if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
                return {}; // an error: no such qdisc, and so no filter
            }
            if (message->nlmsg_type == RTM_NEWTFILTER) {
                take_filter(*message, hook.name, programs);
            }
        }
    }
}

// A kernel without tcx has none there.
void add_tcx(unsigned ifindex, bpf_attach_type type, const char* hook, std::vector<TcProgram>& programs)
{
    std::array<__u32, 64> ids{};
    __u32 count = ids.size();
    if (bpf_prog_query(static_cast<int>(ifindex), type, 0, nullptr, ids.data(), &count) != 0) {
        return;
    }
    for (__u32 i = 0; i < count && i < ids.size(); ++i) {
        programs.push_back({hook, ids.at(i), program_name(ids.at(i))});
    }
}

} // namespace

std::string program_name(std::uint32_t id)
{
    const UniqueFd fd(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    return fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0 ? info.name : "";
}

Result<std::vector<TcProgram>> read_tc_programs(unsigned ifindex)
{
    std::vector<TcProgram> programs;
    add_tcx(ifindex, kTcxIngress, "tcx ingress", programs);
    add_tcx(ifindex, pins::kTcxEgress, "tcx egress", programs);
    for (const auto& hook : kClsact) {
        TRY(dump_filters(ifindex, hook, programs));
    }
    return programs;
}

} // namespace meetfence::host
