// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fmt/format.h>

#include "ctl/judge_host.h"
#include "ctl/render.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

using host::InterfaceFacts;

constexpr auto kRestart = "systemctl restart meetfenced attaches it again";

std::string check_name(const InterfaceFacts& facts, std::string_view what)
{
    return fmt::format("interface.{}.{}", facts.name, what);
}

std::string called(const std::string& name, std::uint32_t id)
{
    return name.empty() ? fmt::format("id {}", id) : fmt::format("'{}' (id {})", name, id);
}

// Where libxdp's dispatcher calls the filter, it is the dispatcher that is attached.
bool is_foreign(const InterfaceFacts& facts, const Json& status)
{
    return facts.xdp && facts.xdp->id != facts.own_xdp && text_of(status, "ingress") != "native" &&
           text_of(status, "ingress") != "generic";
}

Finding judge_ingress(const InterfaceFacts& facts, const Json& status)
{
    const auto check = check_name(facts, "ingress");
    const auto ingress = text_of(status, "ingress");
    const auto driver = facts.driver.empty() ? std::string("its driver") : "driver " + facts.driver;
    if (is_foreign(facts, status)) {
        return {check, Judged::wrong,
                fmt::format("runs the XDP program {}, which is not ours: what it receives is not filtered",
                            called(facts.xdp->name, facts.xdp->id)),
                fmt::format("ip link set dev {} xdp off, or its own tool; then systemctl restart meetfenced",
                            facts.name)};
    }
    if (ingress == "native") {
        const auto* by = text_of(status, "by") == "dispatcher" ? ", called by libxdp's dispatcher" : "";
        return {check, Judged::good, fmt::format("filtered natively ({}){}", driver, by)};
    }
    if (ingress == "generic") {
        return {
            check, Judged::hint,
            fmt::format("filtered in generic mode ({}): packets are copied into socket buffers first, which "
                        "takes several times as long",
                        driver),
            R"("mode": "native" in the configuration, where the driver has native XDP)"};
    }
    return {check, Judged::wrong, "what it receives is not filtered", kRestart};
}

Finding judge_egress(const InterfaceFacts& facts, const Json& status)
{
    const auto check = check_name(facts, "egress");
    return text_of(status, "egress") == "true"
               ? Finding{check, Judged::good, "what it sends is filtered"}
               : Finding{check, Judged::wrong, "what it sends is not filtered", kRestart};
}

// Ours stands first on its hook, so that no other one can end a packet's way before.
Findings judge_others(const InterfaceFacts& facts)
{
    std::vector<std::string> beside;
    std::vector<std::string> before;
    bool met_ours = false;
    for (const auto& program : facts.tc) {
        const bool ours = program.id == facts.own_egress && facts.own_egress != 0;
        met_ours = met_ours || ours;
        if (ours || (facts.own_egress == 0 && program.name.starts_with("meetfence_"))) {
            continue;
        }
        const auto text = fmt::format("{} on {}", called(program.name, program.id), program.hook);
        const bool sends = program.hook.ends_with("egress");
        (sends && !met_ours && facts.own_egress != 0 ? before : beside).push_back(text);
    }
    Findings findings;
    const auto check = check_name(facts, "programs");
    if (!before.empty()) {
        findings.push_back({check, Judged::hint,
                            fmt::format("before ours: {}; what they send on their own way is not filtered",
                                        join(before, ", ")),
                            "take them off and put them on again behind it, with their own tools"});
    }
    if (!beside.empty()) {
        findings.push_back(
            {check, Judged::hint, fmt::format("others' programs beside ours: {}", join(beside, ", ")),
             "nothing, if they are meant to be there; they may drop what the filter lets pass"});
    }
    return findings;
}

Findings judge_offloads(const InterfaceFacts& facts)
{
    Findings findings;
    const auto check = check_name(facts, "offloads");
    if (facts.merges_tcp.value_or(false)) {
        const auto* name = facts.merging == "rx-lro" ? "lro" : "rx-gro-hw";
        findings.push_back(
            {check, Judged::hint,
             fmt::format("the NIC merges TCP packets before they are judged ({}): they are judged "
                         "and counted as one",
                         facts.merging),
             fmt::format("ethtool -K {} {} off", facts.name, name)});
    } else if (facts.strips_vlan.value_or(false)) {
        findings.push_back(
            {check, Judged::good,
             "the NIC strips VLAN tags (rxvlan): frames are judged without them, just as well"});
    } else if (facts.strips_vlan) {
        findings.push_back({check, Judged::good, "none that hides or merges packets"});
    }
    return findings;
}

Findings judge_queues(const InterfaceFacts& facts, unsigned cpus)
{
    const auto useful = std::min(facts.most_queues, cpus);
    if (facts.queues == 0 || facts.queues >= useful) {
        return {};
    }
    return {
        {check_name(facts, "queues"), Judged::hint,
         fmt::format("{} for {}: so many CPUs at most share the work",
                     count_of(facts.queues, "receive queue", "receive queues"),
                     count_of(cpus, "CPU", "CPUs")),
         fmt::format("ethtool -L {} {} {}", facts.name, facts.combined_queues ? "combined" : "rx", useful)}};
}

void append(Findings& findings, Findings more)
{
    std::ranges::move(more, std::back_inserter(findings));
}

} // namespace

Findings judge_interface(const InterfaceFacts& facts, const Json& status, const host::HostFacts& host)
{
    if (!facts.exists) {
        return {{check_name(facts, "exists"), Judged::wrong, "there is no such interface",
                 "`ip link` lists those there are; correct `interfaces` in the configuration"}};
    }
    Findings findings{judge_ingress(facts, status), judge_egress(facts, status)};
    if (!facts.up) {
        findings.push_back({check_name(facts, "link"), Judged::hint, "it is down, or has no carrier",
                            fmt::format("ip link set dev {} up; the cable", facts.name)});
    }
    append(findings, judge_offloads(facts));
    append(findings, judge_queues(facts, host.cpus));
    if (!facts.programs_known) {
        findings.push_back({check_name(facts, "programs"), Judged::unknown,
                            "whose programs run there could not be asked",
                            "run it as root: sudo meetfencectl doctor"});
    }
    append(findings, judge_others(facts));
    return findings;
}

} // namespace meetfence::ctl
