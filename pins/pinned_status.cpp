// SPDX-License-Identifier: Apache-2.0
#include "pins/pinned_status.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <linux/if_link.h>
#include <net/if.h>
#include <set>

#include "pins/mapped_array.h"
#include "pins/reason.h"
#include "pins/unique_fd.h"

namespace meetfence {
namespace {

using pins::Access;
using pins::MappedArray;
using pins::Path;

Result<UniqueFd> open_pin(const Path& path)
{
    UniqueFd fd(bpf_obj_get(path.c_str()));
    if (!fd) {
        const auto code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::internal;
        return fail(code, "kernel object " + path.string() + ": " + std::strerror(errno));
    }
    return fd;
}

template <class T> Result<MappedArray<T>> open_array(const Path& bpf_dir, const char* name, std::size_t size)
{
    const auto fd = TRY(open_pin(pins::maps(bpf_dir) / name));
    return MappedArray<T>::map(fd.get(), size, Access::read_only, name);
}

std::uint64_t boot_now_ns()
{
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

// Whether a pinned link still holds our program on its interface, and how.
InterfaceStatus interface_status(const Path& pin)
{
    InterfaceStatus status{pins::interface_of(pin), "none"};
    const UniqueFd fd(bpf_obj_get(pin.c_str()));
    bpf_link_info info{};
    __u32 size = sizeof(info);
    if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0 || info.xdp.ifindex == 0 ||
        info.xdp.ifindex != if_nametoindex(status.name.c_str())) {
        return status;
    }
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (bpf_xdp_query(static_cast<int>(info.xdp.ifindex), 0, &query) == 0) {
        if (query.drv_prog_id == info.prog_id) {
            status.ingress = "native";
        } else if (query.skb_prog_id == info.prog_id) {
            status.ingress = "generic";
        }
    }
    return status;
}

struct Tables {
    MappedArray<mf_control> control;
    MappedArray<mf_meeting> meetings;
    MappedArray<mf_policy> policies;
    MappedArray<mf_rule> rules;
    UniqueFd cells;
};

Result<Tables> open_tables(const Path& bpf_dir)
{
    Tables tables;
    tables.control = TRY(open_array<mf_control>(bpf_dir, "control", 1));
    const auto& control = tables.control[0];
    if (control.layout != MF_LAYOUT) {
        return fail(ErrorCode::conflict, "the kernel objects in " + bpf_dir.string() + " have layout " +
                                             std::to_string(control.layout) + ", this program knows layout " +
                                             std::to_string(MF_LAYOUT) + ": use the version that made them");
    }
    tables.meetings = TRY(open_array<mf_meeting>(bpf_dir, "meetings", control.meetings));
    tables.policies = TRY(open_array<mf_policy>(bpf_dir, "policies", control.policies));
    tables.rules = TRY(open_array<mf_rule>(bpf_dir, "rules", control.rules));
    tables.cells = TRY(open_pin(pins::maps(bpf_dir) / "cells"));
    return tables;
}

void count_meetings(const Tables& tables, PinnedStatus& status)
{
    const auto now = boot_now_ns();
    for (std::size_t i = 1; i < tables.meetings.size(); ++i) {
        const auto& meeting = tables.meetings[i];
        if (meeting.number == 0 || meeting.retired != 0 || meeting.policy >= tables.policies.size()) {
            continue;
        }
        ++status.meetings;
        const auto& policy = tables.policies[meeting.policy];
        for (std::size_t r = 0; r < policy.rule_count && r < MF_RULES_PER_MEETING; ++r) {
            const auto& rule = tables.rules[policy.rules[r] < tables.rules.size() ? policy.rules[r] : 0];
            status.rules_active += now >= rule.from_ns && now < rule.until_ns ? 1 : 0;
        }
    }
}

// What all rules together say they dropped. A rule that was changed stands twice for a moment,
// with the same cells.
Result<std::uint64_t> drops_of_rules(const Tables& tables)
{
    std::uint64_t total = 0;
    std::set<std::uint32_t> seen;
    for (std::size_t i = 1; i < tables.rules.size(); ++i) {
        const auto& rule = tables.rules[i];
        if (rule.number == 0 || !seen.insert(rule.cells).second) {
            continue;
        }
        for (std::uint32_t cell = 0; cell < rule.cell_count; ++cell) {
            total += TRY(pins::read_cell(tables.cells.get(), rule.cells + cell)).dropped_packets;
        }
    }
    return total + tables.control[0].retired_drops;
}

} // namespace

Result<PinnedStatus> read_pinned_status(const Path& bpf_dir)
{
    const auto tables = TRY(open_tables(bpf_dir));
    const auto& control = tables.control[0];
    PinnedStatus status;
    status.prefixes_v4 = control.geo_prefixes_v4;
    status.prefixes_v6 = control.geo_prefixes_v6;
    status.generation = control.geo_generation;
    status.geo_bytes = control.geo_bytes;
    status.build = Time(std::chrono::seconds(control.geo_build_s));

    std::error_code error;
    for (const auto& pin : std::filesystem::directory_iterator(pins::links(bpf_dir), error)) {
        status.interfaces.push_back(interface_status(pin.path()));
    }
    count_meetings(tables, status);

    // The reasons first: a packet counted in between is then in the rules' sum, and no false alarm.
    const auto reasons = TRY(open_pin(pins::maps(bpf_dir) / "reasons"));
    status.reasons = TRY(pins::read_reasons(reasons.get()));
    std::uint64_t dropped = 0;
    for (std::uint32_t reason = MF_FIRST_DROP; reason < MF_REASONS; ++reason) {
        dropped += status.reasons.at(reason).packets;
    }
    const auto accounted = TRY(drops_of_rules(tables));
    status.dropped_outside_scope = dropped > accounted ? dropped - accounted : 0;
    return status;
}

Json to_json(const PinnedStatus& status, std::string_view version, bool daemon_running)
{
    auto interfaces = Json::array();
    for (const auto& interface : status.interfaces) {
        interfaces.push_back({{"name", interface.name}, {"ingress", interface.ingress}, {"egress", false}});
    }
    std::uint64_t passed = 0;
    std::uint64_t dropped = 0;
    auto reasons = Json::object();
    for (std::uint32_t reason = 0; reason < MF_REASONS; ++reason) {
        const auto& traffic = status.reasons.at(reason);
        (is_drop(reason) ? dropped : passed) += traffic.packets;
        if (traffic.packets != 0) {
            reasons[std::string(reason_name(reason))] = {{"packets", traffic.packets},
                                                         {"bytes", traffic.bytes}};
        }
    }
    return Json{{"version", version},
                {"daemon", daemon_running ? "running" : "not running"},
                {"interfaces", std::move(interfaces)},
                {"geo",
                 {{"prefixes_v4", status.prefixes_v4},
                  {"prefixes_v6", status.prefixes_v6},
                  {"build", status.build == Time() ? Json(nullptr) : Json(format_time(status.build))},
                  {"generation", status.generation},
                  {"bytes", status.geo_bytes}}},
                {"meetings", status.meetings},
                {"rules_active", status.rules_active},
                {"packets",
                 {{"seen", passed + dropped},
                  {"passed", passed},
                  {"dropped", dropped},
                  {"dropped_outside_scope", status.dropped_outside_scope}}},
                {"reasons", std::move(reasons)}};
}

Result<Json> pinned_status_json(const std::string& bpf_dir)
{
    return to_json(TRY(read_pinned_status(bpf_dir)), MEETFENCE_VERSION, false);
}

} // namespace meetfence
