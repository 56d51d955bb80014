// SPDX-License-Identifier: Apache-2.0
// The egress program as a clsact filter, among filters and qdiscs that are not ours.
#include "daemon/dataplane/egress_attachment.h"
#include "tests/bpf/egress_world.h"
#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using dataplane::attach_egress;
using dataplane::detach_egress;
using dataplane::EgressHook;

class EgressFilter : public EgressWorld {
protected:
    [[nodiscard]] auto attach(int program_fd) const
    {
        return attach_egress(settings(), program_fd, EgressHook::clsact);
    }
};

TEST_F(EgressFilter, NeverReplacesSomebodyElses)
{
    shell("tc qdisc add dev left clsact");
    put_filter("left", BPF_TC_EGRESS, second.foreign(), pins::kFilterOnOwnQdisc);
    const auto before = filters();
    const auto error = error_of(attach(first.ours()));
    EXPECT_MENTIONS(error, "left");
    EXPECT_MENTIONS(error, "foreign");
    EXPECT_EQ(filters(), before);
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    EXPECT_FALSE(std::filesystem::exists(pins::egress(bpf_dir)));
}

TEST_F(EgressFilter, NamesAFilterThatKeepsItOutOfItsPriority)
{
    shell("tc qdisc add dev left clsact");
    shell("tc filter add dev left egress protocol ip prio 1 bpf bytecode '1,6 0 0 0'");
    const auto before = filters();
    EXPECT_MENTIONS(error_of(attach(first.ours())), "bpf filter with priority 1");
    EXPECT_EQ(filters(), before);
}

// There the kernel would take the filter, and run it for what comes in.
TEST_F(EgressFilter, RefusesAnIngressQdisc)
{
    shell("tc qdisc add dev left ingress");
    EXPECT_MENTIONS(error_of(attach(first.ours())), "ingress qdisc");
    EXPECT_EQ(output_of("tc filter show dev left ingress"), "");
    EXPECT_MENTIONS(qdiscs(), "ingress");
}

TEST_F(EgressFilter, KeepsAQdiscThatItFound)
{
    shell("tc qdisc add dev left clsact");
    ASSERT_TRUE(attach(first.ours()));
    ASSERT_TRUE(attach(second.ours()));
    EXPECT_TRUE(detach_egress(bpf_dir));
    EXPECT_EQ(filters(), "");
    EXPECT_MENTIONS(qdiscs(), "clsact");
}

TEST_F(EgressFilter, KeepsAQdiscThatOthersCameToUse)
{
    ASSERT_TRUE(attach(first.ours()));
    put_filter("left", BPF_TC_INGRESS, second.foreign(), 1);
    EXPECT_TRUE(detach_egress(bpf_dir));
    EXPECT_EQ(filters(), "");
    EXPECT_MENTIONS(output_of("tc filter show dev left ingress"), "foreign");
}

TEST_F(EgressFilter, IsKnownAgainWithoutItsPin)
{
    ASSERT_TRUE(attach(first.ours()));
    std::filesystem::remove_all(pins::egress(bpf_dir));
    ASSERT_TRUE(attach(second.ours()));
    EXPECT_TRUE(wire->passes(kBlocked)); // replaced, not joined
    EXPECT_FALSE(wire->passes(kAlsoBlocked));
    EXPECT_TRUE(detach_egress(bpf_dir));
    expect_nothing_left();
}

} // namespace
} // namespace meetfence::test
