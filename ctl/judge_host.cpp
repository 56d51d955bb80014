// SPDX-License-Identifier: Apache-2.0
#include "ctl/judge_host.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <initializer_list>

#include "ctl/render.h"

namespace meetfence::ctl {
namespace {

using host::Feature;
using host::HostFacts;
using host::KernelFeatures;

constexpr auto kNewer =
    "run Linux 5.15 or later, with CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT and CONFIG_DEBUG_INFO_BTF";
constexpr auto kForbidden =
    "lift what forbids it: kernel lockdown, a seccomp filter, or the container this runs in";
constexpr auto kAsRoot = "run it as root: sudo meetfencectl doctor";

bool may_not(int error)
{
    return error == EPERM || error == EACCES || error == host::kNotTried;
}

bool has(const HostFacts& host, host::Capabilities wanted)
{
    return (host.capabilities & wanted) == wanted;
}

bool may_try_everything(const HostFacts& host)
{
    return has(host, host::kSysAdmin | host::kNetAdmin);
}

struct Named {
    Feature feature;
    std::string_view name;
};

// The first that does not work decides; all that do not are named.
Finding judge(const KernelFeatures& features, const HostFacts& host, std::string check,
              std::initializer_list<Named> wanted, std::string good, std::string_view meaning)
{
    std::vector<std::string> missing;
    int error = 0;
    for (const auto& [feature, name] : wanted) {
        if (!features.works(feature)) {
            error = error == 0 ? features.error(feature) : error;
            missing.emplace_back(name);
        }
    }
    if (missing.empty()) {
        return {std::move(check), Judged::good, std::move(good)};
    }
    if (may_not(error) && !may_try_everything(host)) {
        return {std::move(check), Judged::unknown, "this user may not try it", kAsRoot};
    }
    const auto* cause = error == host::kNotTried ? "the attempt broke off" : std::strerror(error);
    return {std::move(check), Judged::wrong,
            fmt::format("not possible: {} ({}); {}", join(missing, ", "), cause, meaning),
            may_not(error) ? kForbidden : kNewer};
}

Finding judge_jit(const KernelFeatures& features, const HostFacts& host)
{
    auto finding = judge(features, host, "kernel.jit", {{Feature::jit, "compiling programs"}},
                         "programs are compiled to machine code", "each packet takes several times as long");
    if (finding.state == Judged::wrong) {
        finding.state = Judged::hint;
        finding.remedy = "sysctl -w net.core.bpf_jit_enable=1, then restart meetfenced";
    } else if (finding.state == Judged::good && host.jit_harden.value_or(0) > 1) {
        finding.state = Judged::hint;
        finding.text += ", and hardened against everybody (net.core.bpf_jit_harden=2): slower, also for root";
        finding.remedy = "sysctl -w net.core.bpf_jit_harden=1 hardens those of unprivileged users alone";
    }
    return finding;
}

Finding judge_frames(const KernelFeatures& features, const HostFacts& host)
{
    auto finding = judge(
        features, host, "kernel.frames", {{Feature::frags, "XDP with frames of several buffers"}},
        "frames of several buffers are read", "the MTU must fit one buffer, and names in STUN are not read");
    if (finding.state == Judged::wrong && !may_not(features.error(Feature::frags))) {
        finding.state = Judged::hint;
        finding.remedy = "run Linux 5.18 or later";
    }
    return finding;
}

Finding judge_egress(const KernelFeatures& features, const HostFacts& host)
{
    if (!features.works(Feature::tcx) && features.works(Feature::clsact)) {
        return {"kernel.egress", Judged::good,
                "programs attach to what is sent, as clsact filters (tcx links need Linux 6.6)"};
    }
    auto finding =
        judge(features, host, "kernel.egress", {{Feature::tcx, "tcx links, clsact filters"}},
              "programs attach to what is sent, by tcx links", "what is sent would not be filtered");
    if (finding.state == Judged::wrong && !may_not(features.error(Feature::tcx))) {
        finding.remedy = "modprobe -a sch_ingress cls_bpf; where they are missing, a kernel with "
                         "CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF";
    }
    return finding;
}

Finding judge_permissions(const HostFacts& host)
{
    if (may_try_everything(host)) {
        return {"host.permissions", Judged::good, "this user may look at everything"};
    }
    return {
        "host.permissions", Judged::unknown,
        fmt::format("uid {} may not try the kernel, open the pins, or learn the names of programs", host.uid),
        kAsRoot};
}

Finding judge_clock(const HostFacts& host)
{
    using namespace std::chrono_literals;
    constexpr Time kLeast{std::chrono::sys_days{2025y / 1 / 1}};
    constexpr Time kMost{std::chrono::sys_days{2100y / 1 / 1}};
    constexpr auto kSynchronise = "timedatectl set-ntp true, or any other NTP client";
    if (host.now < kLeast || host.now >= kMost) {
        return {"host.clock", Judged::wrong,
                fmt::format("it says {}: rules begin and end by it", format_time(host.now)), kSynchronise};
    }
    if (!host.clock_synchronised) {
        return {"host.clock", Judged::hint,
                fmt::format("it says {}, and nothing keeps it right: rules begin and end by it",
                            format_time(host.now)),
                kSynchronise};
    }
    return {"host.clock", Judged::good, "kept right by a time service"};
}

Finding judge_missing_pins(const host::PinDirectory& pins, const std::string& bpf_dir)
{
    if (pins.error == EACCES || pins.error == EPERM) {
        return {"host.bpffs", Judged::unknown, fmt::format("this user may not look into {}", bpf_dir),
                kAsRoot};
    }
    if (!pins.parent_on_bpffs) {
        return {"host.bpffs", Judged::wrong,
                fmt::format("{} is not there, and would not be on a BPF file system", bpf_dir),
                "mount -t bpf bpf /sys/fs/bpf"};
    }
    return {"host.bpffs", Judged::hint, fmt::format("{} is not there: nothing is pinned", bpf_dir),
            "systemctl start meetfenced makes it"};
}

Finding judge_pin_directory(const HostFacts& host, const std::string& bpf_dir)
{
    constexpr unsigned kOthersWrite = 022;
    const auto& pins = host.pins;
    if (pins.error != 0) {
        return judge_missing_pins(pins, bpf_dir);
    }
    if (!pins.on_bpffs) {
        return {"host.bpffs", Judged::wrong, fmt::format("{} is not on a BPF file system", bpf_dir),
                "mount -t bpf bpf /sys/fs/bpf, then restart meetfenced"};
    }
    if ((pins.mode & kOthersWrite) != 0) {
        return {"host.bpffs", Judged::wrong,
                fmt::format("{} can be written by others (mode {:04o}), who could plant a program in it",
                            bpf_dir, pins.mode),
                fmt::format("chmod 0700 {}", bpf_dir)};
    }
    if (host.daemon && host.daemon->uid != pins.uid) {
        return {"host.bpffs", Judged::wrong,
                fmt::format("{} belongs to uid {}, and the daemon runs as uid {}", bpf_dir, pins.uid,
                            host.daemon->uid),
                fmt::format("chown {} {}", host.daemon->uid, bpf_dir)};
    }
    return {"host.bpffs", Judged::good,
            fmt::format("{}, mode {:04o}, of uid {}", bpf_dir, pins.mode, pins.uid)};
}

std::vector<std::string> missing_capabilities(host::Capabilities held)
{
    std::vector<std::string> missing;
    const bool all = (held & host::kSysAdmin) != 0;
    if ((held & host::kNetAdmin) == 0) {
        missing.emplace_back("CAP_NET_ADMIN");
    }
    if ((held & host::kBpf) == 0 && !all) {
        missing.emplace_back("CAP_BPF");
    }
    if ((held & host::kPerfmon) == 0 && !all) {
        missing.emplace_back("CAP_PERFMON");
    }
    return missing;
}

Finding judge_daemon_permissions(const host::ProcessFacts& daemon)
{
    constexpr auto kUnit =
        "run it by its unit: systemctl start meetfenced; what it may do: systemctl cat meetfenced";
    if (!daemon.capabilities) {
        return {"daemon.permissions", Judged::unknown,
                fmt::format("this user may not look at process {}", daemon.pid), kAsRoot};
    }
    const auto held = *daemon.capabilities;
    if (const auto missing = missing_capabilities(held); !missing.empty()) {
        return {"daemon.permissions", Judged::wrong,
                fmt::format("process {} lacks {}", daemon.pid, join(missing, ", ")), kUnit};
    }
    if ((held & ~(host::kNetAdmin | host::kBpf | host::kPerfmon)) != 0) {
        return {"daemon.permissions", Judged::hint,
                fmt::format(
                    "process {} (uid {}) may do more than it needs: CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON "
                    "are enough",
                    daemon.pid, daemon.uid),
                kUnit};
    }
    return {"daemon.permissions", Judged::good,
            fmt::format("process {} (uid {}) has the three capabilities it needs, and no other", daemon.pid,
                        daemon.uid)};
}

constexpr double kTight = 0.9;

Finding judge_memory(const host::ProcessFacts& daemon)
{
    const auto text = fmt::format("the daemon and its maps take {} of the {} that its control group may have",
                                  byte_count(daemon.memory), byte_count(daemon.most_memory));
    const bool tight = static_cast<double>(daemon.memory) > kTight * static_cast<double>(daemon.most_memory);
    return tight ? Finding{"daemon.memory", Judged::hint, text,
                           "systemctl edit meetfenced, and raise MemoryMax=; or lower `limits`"}
                 : Finding{"daemon.memory", Judged::good, text};
}

} // namespace

Findings judge_kernel(const KernelFeatures& features, const HostFacts& host)
{
    if (std::ranges::all_of(features.errors, may_not) && !may_try_everything(host)) {
        return {{"kernel", Judged::unknown, "what it can do is tried, and this user may not", kAsRoot}};
    }
    return {judge(features, host, "kernel.programs",
                  {{Feature::xdp_program, "XDP programs"},
                   {Feature::tc_program, "tc programs"},
                   {Feature::global_function, "global functions (BTF)"},
                   {Feature::boot_clock, "the boot clock in programs"},
                   {Feature::coarse_clock, "the coarse clock in programs"}},
                  "XDP and tc programs load", "the filter does not load"),
            judge_jit(features, host),
            judge(features, host, "kernel.maps",
                  {{Feature::array, "arrays mapped into memory"},
                   {Feature::percpu_array, "arrays for each CPU"},
                   {Feature::hash, "hashes"},
                   {Feature::lru_hash, "LRU hashes"},
                   {Feature::lpm_trie, "tries of prefixes"},
                   {Feature::array_of_maps, "arrays of maps"},
                   {Feature::ring_buffer, "ring buffers"}},
                  "all seven kinds can be made", "the filter does not load"),
            judge_frames(features, host),
            judge(features, host, "kernel.test_run",
                  {{Feature::test_run, "asking a loaded program (BPF_PROG_TEST_RUN)"}},
                  "a loaded program can be asked", "explain and geo lookup do not work"),
            judge(features, host, "kernel.ingress", {{Feature::xdp_link, "XDP links"}},
                  "programs attach to what is received, by XDP links", "nothing can be filtered"),
            judge_egress(features, host)};
}

Findings judge_host(const HostFacts& host, const std::string& bpf_dir)
{
    Findings findings{judge_permissions(host), judge_clock(host), judge_pin_directory(host, bpf_dir)};
    if (host.daemon) {
        findings.push_back(judge_daemon_permissions(*host.daemon));
        if (host.daemon->most_memory != 0) {
            findings.push_back(judge_memory(*host.daemon));
        }
    }
    return findings;
}

} // namespace meetfence::ctl
