// SPDX-License-Identifier: Apache-2.0
#include "bridges/settings.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace meetfence::bridges {
namespace {

class SettingsTest : public testing::Test {
protected:
    ~SettingsTest() override { std::filesystem::remove(path); }

    Result<Settings> read(const std::string& text, std::string_view name = "sdp")
    {
        std::ofstream(path) << text;
        return read_settings(*std::ranges::find(kinds(), name, &Kind::name), path);
    }
    // What is wrong with it.
    std::string wrong(const std::string& text, std::string_view name = "sdp")
    {
        const auto settings = read(text, name);
        return settings ? "" : settings.error().message;
    }

    std::string path =
        std::filesystem::temp_directory_path() / ("meetfence-settings-" + std::to_string(getpid()));
};

TEST_F(SettingsTest, HaveDefaultsForEveryKind)
{
    std::set<std::uint16_t> ports;
    for (const auto& kind : kinds()) {
        const auto settings = read("{}", kind.name);
        ASSERT_TRUE(settings) << kind.name << settings.error().message;
        EXPECT_EQ(settings->daemon.socket, "/run/meetfence/control.sock");
        EXPECT_EQ(settings->daemon.prefix, std::string(kind.name) + "-");
        EXPECT_TRUE(settings->daemon.register_meetings);
        EXPECT_EQ(settings->listen.address.text(), "127.0.0.1");
        EXPECT_TRUE(ports.insert(settings->listen.port).second) << "two kinds may run on one host";
    }
}

TEST_F(SettingsTest, NameTheKeyThatNobodyKnows)
{
    const auto message = wrong(R"({"sockt": "/x"})");
    EXPECT_NE(message.find("sockt"), std::string::npos);
    EXPECT_NE(message.find("socket"), std::string::npos) << message;
    EXPECT_NE(message.find(path), std::string::npos);
    EXPECT_NE(wrong(R"({"admin": {}})"), "") << "another kind's key";
}

TEST_F(SettingsTest, RefuseWhatCannotBe)
{
    EXPECT_NE(wrong("{"), "");
    EXPECT_NE(wrong(R"({"prefix": ""})"), "");
    EXPECT_NE(wrong(R"({"prefix": "with space"})"), "");
    EXPECT_NE(wrong(R"({"listen": "here"})"), "");
    EXPECT_NE(wrong(R"({"ports": ["udp:*:2-1"]})"), "");
    EXPECT_NE(wrong(R"({"interval": "0s"})", "janus"), "");
    EXPECT_NE(wrong(R"({"meetings": {"videoroom": "all"}})", "janus"), "");
    EXPECT_NE(wrong(R"({"admin": {"url": "https://127.0.0.1/admin"}})", "janus"), "");
    EXPECT_NE(wrong(R"({"admin": {"secret_file": "/nowhere"}})", "janus").find("/nowhere"),
              std::string::npos);
    EXPECT_NE(wrong(R"({"notice": {"plugin": "x"}})", "janus"), "");
    std::filesystem::remove(path);
    EXPECT_FALSE(read_settings(kinds().front(), path));
}

TEST_F(SettingsTest, SplitWidePortRanges)
{
    const auto settings = read(R"({"ports": ["udp:*:20000-22048", "tcp:198.18.0.1:443"]})").value();
    std::string text;
    for (const auto& endpoint : settings.daemon.ports) {
        text += endpoint.text() + " ";
    }
    EXPECT_EQ(text, "udp:*:20000-21023 udp:*:21024-22047 udp:*:22048 tcp:198.18.0.1:443 ");
}

} // namespace
} // namespace meetfence::bridges
