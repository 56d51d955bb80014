// SPDX-License-Identifier: Apache-2.0
#include "pins/pinned_status.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <ctime>
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
        if (meeting.number == 0 || meeting.retired != 0 || meeting.shared != 0 ||
            meeting.policy >= tables.policies.size()) {
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

struct CellRun {
    std::uint32_t first = 0, count = 0;
};

// The cells of each rule, in their order. A rule that was changed stands twice for a moment, with the
// same cells.
std::vector<CellRun> cells_of_rules(const Tables& tables)
{
    std::vector<CellRun> runs;
    for (std::size_t i = 1; i < tables.rules.size(); ++i) {
        const auto& rule = tables.rules[i];
        if (rule.number != 0) {
            runs.push_back({rule.cells, rule.cell_count});
        }
    }
    std::ranges::sort(runs, {}, &CellRun::first);
    const auto same = std::ranges::unique(runs, {}, &CellRun::first);
    runs.erase(same.begin(), same.end());
    return runs;
}

// What each rule did, by its own counters. Those that lie next to one another are read together, and with
// them what lies in small gaps.
Result<> count_rules(const Tables& tables, PinnedStatus& status)
{
    constexpr std::uint32_t kSmallGap = 16;
    const auto runs = cells_of_rules(tables);
    for (std::size_t begin = 0; begin < runs.size();) {
        auto end = begin;
        std::uint32_t behind = runs[begin].first;
        for (; end < runs.size() && runs[end].first <= behind + kSmallGap; ++end) {
            behind = std::max(behind, runs[end].first + runs[end].count);
        }
        const auto first = runs[begin].first;
        const auto cells = TRY(pins::read_cells(tables.cells.get(), first, behind - first));
        for (; begin < end; ++begin) {
            auto& sum = status.rule_counts[runs[begin].first];
            for (std::uint32_t cell = 0; cell < runs[begin].count; ++cell) {
                sum += cells.at(runs[begin].first - first + cell);
            }
        }
    }
    return {};
}

struct Verdicts {
    std::uint64_t passed = 0, dropped = 0;
    std::uint64_t bytes_passed = 0, bytes_dropped = 0;
};

Verdicts sum(const std::array<mf_traffic, MF_REASONS>& reasons)
{
    Verdicts verdicts;
    for (std::uint32_t reason = 0; reason < MF_REASONS; ++reason) {
        (is_drop(reason) ? verdicts.dropped : verdicts.passed) += reasons.at(reason).packets;
        (is_drop(reason) ? verdicts.bytes_dropped : verdicts.bytes_passed) += reasons.at(reason).bytes;
    }
    return verdicts;
}

Json to_json(const Verdicts& verdicts)
{
    return Json{{"seen", verdicts.passed + verdicts.dropped},
                {"passed", verdicts.passed},
                {"dropped", verdicts.dropped},
                {"bytes_passed", verdicts.bytes_passed},
                {"bytes_dropped", verdicts.bytes_dropped}};
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
    std::set<std::string> names; // one direction may be gone
    for (const auto& directory : {pins::links(bpf_dir), pins::egress(bpf_dir), pins::dispatched(bpf_dir)}) {
        for (const auto& pin : std::filesystem::directory_iterator(directory, error)) {
            names.insert(pins::interface_of(pin.path()));
        }
    }
    for (const auto& name : names) {
        status.interfaces.push_back(pins::interface_status(bpf_dir, name));
    }
    count_meetings(tables, status);

    // The reasons first: a packet counted in between is then in the rules' sum, and no false alarm.
    const auto reasons = TRY(open_pin(pins::maps(bpf_dir) / "reasons"));
    status.reasons = TRY(pins::read_reasons(reasons.get()));
    std::uint64_t dropped = 0;
    for (const auto& reasons_of : status.reasons) {
        for (std::uint32_t reason = MF_FIRST_DROP; reason < MF_REASONS; ++reason) {
            dropped += reasons_of.at(reason).packets;
        }
    }
    TRY(count_rules(tables, status));
    auto accounted = control.retired_drops;
    for (const auto& [cell, counts] : status.rule_counts) {
        accounted += counts.dropped_packets;
    }
    status.dropped_outside_scope = (dropped > accounted ? dropped - accounted : 0) + control.outside_scope;
    return status;
}

Json to_json(const InterfaceStatus& interface)
{
    Json json{{"name", interface.name}, {"ingress", interface.ingress}, {"egress", interface.egress}};
    if (!interface.device.empty()) {
        json["device"] = interface.device;
    }
    if (interface.by_dispatcher) {
        json["by"] = "dispatcher";
    }
    return json;
}

Json to_json(const PinnedStatus& status, std::string_view version, bool daemon_running)
{
    auto interfaces = Json::array();
    for (const auto& interface : status.interfaces) {
        interfaces.push_back(to_json(interface));
    }
    const auto ingress = sum(status.reasons.at(MF_INGRESS));
    const auto egress = sum(status.reasons.at(MF_EGRESS));
    auto reasons = Json::object();
    for (std::uint32_t reason = 0; reason < MF_REASONS; ++reason) {
        const auto& in = status.reasons.at(MF_INGRESS).at(reason);
        const auto& out = status.reasons.at(MF_EGRESS).at(reason);
        if (in.packets + out.packets != 0) {
            reasons[std::string(reason_name(reason))] = {{"packets", in.packets + out.packets},
                                                         {"bytes", in.bytes + out.bytes},
                                                         {"ingress", in.packets},
                                                         {"egress", out.packets}};
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
                 {{"seen", ingress.passed + ingress.dropped + egress.passed + egress.dropped},
                  {"passed", ingress.passed + egress.passed},
                  {"dropped", ingress.dropped + egress.dropped},
                  {"dropped_outside_scope", status.dropped_outside_scope},
                  {"ingress", to_json(ingress)},
                  {"egress", to_json(egress)}}},
                {"reasons", std::move(reasons)}};
}

Result<Json> pinned_status_json(const std::string& bpf_dir)
{
    return to_json(TRY(read_pinned_status(bpf_dir)), MEETFENCE_VERSION, false);
}

} // namespace meetfence
