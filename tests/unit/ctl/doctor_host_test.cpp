// SPDX-License-Identifier: Apache-2.0
// What facts about a host are taken for.
#include <algorithm>
#include <cerrno>
#include <gtest/gtest.h>

#include "ctl/judge_host.h"
#include "tests/support/error_of.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using ctl::Judged;
using host::Feature;

constexpr host::Capabilities kAll = ~0ULL;
constexpr host::Capabilities kThree = host::kNetAdmin | host::kBpf | host::kPerfmon;
constexpr const char* kDir = "/sys/fs/bpf/meetfence";

const ctl::Finding& find(const ctl::Findings& findings, std::string_view check)
{
    const auto it = std::ranges::find(findings, check, &ctl::Finding::check);
    if (it == findings.end()) {
        throw std::out_of_range("no finding " + std::string(check));
    }
    return *it;
}

bool has(const ctl::Findings& findings, std::string_view check)
{
    return std::ranges::find(findings, check, &ctl::Finding::check) != findings.end();
}

// Whoever reads that something is not good reads what to do about it.
void expect_remedies(const ctl::Findings& findings)
{
    for (const auto& finding : findings) {
        EXPECT_EQ(finding.remedy.empty(), finding.state == Judged::good) << finding.check;
        EXPECT_FALSE(finding.text.empty()) << finding.check;
    }
}

host::HostFacts good_host()
{
    host::HostFacts facts;
    facts.capabilities = kAll;
    facts.now = at("2026-11-22T12:00:00Z");
    facts.clock_synchronised = true;
    facts.cpus = 4;
    facts.jit_harden = 0;
    facts.pins = {.on_bpffs = true, .uid = 998, .mode = 0700};
    facts.daemon = host::ProcessFacts{.pid = 77, .uid = 998, .capabilities = kThree};
    return facts;
}

host::KernelFeatures without(std::initializer_list<Feature> missing, int error)
{
    host::KernelFeatures features{};
    for (const auto feature : missing) {
        features.errors.at(static_cast<std::size_t>(feature)) = error;
    }
    return features;
}

TEST(DoctorKernel, IsGoodWhereEverythingWorks)
{
    const auto findings = ctl::judge_kernel({}, good_host());
    EXPECT_EQ(findings.size(), 7U);
    for (const auto& finding : findings) {
        EXPECT_EQ(finding.state, Judged::good) << finding.check;
    }
    expect_remedies(findings);
}

TEST(DoctorKernel, NamesWhatDoesNotWork)
{
    const struct {
        std::vector<Feature> missing;
        const char* check;
        Judged state;
        const char* says;
    } cases[] = {
        {{Feature::xdp_program}, "kernel.programs", Judged::wrong, "XDP programs (Invalid argument)"},
        {{Feature::global_function}, "kernel.programs", Judged::wrong, "BTF"},
        {{Feature::ring_buffer, Feature::lpm_trie},
         "kernel.maps",
         Judged::wrong,
         "tries of prefixes, ring buffers"},
        {{Feature::jit}, "kernel.jit", Judged::hint, "several times as long"},
        {{Feature::frags}, "kernel.frames", Judged::hint, "MTU must fit"},
        {{Feature::test_run}, "kernel.test_run", Judged::wrong, "explain"},
        {{Feature::xdp_link}, "kernel.ingress", Judged::wrong, "nothing can be filtered"},
        {{Feature::tcx}, "kernel.egress", Judged::good, "clsact"},
        {{Feature::tcx, Feature::clsact}, "kernel.egress", Judged::wrong, "not be filtered"},
    };
    for (const auto& [missing, check, state, says] : cases) {
        host::KernelFeatures features{};
        for (const auto feature : missing) {
            features.errors.at(static_cast<std::size_t>(feature)) = EINVAL;
        }
        const auto findings = ctl::judge_kernel(features, good_host());
        EXPECT_EQ(find(findings, check).state, state) << check;
        EXPECT_MENTIONS(find(findings, check).text, says);
        EXPECT_EQ(std::ranges::count(findings, Judged::good, &ctl::Finding::state),
                  state == Judged::good ? 7 : 6);
        expect_remedies(findings);
    }
}

TEST(DoctorKernel, TellsWhatIsForbiddenFromWhatTheAskerMayNotTry)
{
    const auto features = without({Feature::xdp_program}, EPERM);
    EXPECT_EQ(find(ctl::judge_kernel(features, good_host()), "kernel.programs").state, Judged::wrong);
    EXPECT_MENTIONS(find(ctl::judge_kernel(features, good_host()), "kernel.programs").remedy, "lockdown");
    auto somebody = good_host();
    somebody.capabilities = 0;
    EXPECT_EQ(find(ctl::judge_kernel(features, somebody), "kernel.programs").state, Judged::unknown);

    host::KernelFeatures nothing{};
    nothing.errors.fill(EPERM);
    const auto findings = ctl::judge_kernel(nothing, somebody);
    ASSERT_EQ(findings.size(), 1U) << "one word is enough";
    EXPECT_EQ(findings[0].state, Judged::unknown);
    EXPECT_MENTIONS(findings[0].remedy, "root");
    nothing.errors.fill(host::kNotTried);
    EXPECT_EQ(find(ctl::judge_kernel(nothing, good_host()), "kernel.maps").state, Judged::wrong);
}

TEST(DoctorKernel, HintsAtAHardenedJit)
{
    auto hardened = good_host();
    hardened.jit_harden = 2;
    EXPECT_EQ(find(ctl::judge_kernel({}, hardened), "kernel.jit").state, Judged::hint);
    hardened.jit_harden = 1;
    EXPECT_EQ(find(ctl::judge_kernel({}, hardened), "kernel.jit").state, Judged::good);
}

TEST(DoctorHost, IsGoodWhereAllIsAsInstalled)
{
    const auto findings = ctl::judge_host(good_host(), kDir);
    for (const auto& finding : findings) {
        EXPECT_EQ(finding.state, Judged::good) << finding.check << ": " << finding.text;
    }
}

TEST(DoctorHost, LooksAtClockPinsAndTheDaemonsPermissions)
{
    const struct {
        const char* what;
        void (*change)(host::HostFacts&);
        const char* check;
        Judged state;
        const char* says;
    } cases[] = {
        {"not root", [](auto& facts) { facts.capabilities = 0; }, "host.permissions", Judged::unknown, "uid"},
        {"free clock", [](auto& facts) { facts.clock_synchronised = false; }, "host.clock", Judged::hint,
         "nothing keeps it right"},
        {"1970", [](auto& facts) { facts.now = Time(std::chrono::seconds(9)); }, "host.clock", Judged::wrong,
         "1970-01-01"},
        {"no pins", [](auto& facts) { facts.pins = {.error = ENOENT, .parent_on_bpffs = true}; },
         "host.bpffs", Judged::hint, "nothing is pinned"},
        {"no bpffs", [](auto& facts) { facts.pins = {.error = ENOENT}; }, "host.bpffs", Judged::wrong,
         "not be on a BPF file system"},
        {"may not look", [](auto& facts) { facts.pins = {.error = EACCES}; }, "host.bpffs", Judged::unknown,
         "may not look"},
        {"another file system", [](auto& facts) { facts.pins.on_bpffs = false; }, "host.bpffs", Judged::wrong,
         "not on a BPF file system"},
        {"others write", [](auto& facts) { facts.pins.mode = 0770; }, "host.bpffs", Judged::wrong, "0770"},
        {"another owner", [](auto& facts) { facts.pins.uid = 5; }, "host.bpffs", Judged::wrong, "uid 5"},
        {"a capability less", [](auto& facts) { facts.daemon->capabilities = host::kNetAdmin | host::kBpf; },
         "daemon.permissions", Judged::wrong, "lacks CAP_PERFMON"},
        {"root", [](auto& facts) { facts.daemon->capabilities = kAll; }, "daemon.permissions", Judged::hint,
         "more than it needs"},
        {"hidden", [](auto& facts) { facts.daemon->capabilities.reset(); }, "daemon.permissions",
         Judged::unknown, "77"},
        {"tight",
         [](auto& facts) {
             facts.daemon->memory = 95;
             facts.daemon->most_memory = 100;
         },
         "daemon.memory", Judged::hint, "95 B of the 100 B"},
        {"room",
         [](auto& facts) {
             facts.daemon->memory = 50;
             facts.daemon->most_memory = 100;
         },
         "daemon.memory", Judged::good, "50 B"},
    };
    for (const auto& [what, change, check, state, says] : cases) {
        SCOPED_TRACE(what);
        auto facts = good_host();
        change(facts);
        const auto findings = ctl::judge_host(facts, kDir);
        EXPECT_EQ(find(findings, check).state, state);
        EXPECT_MENTIONS(find(findings, check).text, says);
        expect_remedies(findings);
    }
}

TEST(DoctorHost, TakesTheOldSuperCapabilityForTheNewOnes)
{
    auto facts = good_host();
    facts.daemon->capabilities = host::kNetAdmin | host::kSysAdmin;
    EXPECT_EQ(find(ctl::judge_host(facts, kDir), "daemon.permissions").state, Judged::hint);
}

host::InterfaceFacts good_interface()
{
    host::InterfaceFacts facts{.name = "eth0", .exists = true, .up = true, .driver = "ixgbe"};
    facts.strips_vlan = false;
    facts.merges_tcp = false;
    facts.queues = facts.most_queues = 4;
    facts.combined_queues = true;
    facts.xdp = host::XdpProgram{11, "meetfence_xdp", true};
    facts.tc = {{"tcx egress", 12, "meetfence_egres"}};
    facts.own_xdp = 11;
    facts.own_egress = 12;
    return facts;
}

Json filtered(const char* ingress = "native", bool egress = true)
{
    return {{"name", "eth0"}, {"ingress", ingress}, {"egress", egress}};
}

TEST(DoctorInterface, IsGoodWhereBothDirectionsAreFilteredNatively)
{
    const auto findings = ctl::judge_interface(good_interface(), filtered(), good_host());
    for (const auto& finding : findings) {
        EXPECT_EQ(finding.state, Judged::good) << finding.check << ": " << finding.text;
    }
    EXPECT_MENTIONS(find(findings, "interface.eth0.ingress").text, "ixgbe");
}

TEST(DoctorInterface, TellsHowItIsFiltered)
{
    const auto judged = [](const Json& status, const char* check) {
        const auto findings = ctl::judge_interface(good_interface(), status, good_host());
        expect_remedies(findings);
        return find(findings, check).state;
    };
    EXPECT_EQ(judged(filtered("generic"), "interface.eth0.ingress"), Judged::hint);
    EXPECT_EQ(judged(filtered("none"), "interface.eth0.ingress"), Judged::wrong);
    EXPECT_EQ(judged(filtered("native", false), "interface.eth0.egress"), Judged::wrong);
    EXPECT_EQ(judged(Json(), "interface.eth0.egress"), Judged::wrong);
    const auto gone = ctl::judge_interface({.name = "eth7"}, filtered(), good_host());
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].check, "interface.eth7.exists");
    EXPECT_EQ(gone[0].state, Judged::wrong);
}

TEST(DoctorInterface, NamesOthersPrograms)
{
    auto facts = good_interface();
    facts.xdp = host::XdpProgram{99, "xdp_other", true};
    const auto foreign = ctl::judge_interface(facts, filtered("none"), good_host());
    EXPECT_EQ(find(foreign, "interface.eth0.ingress").state, Judged::wrong);
    EXPECT_MENTIONS(find(foreign, "interface.eth0.ingress").text, "'xdp_other' (id 99)");
    EXPECT_EQ(
        find(ctl::judge_interface(facts, filtered("native"), good_host()), "interface.eth0.ingress").state,
        Judged::good)
        << "libxdp's dispatcher calls ours";

    facts = good_interface();
    facts.tc.push_back({"tc ingress", 50, ""});
    facts.tc.push_back({"tcx egress", 51, "cil_to_netdev"});
    const auto beside = ctl::judge_interface(facts, filtered(), good_host());
    EXPECT_EQ(find(beside, "interface.eth0.programs").state, Judged::hint);
    EXPECT_MENTIONS(find(beside, "interface.eth0.programs").text,
                    "beside ours: id 50 on tc ingress, 'cil_to_netdev' (id 51) on tcx egress");
    std::ranges::reverse(facts.tc);
    EXPECT_MENTIONS(
        find(ctl::judge_interface(facts, filtered(), good_host()), "interface.eth0.programs").text,
        "before ours: 'cil_to_netdev' (id 51) on tcx egress");
}

TEST(DoctorInterface, LooksAtWhatTheNicDoesBefore)
{
    auto facts = good_interface();
    facts.merges_tcp = true;
    facts.merging = "rx-lro";
    auto findings = ctl::judge_interface(facts, filtered(), good_host());
    EXPECT_EQ(find(findings, "interface.eth0.offloads").state, Judged::hint);
    EXPECT_EQ(find(findings, "interface.eth0.offloads").remedy, "ethtool -K eth0 lro off");

    facts = good_interface();
    facts.strips_vlan = true;
    findings = ctl::judge_interface(facts, filtered(), good_host());
    EXPECT_EQ(find(findings, "interface.eth0.offloads").state, Judged::good);
    EXPECT_MENTIONS(find(findings, "interface.eth0.offloads").text, "strips VLAN tags");
}

TEST(DoctorInterface, WantsAQueueForEachCpuWhereTheNicHasThem)
{
    auto facts = good_interface();
    facts.queues = 1;
    EXPECT_EQ(find(ctl::judge_interface(facts, filtered(), good_host()), "interface.eth0.queues").remedy,
              "ethtool -L eth0 combined 4");
    facts.most_queues = 1;
    EXPECT_FALSE(has(ctl::judge_interface(facts, filtered(), good_host()), "interface.eth0.queues"));
    facts.up = false;
    EXPECT_EQ(find(ctl::judge_interface(facts, filtered(), good_host()), "interface.eth0.link").state,
              Judged::hint);
    facts.programs_known = false;
    EXPECT_EQ(find(ctl::judge_interface(facts, filtered(), good_host()), "interface.eth0.programs").state,
              Judged::unknown);
}

} // namespace
} // namespace meetfence::test
