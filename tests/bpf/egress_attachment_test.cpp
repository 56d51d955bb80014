// SPDX-License-Identifier: Apache-2.0
// The attachment of the egress program, by either hook, looked at from outside: what arrives, and
// what is left in the kernel.
#include "daemon/dataplane/egress_attachment.h"

#include <atomic>
#include <cstdarg>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <thread>

#include "daemon/dataplane/data_plane.h"
#include "pins/pinned_status.h"
#include "tests/bpf/egress_world.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using dataplane::attach_egress;
using dataplane::detach_egress;
using dataplane::EgressHook;

class Egress : public EgressWorld, public testing::WithParamInterface<EgressHook> {
protected:
    void SetUp() override
    {
        if (GetParam() == EgressHook::tcx && !link_by_tcx("left", first.ours())) {
            GTEST_SKIP() << "this kernel has no tcx";
        }
    }
    void attach(int program_fd, const std::vector<std::string>& interfaces = {"left"}) const
    {
        const auto attached = attach_egress(settings(interfaces), program_fd, GetParam());
        ASSERT_TRUE(attached) << error_of(attached);
    }
    [[nodiscard]] bool has_program(const std::string& interface = "left") const
    {
        return GetParam() == EgressHook::tcx ? tcx_programs(interface) == 1 : !filters(interface).empty();
    }
};
INSTANTIATE_TEST_SUITE_P(By, Egress, testing::Values(EgressHook::tcx, EgressHook::clsact),
                         [](const auto& each) { return each.param == EgressHook::tcx ? "tcx" : "clsact"; });

TEST_P(Egress, DropsUntilDetached)
{
    EXPECT_TRUE(wire->passes(kBlocked));
    attach(first.ours());
    EXPECT_TRUE(has_program());
    EXPECT_FALSE(wire->passes(kBlocked));
    EXPECT_TRUE(wire->passes(kFree));
    EXPECT_TRUE(detach_egress(bpf_dir));
    EXPECT_TRUE(wire->passes(kBlocked));
    expect_nothing_left();
    EXPECT_FALSE(std::filesystem::exists(pins::egress(bpf_dir)));
}

TEST_P(Egress, AdoptsWhatAnEarlierDaemonPinned)
{
    {
        const Programs of_earlier_daemon(kBlocked);
        attach(of_earlier_daemon.ours());
    }
    EXPECT_FALSE(wire->passes(kBlocked)); // it holds without a daemon
    attach(second.ours());
    EXPECT_TRUE(wire->passes(kBlocked));
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    EXPECT_TRUE(detach_egress(bpf_dir));
    expect_nothing_left();
}

TEST_P(Egress, IsReplacedWithoutAGap)
{
    const Programs other(kBlocked);
    attach(first.ours());
    std::atomic<unsigned> sent = 0;
    std::jthread sender([this, &sent](const std::stop_token& stop) {
        for (; !stop.stop_requested(); ++sent) {
            wire->send(kBlocked);
        }
    });
    for (int i = 0; i < 200; ++i) {
        const auto before = sent.load();
        attach(i % 2 == 0 ? other.ours() : first.ours());
        while (sent.load() == before) {
            std::this_thread::yield();
        }
    }
    sender.request_stop();
    sender.join();
    EXPECT_EQ(wire->arrived(kBlocked), 0U);
}

TEST_P(Egress, FollowsAnInterfaceThatWasMadeAnew)
{
    attach(first.ours());
    shell("ip link delete left");
    wire.emplace("left", "right");
    EXPECT_TRUE(wire->passes(kBlocked));
    attach(first.ours());
    EXPECT_FALSE(wire->passes(kBlocked));
    shell("ip link delete left");
    wire.emplace("left", "right");
    EXPECT_TRUE(detach_egress(bpf_dir));
    expect_nothing_left();
}

TEST_P(Egress, LeavesAnInterfaceThatLeftTheConfiguration)
{
    const Wire vlan("left.7", "right.7");
    attach(first.ours(), {"left", "left.7"});
    EXPECT_FALSE(vlan.passes(kBlocked));
    const auto attached = attach_egress(settings(), first.ours(), GetParam());
    ASSERT_TRUE(attached) << error_of(attached);
    ASSERT_EQ(attached->warnings.size(), 1U);
    EXPECT_MENTIONS(attached->warnings[0], "left.7");
    EXPECT_TRUE(vlan.passes(kBlocked));
    expect_nothing_left("left.7");
    EXPECT_FALSE(wire->passes(kBlocked));
}

TEST_P(Egress, LeavesAllAsTheyWereWhereOneFails)
{
    const auto failed = attach_egress(settings({"left", "missing"}), first.ours(), GetParam());
    EXPECT_MENTIONS(error_of(failed), "missing");
    expect_nothing_left();
    EXPECT_FALSE(std::filesystem::exists(pins::egress(bpf_dir)));

    attach(first.ours());
    EXPECT_FALSE(attach_egress(settings({"left", "missing"}), first.ours(), GetParam()));
    EXPECT_FALSE(wire->passes(kBlocked));
}

TEST_P(Egress, LetsOtherPeoplesProgramsRun)
{
    const Programs others(kAlsoBlocked), late(kBlockedToo);
    shell("tc qdisc add dev left clsact");
    put_filter("left", BPF_TC_EGRESS, others.foreign(), 1);
    attach(first.ours());
    put_filter("left", BPF_TC_EGRESS, late.foreign(), 2);
    for (const auto blocked : {kBlocked, kAlsoBlocked, kBlockedToo}) {
        EXPECT_FALSE(wire->passes(blocked)) << blocked;
    }
    EXPECT_TRUE(wire->passes(kFree));
    EXPECT_TRUE(detach_egress(bpf_dir));
    EXPECT_TRUE(wire->passes(kBlocked));
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    EXPECT_FALSE(wire->passes(kBlockedToo));
}

TEST_P(Egress, RunsBeforeThoseThatWereThere)
{
    const auto accepting =
        GetParam() == EgressHook::tcx ? link_by_tcx("left", first.foreign_accept()) : UniqueFd();
    shell("tc qdisc add dev left clsact");
    put_filter("left", BPF_TC_EGRESS, first.foreign_accept(), 1);
    attach(first.ours());
    EXPECT_FALSE(wire->passes(kBlocked));
    EXPECT_TRUE(wire->passes(kFree));
}

TEST_P(Egress, NeedsTwoCapabilitiesOnly)
{
    const auto with_two = [this](const auto& work) {
        std::thread([&work] {
            __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
            const std::array<__user_cap_data_struct, 2> data{
                {{1U << CAP_NET_ADMIN, 1U << CAP_NET_ADMIN, 0},
                 {1U << (CAP_BPF - 32), 1U << (CAP_BPF - 32), 0}}};
            ASSERT_EQ(syscall(SYS_capset, &header, data.data()), 0);
            work();
        }).join();
    };
    with_two([this] { attach(first.ours()); });
    EXPECT_FALSE(wire->passes(kBlocked));
    with_two([this] { attach(second.ours()); });
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    with_two([this] { EXPECT_TRUE(detach_egress(bpf_dir)); });
    expect_nothing_left();
}

unsigned libbpf_warnings = 0;

int count_warnings(libbpf_print_level level, const char*, va_list)
{
    libbpf_warnings += level == LIBBPF_WARN ? 1 : 0;
    return 0;
}

TEST_P(Egress, StandsInTheStatus)
{
    auto plane = dataplane::DataPlane::open(settings());
    ASSERT_TRUE(plane) << error_of(plane);
    ASSERT_TRUE(plane->go(settings()));
    EXPECT_TRUE(detach_egress(bpf_dir)); // by which hook is for the test to say
    const auto egress = [this] {
        const auto status = read_pinned_status(bpf_dir).value();
        const auto json = to_json(status, "1", true).at("interfaces").at(0);
        EXPECT_EQ(json.at("egress"), status.interfaces.at(0).egress);
        return status.interfaces.at(0).egress;
    };
    const auto before = libbpf_set_print(count_warnings);
    attach(first.ours());
    EXPECT_TRUE(egress());
    attach(second.ours());
    EXPECT_TRUE(egress());
    EXPECT_TRUE(detach_egress(bpf_dir));
    EXPECT_FALSE(egress());
    attach(first.ours());
    shell("ip link delete left");
    EXPECT_FALSE(egress());
    wire.emplace("left", "right");
    EXPECT_FALSE(egress());
    attach(first.ours());
    EXPECT_TRUE(egress());
    if (GetParam() == EgressHook::clsact) {
        shell("tc qdisc delete dev left clsact");
        EXPECT_FALSE(egress());
    }
    EXPECT_EQ(libbpf_warnings, 0U); // the control tool asks, too: its words would stand on a terminal
    libbpf_set_print(before);
    EXPECT_TRUE(dataplane::remove_from_kernel(bpf_dir));
}

using EgressChoice = EgressWorld;

TEST_F(EgressChoice, IsTcxWhereThereIsOneElseClsact)
{
    const bool has_tcx = static_cast<bool>(link_by_tcx("left", first.ours()));
    ASSERT_TRUE(attach_egress(settings(), first.ours()));
    EXPECT_EQ(tcx_programs(), has_tcx ? 1U : 0U);
    EXPECT_EQ(filters().empty(), has_tcx);
    EXPECT_FALSE(wire->passes(kBlocked));
}

TEST_F(EgressChoice, RunsBesideOtherPeoplesTcx)
{
    const Programs late(kBlockedToo);
    const auto other = link_by_tcx("left", second.foreign());
    if (!other) {
        GTEST_SKIP() << "this kernel has no tcx";
    }
    ASSERT_TRUE(attach_egress(settings(), first.ours()));
    const auto later = link_by_tcx("left", late.foreign());
    EXPECT_FALSE(wire->passes(kBlocked));
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    EXPECT_FALSE(wire->passes(kBlockedToo));
    EXPECT_TRUE(wire->passes(kFree));
    EXPECT_TRUE(detach_egress(bpf_dir));
    EXPECT_TRUE(wire->passes(kBlocked));
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    EXPECT_EQ(tcx_programs(), 2U);
}

} // namespace
} // namespace meetfence::test
