// SPDX-License-Identifier: Apache-2.0
#include "daemon/config/config.h"

#include <bit>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"
#include "tests/unit/daemon/temp_dir.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {
namespace {

using dataplane::AttachMode;

/// A configuration with one interface and the members in `more`.
std::string with(const std::string& more)
{
    return R"({"interfaces": [{"name": "eth0"}])" + (more.empty() ? "" : ", " + more) + "}";
}

TEST(Config, TakesMoreOverridesThanOtherObjectsMayHaveKeys)
{
    std::string overrides;
    for (int i = 0; i < 2000; ++i) {
        overrides += std::string(i == 0 ? "" : ", ") + "\"198.18." + std::to_string(i / 256) + "." +
                     std::to_string(i % 256) + "\": \"CN\"";
    }
    EXPECT_EQ(value_of(parse_config(with(R"("geo": {"overrides": {)" + overrides + "}}"))).overrides.size(),
              2000U);
}

TEST(Config, HasAWorkingDefaultForEverythingButTheInterfaces)
{
    const auto config = value_of(parse_config(with("")));
    ASSERT_EQ(config.interfaces.size(), 1U);
    EXPECT_EQ(config.interfaces[0].name, "eth0");
    EXPECT_EQ(config.interfaces[0].mode, AttachMode::native);
    EXPECT_EQ(config.databases, (std::vector<std::string>{"/var/lib/meetfence/country.mmdb"}));
    EXPECT_EQ(config.agreement, geo::Agreement::all);
    EXPECT_TRUE(config.overrides.empty());
    EXPECT_TRUE(config.exempt.empty());
    EXPECT_EQ(config.socket, "/run/meetfence/control.sock");
    EXPECT_EQ(config.operators, "meetfence");
    EXPECT_EQ(config.viewers, "meetfence-view");
    EXPECT_EQ(config.metrics_listen, value_of(SocketAddress::parse("127.0.0.1:9435")));
    EXPECT_EQ(config.approvals, 1U);
    EXPECT_FALSE(config.named_meetings);
    EXPECT_EQ(config.max_duration, std::chrono::hours(24 * 30));
    EXPECT_EQ(config.max_meetings, 65536U);
    EXPECT_EQ(config.max_participants, 1048576U);
    EXPECT_EQ(config.max_flows, 1048576U);
    EXPECT_EQ(config.flow_idle, std::chrono::seconds(60));
    EXPECT_EQ(config.state_dir, "/var/lib/meetfence");
    EXPECT_EQ(config.bpf_dir, "/sys/fs/bpf/meetfence");
}

TEST(Config, TakesEveryKey)
{
    const auto config = value_of(parse_config(R"({
        "interfaces": [{"name": "eth0", "mode": "native"}, {"name": "eth1.100", "mode": "generic"},
                       {"name": "a23456789012345", "mode": "auto", "required": false},
                       {"name": "eth2", "mode": "dispatcher"}],
        "geo": {"databases": ["/a.mmdb", "/b.mmdb"], "agreement": "first",
                "overrides": {"203.0.113.0/24": "CN", "2001:db8:c::/48": "HK", "192.0.2.1": "US"}},
        "exempt": ["198.51.100.7/32", "2001:db8::/32", "198.51.100.7"],
        "control": {"socket": "/tmp/c.sock", "operators": "ops", "viewers": "lookers"},
        "metrics": {"listen": "127.0.0.1:9999"},
        "policy": {"approvals": 3, "max_duration": "12h", "named_meetings": true},
        "limits": {"meetings": 10, "participants": 20, "flows": 30, "flow_idle": "90s"},
        "state_dir": "/tmp/state",
        "bpf_dir": "/sys/fs/bpf/x"})"));
    ASSERT_EQ(config.interfaces.size(), 4U);
    EXPECT_EQ(config.interfaces[1].mode, AttachMode::generic);
    EXPECT_EQ(config.interfaces[2].mode, AttachMode::automatic);
    EXPECT_TRUE(config.interfaces[1].required);
    EXPECT_FALSE(config.interfaces[2].required);
    EXPECT_EQ(config.interfaces[3].mode, AttachMode::dispatcher);
    EXPECT_EQ(config.databases, (std::vector<std::string>{"/a.mmdb", "/b.mmdb"}));
    EXPECT_EQ(config.agreement, geo::Agreement::first);
    ASSERT_EQ(config.overrides.size(), 3U);
    EXPECT_EQ(config.overrides[0].prefix, prefix("203.0.113.0/24"));
    EXPECT_EQ(config.overrides[0].country, country("CN"));
    EXPECT_EQ(config.overrides[2].prefix, prefix("192.0.2.1/32"));
    EXPECT_EQ(config.exempt.size(), 2U) << "one prefix stands twice";
    EXPECT_EQ(config.socket, "/tmp/c.sock");
    EXPECT_EQ(config.operators, "ops");
    EXPECT_EQ(config.viewers, "lookers");
    EXPECT_EQ(config.metrics_listen, value_of(SocketAddress::parse("127.0.0.1:9999")));
    EXPECT_EQ(config.approvals, 3U);
    EXPECT_TRUE(config.named_meetings);
    EXPECT_EQ(config.max_duration, std::chrono::hours(12));
    EXPECT_EQ(config.max_meetings, 10U);
    EXPECT_EQ(config.max_participants, 20U);
    EXPECT_EQ(config.max_flows, 30U);
    EXPECT_EQ(config.state_dir, "/tmp/state");
    EXPECT_EQ(config.bpf_dir, "/sys/fs/bpf/x");

    const auto settings = config.dataplane_settings();
    EXPECT_EQ(settings.bpf_dir, config.bpf_dir);
    EXPECT_EQ(settings.interfaces.size(), 4U);
    EXPECT_EQ(config.flow_idle, std::chrono::seconds(90));
    EXPECT_EQ(settings.flow_idle, config.flow_idle);
    EXPECT_GE(settings.capacities.meetings, 21U) << "a meeting has two elements";
    EXPECT_GE(settings.capacities.participants, 21U);
    EXPECT_GE(settings.capacities.ufrags, 40U);
    EXPECT_GE(settings.capacities.flow_slots, 60U);
    EXPECT_TRUE(std::has_single_bit(settings.capacities.flow_slots));
    EXPECT_GE(settings.capacities.endpoints, 41U);
}

struct Wrong {
    std::string text;
    std::vector<const char*> says;
};

void expect_refused(const std::vector<Wrong>& cases)
{
    for (const auto& [text, says] : cases) {
        const auto config = parse_config(text);
        ASSERT_FALSE(config) << text;
        EXPECT_EQ(config.error().code, ErrorCode::invalid) << text;
        for (const auto* word : says) {
            EXPECT_MENTIONS(config.error().message, word) << "in " << text;
        }
    }
}

TEST(Config, NamesAnUnknownKeyAndTheNearestKnownOneAtEveryLevel)
{
    expect_refused({
        {R"({"interface": []})", {"'interface'", "interfaces?"}},
        {with(R"("statedir": "/x")"), {"'statedir'", "state_dir?"}},
        {R"({"interfaces": [{"nmae": "eth0"}]})", {"'interfaces[0].nmae'", "name?"}},
        {R"({"interfaces": [{"name": "a"}, {"name": "b", "mod": 1}]})", {"'interfaces[1].mod'", "mode?"}},
        {with(R"("geo": {"database": []})"), {"'geo.database'", "databases?"}},
        {with(R"("control": {"sokcet": "/x"})"), {"'control.sokcet'", "socket?"}},
        {with(R"("metrics": {"listn": "x"})"), {"'metrics.listn'", "listen?"}},
        {with(R"("policy": {"max-duration": "1d"})"), {"'policy.max-duration'", "max_duration?"}},
        {with(R"("limits": {"meeting": 5})"), {"'limits.meeting'", "meetings?"}},
        {with(R"("limits": {"Flows": 5})"), {"'limits.Flows'", "flows?"}},
        {with(R"("zzzzzzzzzzzz": 1)"), {"'zzzzzzzzzzzz'"}},
    });
}

TEST(Config, IsAnObjectWithMembersOfTheRightTypes)
{
    expect_refused({
        {"", {"not valid JSON"}},
        {"{", {"not valid JSON"}},
        {"[]", {"object"}},
        {"null", {"object"}},
        {"\xff\xfe", {"not valid JSON"}},
        {with("") + "x", {"not valid JSON"}},
        {R"({"interfaces": {"name": "eth0"}})", {"'interfaces'"}},
        {R"({"interfaces": ["eth0"]})", {"'interfaces[0]'", "object"}},
        {R"({"interfaces": [{"name": 5}]})", {"'interfaces[0].name'", "string"}},
        {R"({"interfaces": [{"name": "eth0", "mode": true}]})", {"'interfaces[0].mode'", "string"}},
        {R"({"interfaces": [{"name": "eth0", "required": "no"}]})", {"'interfaces[0].required'"}},
        {with(R"("geo": [])"), {"'geo'", "object"}},
        {with(R"("geo": {"databases": "/x"})"), {"'geo.databases'", "list of strings"}},
        {with(R"("geo": {"databases": [1]})"), {"'geo.databases'", "list of strings"}},
        {with(R"("geo": {"agreement": "most"})"), {"'geo.agreement'", "all or first", "most"}},
        {with(R"("geo": {"overrides": ["203.0.113.0/24"]})"), {"'geo.overrides'", "object"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/24": 1}})"), {"203.0.113.0/24", "country code"}},
        {with(R"("exempt": "198.51.100.7")"), {"'exempt'", "list of strings"}},
        {with(R"("control": "x")"), {"'control'", "object"}},
        {with(R"("control": {"socket": 1})"), {"'control.socket'", "string"}},
        {with(R"("metrics": {"listen": 9435})"), {"'metrics.listen'", "string"}},
        {with(R"("policy": {"approvals": "1"})"), {"'policy.approvals'", "whole number"}},
        {with(R"("policy": {"named_meetings": "yes"})"), {"'policy.named_meetings'", "true or false"}},
        {with(R"("policy": {"named_meeting": true})"), {"named_meetings?"}},
        {with(R"("policy": {"approvals": -1})"), {"'policy.approvals'", "whole number"}},
        {with(R"("policy": {"approvals": 1.5})"), {"'policy.approvals'", "whole number"}},
        {with(R"("policy": {"max_duration": 30})"), {"'policy.max_duration'", "string"}},
        {with(R"("state_dir": ["/x"])"), {"'state_dir'", "string"}},
    });
}

TEST(Config, ServesMetricsWhereItIsToldOrNowhere)
{
    const auto listen = [](const std::string& text) {
        return value_of(parse_config(with(R"("metrics": {"listen": ")" + text + R"("})"))).metrics_listen;
    };
    for (const auto* address : {"[::1]:9435", "0.0.0.0:1", "[::]:65535", "192.0.2.7:9435"}) {
        EXPECT_EQ(listen(address), value_of(SocketAddress::parse(address))) << address;
    }
    for (const auto* off : {"", "off"}) {
        EXPECT_EQ(listen(off), std::nullopt) << off;
    }
    for (const auto* bad :
         {"localhost:9435", ":9435", "*:9435", "9435", "127.0.0.1", "127.0.0.1:0", "::1:9435",
          "127.0.0.1:65536", "OFF", "no", "http://127.0.0.1:9435", "127.0.0.1:9435 "}) {
        expect_refused({{with(R"("metrics": {"listen": ")" + std::string(bad) + R"("})"),
                         {"'metrics.listen'", "127.0.0.1:9435", "[::1]:9435", "off", bad}}});
    }
}

TEST(Config, NamesNoKeyTwice)
{
    expect_refused({
        {R"({"interfaces": [{"name": "a"}], "interfaces": [{"name": "b"}]})", {"'interfaces'", "twice"}},
        {R"({"interfaces": [{"name": "a", "name": "b"}]})", {"'name'", "twice"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/24": "CN", "203.0.113.0/24": "HK"}})"),
         {"'203.0.113.0/24'", "twice"}},
    });
}

TEST(Config, NeedsAnInterfaceAndNamesEachOnce)
{
    expect_refused({
        {"{}", {"'interfaces'", "at least one"}},
        {R"({"interfaces": []})", {"'interfaces'", "at least one"}},
        {R"({"interfaces": null})", {"'interfaces'", "at least one"}},
        {R"({"interfaces": [{}]})", {"'interfaces[0].name'"}},
        {R"({"interfaces": [{"name": ""}]})", {"'interfaces[0].name'"}},
        {R"({"interfaces": [{"name": "a234567890123456"}]})", {"'interfaces[0].name'", "15"}},
        {R"({"interfaces": [{"name": "a"}, {"name": "b"}, {"name": "a", "mode": "auto"}]})", {"a twice"}},
        {R"({"interfaces": [{"name": "a", "mode": "fast"}]})",
         {"native, generic, auto or dispatcher", "fast"}},
    });
}

TEST(Config, HasNumbersWithinTheirBounds)
{
    for (const auto* good :
         {R"("policy": {"approvals": 0})", R"("policy": {"approvals": 3})", R"("limits": {"meetings": 1})",
          R"("limits": {"meetings": 1048576})", R"("limits": {"flows": 16777216})",
          R"("limits": {"flow_idle": "30s"})", R"("limits": {"flow_idle": "1h"})",
          R"("limits": {"participants": 8388608, "flows": 1})"}) {
        EXPECT_TRUE(parse_config(with(good))) << good;
    }
    expect_refused({
        {with(R"("policy": {"approvals": 4})"), {"'policy.approvals'", "0 to 3", "4"}},
        {with(R"("limits": {"meetings": 0})"), {"'limits.meetings'", "1 to"}},
        {with(R"("limits": {"meetings": 1048577})"), {"'limits.meetings'"}},
        {with(R"("limits": {"participants": 8388609})"), {"'limits.participants'"}},
        {with(R"("limits": {"flows": 16777217})"), {"'limits.flows'"}},
        {with(R"("limits": {"flow_idle": "29s"})"), {"'limits.flow_idle'", "30s", "1h"}},
        {with(R"("limits": {"flow_idle": "3601s"})"), {"'limits.flow_idle'", "30s", "1h"}},
        {with(R"("limits": {"flow_idle": "0s"})"), {"'limits.flow_idle'"}},
        {with(R"("limits": {"flow_idle": "soon"})"), {"'limits.flow_idle'"}},
        {with(R"("limits": {"flow_idle": 60})"), {"'limits.flow_idle'"}},
        {with(R"("limits": {"flows": 18446744073709551615})"), {"'limits.flows'"}},
        {with(R"("limits": {"flows": 18446744073709551616})"), {"'limits.flows'"}},
        {with(R"("policy": {"max_duration": "0s"})"), {"'policy.max_duration'"}},
        {with(R"("policy": {"max_duration": "11000d"})"), {"'policy.max_duration'", "ten years"}},
        {with(R"("policy": {"max_duration": "30 days"})"), {"'policy.max_duration'"}},
    });
}

TEST(Config, HasAbsolutePaths)
{
    expect_refused({
        {with(R"("state_dir": "state")"), {"'state_dir'", "absolute", "state"}},
        {with(R"("state_dir": "")"), {"'state_dir'", "absolute"}},
        {with(R"("bpf_dir": "./bpf")"), {"'bpf_dir'", "absolute"}},
        {with(R"("control": {"socket": "c.sock"})"), {"'control.socket'", "absolute"}},
        {with(R"("geo": {"databases": ["/a.mmdb", "b.mmdb"]})"), {"'geo.databases'", "absolute", "b.mmdb"}},
    });
}

TEST(Config, HasASocketWhosePathFitsIntoAnAddress)
{
    const auto of_size = [](std::size_t size) {
        return parse_config(with(R"("control": {"socket": "/)" + std::string(size - 1, 'x') + R"("})"));
    };
    EXPECT_TRUE(of_size(107));
    const auto longer = of_size(108);
    ASSERT_FALSE(longer);
    EXPECT_MENTIONS(longer.error().message, "'control.socket'");
    EXPECT_MENTIONS(longer.error().message, "107");
}

TEST(Config, SaysWhatIsWrongWithAnOverrideOrAnExemption)
{
    expect_refused({
        {with(R"("geo": {"overrides": {"203.0.113.1/24": "CN"}})"), {"203.0.113.1/24", "203.0.113.0/24"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/33": "CN"}})"), {"203.0.113.0/33"}},
        {with(R"("geo": {"overrides": {"example.org": "CN"}})"), {"example.org"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/24": "China"}})"), {"203.0.113.0/24", "CN", "HK"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/24": "cn"}})"), {"CN"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/24": "EU"}})"), {"EU", "no single country"}},
        {with(R"("geo": {"overrides": {"203.0.113.0/24": "--"}})"), {"--"}},
        {with(R"("exempt": ["198.51.100.7/31"])"), {"'exempt'", "198.51.100.6/31"}},
        {with(R"("exempt": ["relay"])"), {"'exempt'", "relay"}},
    });
}

TEST(Config, AllowsNoDatabaseAtAll)
{
    EXPECT_TRUE(value_of(parse_config(with(R"("geo": {"databases": []})"))).databases.empty());
}

TEST(ConfigFile, IsNamedInEveryError)
{
    const TempDir directory;
    const auto path = directory.path("meetfence.json");
    const auto missing = read_config(path);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_MENTIONS(missing.error().message, path);
    EXPECT_MENTIONS(missing.error().message, "No such file");

    write_file(path, R"({"interfces": []})");
    const auto wrong = read_config(path);
    ASSERT_FALSE(wrong);
    EXPECT_MENTIONS(wrong.error().message, path);
    EXPECT_MENTIONS(wrong.error().message, "interfaces?");
    EXPECT_FALSE(read_config(directory.path()));

    write_file(path, with(""));
    EXPECT_TRUE(read_config(path));
}

} // namespace
} // namespace meetfence::test
