// SPDX-License-Identifier: Apache-2.0
// Orders, and what the audit log and the report need to remember.
#include <algorithm>
#include <sys/mount.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/store/store_fixture.h"

namespace meetfence::test {
namespace {

using store::KeptOut;

class StoreOrders : public StoreTest {
protected:
    static Order order(const std::string& id)
    {
        const auto now = at("2026-11-22T12:00:00Z");
        Order result{.terms = {}, .recorded = {{1000, "alice"}, now}, .approvals_needed = 2};
        result.terms.id = id;
        result.terms.authority = "国家 \"Office\" <b>'; DROP TABLE orders;--";
        result.terms.jurisdiction = country("CN");
        result.terms.legal_basis = "Act 7";
        result.terms.received = now;
        result.terms.meetings = {"A", "B"};
        result.terms.from = now;
        result.terms.expires = now + std::chrono::hours(200);
        result.approvals = {{{1001, "bob"}, now}};
        return result;
    }
    static audit::Head head(std::uint64_t sequence)
    {
        return {sequence, std::string(64, static_cast<char>('a' + sequence % 6))};
    }
};

TEST_F(StoreOrders, AreNotThereAtFirst)
{
    const auto found = contents();
    EXPECT_TRUE(found.orders.empty());
    EXPECT_TRUE(found.kept_out.empty());
    EXPECT_TRUE(found.closed.empty());
    EXPECT_EQ(found.audit_head, audit::Head{});
}

TEST_F(StoreOrders, ComeBackAsTheyWereAndAreReplacedByName)
{
    auto first = order("O-1");
    const auto second = order("O-2 'quoted'/%");
    ASSERT_TRUE(open().write({.put_orders = {second, first}}, head(1)));
    auto found = contents().orders;
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0] == first);
    EXPECT_TRUE(found[1] == second);

    first.decided = OrderState::approved;
    first.approvals.push_back({{0, "root"}, at("2026-11-22T13:00:00Z")});
    first.extension = Extension{*first.terms.expires + std::chrono::hours(1), {}, "why", first.recorded, {}};
    first.review_told = true;
    ASSERT_TRUE(open().write({.put_orders = {first}}, head(2)));
    found = contents().orders;
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0] == first);
}

// The system's user database is not ours: a name in it can be any bytes.
TEST_F(StoreOrders, AreKeptThoughSomebodysNameIsNoText)
{
    auto one = order("O-1");
    one.recorded.by.user = "m\xfcller";
    ASSERT_TRUE(open().write({.put_orders = {one}}, head(1)));
    const auto found = contents().orders;
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].recorded.by.uid, 1000U);
    EXPECT_TRUE(found[0].recorded.by.user.starts_with("m"));
    EXPECT_TRUE(found[0].terms == one.terms);
}

TEST_F(StoreOrders, HaveRulesThatWaitAndRulesThatWereSuspended)
{
    auto waiting = rule(1, "A");
    waiting.order = "O-1";
    waiting.pending = true;
    auto person = rule(2, "A");
    person.order = "O-1";
    person.whom = Whom::participant;
    person.participant = "p-7";
    person.countries = countries({"CN"});
    ASSERT_TRUE(open().write({.put_rules = {waiting, person}}, {}));
    auto found = contents().rules;
    ASSERT_EQ(found.size(), 2U);
    expect_same(found[0], waiting);
    expect_same(found[1], person);
    waiting.pending = false;
    waiting.from += std::chrono::hours(1);
    person.withdrawn = person.from;
    person.suspended = true;
    person.why = "a drop was outside its scope";
    ASSERT_TRUE(open().write({.put_rules = {waiting, person}}, {}));
    found = contents().rules;
    expect_same(found[0], waiting);
    expect_same(found[1], person);
}

TEST_F(StoreOrders, KnowHowFarTheAuditLogWas)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A")}}, head(17)));
    EXPECT_EQ(contents().audit_head, head(17));
    ASSERT_TRUE(database.write_head(head(18)));
    EXPECT_EQ(contents().audit_head, head(18));
    ASSERT_TRUE(database.write({}, head((1ULL << 62) + 1)));
    EXPECT_EQ(contents().audit_head, head((1ULL << 62) + 1));
}

TEST_F(StoreOrders, KnowWhomEachRuleHasKeptOutUntilItIsClosed)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_rules = {rule(1, "A"), rule(2, "A")}}, {}));
    ASSERT_TRUE(database.write_kept_out({{1, {5, ~0ULL}}, {2, {5}}}));
    ASSERT_TRUE(database.write_kept_out({{1, {5, 6}}})); // adds, and says nothing twice
    EXPECT_EQ(contents().kept_out, (KeptOut{{1, {5, 6, ~0ULL}}, {2, {5}}}));
    ASSERT_TRUE(database.write_kept_out({}));
    ASSERT_TRUE(database.write_final_counts(
        {{1, {{country("CN"), {1}, {2}}}}, {2, {{country("CN"), {3}, {}}}}}, {1}));
    auto found = contents();
    EXPECT_EQ(found.kept_out, (KeptOut{{2, {5}}}));
    EXPECT_EQ(found.closed, std::set<std::uint64_t>{1});
    EXPECT_EQ(found.final_counts.size(), 2U);
    // A later change of the rule does not open it again.
    ASSERT_TRUE(database.write({.put_rules = {rule(1, "A")}}, {}));
    ASSERT_TRUE(database.write_final_counts({}, {2}));
    found = contents();
    EXPECT_EQ(found.closed, (std::set<std::uint64_t>{1, 2}));
    EXPECT_TRUE(found.kept_out.empty());
}

TEST_F(StoreOrders, AreWrittenWithAllThatBelongsToThemOrNotAtAll)
{
    auto database = open();
    ASSERT_TRUE(database.write({.put_meetings = {stored(1, "A")}, .put_orders = {order("O-1")}}, head(3)));
    auto changed = order("O-1");
    changed.decided = OrderState::approved;
    // The meeting takes an identifier that another number has.
    EXPECT_FALSE(database.write({.put_meetings = {stored(2, "A")},
                                 .put_rules = {rule(1, "A")},
                                 .put_orders = {changed, order("O-2")}},
                                head(4)));
    for (const auto& found : {value_of(database.load()), contents()}) {
        ASSERT_EQ(found.orders.size(), 1U);
        EXPECT_EQ(found.orders[0].decided, OrderState::recorded);
        EXPECT_TRUE(found.rules.empty());
        EXPECT_EQ(found.audit_head, head(3)) << "it was not told either";
    }
}

TEST_F(StoreOrders, ThatCannotBeReadAreToldOf)
{
    for (const auto* damage : {"UPDATE orders SET record = '{'", "UPDATE orders SET record = '[]'",
                               "UPDATE orders SET record = replace(record, 'recorded\"', 'forgotten\"')",
                               "UPDATE orders SET record = replace(record, '\"CN\"', '\"EU\"')",
                               "UPDATE orders SET record = replace(record, '2026-11-22T', '10000-11-22T')"}) {
        std::filesystem::remove(path);
        ASSERT_TRUE(open().write({.put_orders = {order("O-1")}}, {}));
        ASSERT_TRUE(open().load());
        execute(damage);
        EXPECT_FALSE(open().load()) << damage;
    }
}

// A file system of its own, so small that it is full soon. Needs root; CI has it.
class OrdersOnAFullDisk : public StoreOrders {
protected:
    void SetUp() override
    {
        mounted_ = mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=256k") == 0;
        ASSERT_TRUE(mounted_) << "mounting a small tmpfs needs root";
    }
    void TearDown() override
    {
        if (mounted_) {
            umount2(directory.path().c_str(), MNT_DETACH);
        }
    }

private:
    bool mounted_ = false;
};

TEST_F(OrdersOnAFullDisk, AreWrittenWithAllThatBelongsToThemOrNotAtAll)
{
    auto database = open();
    std::uint64_t last = 0;
    Result<> written;
    const auto write = [&](std::uint64_t number) {
        auto under = rule(number, "A");
        under.order = "O-" + std::to_string(number);
        auto one = order(under.order);
        one.terms.requested = std::string(2000, 'x');
        return database.write({.put_rules = {under}, .put_orders = {one}}, head(number));
    };
    while (last < 10000 && (written = write(last + 1))) {
        ++last;
    }
    ASSERT_FALSE(written) << "the disk was never full";
    EXPECT_EQ(written.error().code, ErrorCode::exhausted) << written.error().message;
    EXPECT_MENTIONS(written.error().message, "filtering goes on");
    const auto check = [&](const store::Contents& found) {
        EXPECT_EQ(found.orders.size(), last);
        EXPECT_EQ(found.rules.size(), last);
        EXPECT_EQ(found.audit_head, head(last));
    };
    check(value_of(database.load()));
    // With room again it goes on.
    ASSERT_EQ(mount("tmpfs", directory.path().c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
    const auto again = write(++last);
    EXPECT_TRUE(again) << error_of(again);
    check(value_of(database.load()));
}

} // namespace
} // namespace meetfence::test
