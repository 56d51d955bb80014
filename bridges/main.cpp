// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <boost/program_options.hpp>
#include <iostream>

#include "bridges/net/log.h"
#include "bridges/program.h"
#include "model/suggest.h"

namespace {

namespace options = boost::program_options;
using namespace meetfence::bridges;

constexpr const char* kUsageText = R"(meetfence-bridge - tells meetfenced who takes part in which meeting

Usage: meetfence-bridge KIND [--config FILE]                   run in the foreground
       meetfence-bridge KIND [--config FILE] --check-config    only check the configuration
       meetfence-bridge KIND [--config FILE] --status [--json] how the running bridge is

KIND is one of:
)";

void show_help(const options::options_description& description)
{
    std::cout << kUsageText;
    for (const auto& kind : kinds()) {
        std::cout << "  " << kind.name << std::string(10 - kind.name.size(), ' ') << kind.summary << '\n';
    }
    std::cout << '\n' << description << "\ndocs/integrations.md has a page for each media server.\n";
}

const Kind* find_kind(const options::variables_map& chosen)
{
    const auto name = chosen.contains("kind") ? chosen["kind"].as<std::string>() : std::string();
    const auto kind = std::ranges::find(kinds(), name, &Kind::name);
    if (kind != kinds().end()) {
        return &*kind;
    }
    std::vector<std::string_view> names;
    std::ranges::transform(kinds(), std::back_inserter(names), &Kind::name);
    std::cerr << "meetfence-bridge: "
              << (name.empty() ? "say which media server this is a bridge to"
                               : "there is no bridge '" + name + "'" + meetfence::did_you_mean(name, names))
              << "; `meetfence-bridge --help` shows them\n";
    return nullptr;
}

int run(const Kind& kind, const options::variables_map& chosen)
{
    const auto path = chosen.contains("config") ? chosen["config"].as<std::string>() : default_path(kind);
    const auto settings = read_settings(kind, path);
    if (!settings) {
        log(Severity::error, "meetfence-bridge: " + settings.error().message);
        return kFailed;
    }
    if (chosen.contains("check-config")) {
        std::cout << path << ": good\n";
        return 0;
    }
    if (chosen.contains("status")) {
        return show_status(*settings, chosen.contains("json"));
    }
    if (const auto ended = run_bridge(kind, *settings); !ended) {
        log(Severity::error, "meetfence-bridge: " + ended.error().message);
        return kFailed;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    options::options_description description("Options"), hidden, all;
    auto add = description.add_options();
    add("config", options::value<std::string>()->value_name("FILE"),
        "configuration file; /etc/meetfence/bridge-KIND.json where none is named");
    add("check-config", "check the configuration and exit");
    add("status",
        "show how the running bridge is: status 0, 10 where the media server or the daemon does not answer "
        "it, 3 where there is none");
    add("json", "of the status");
    add("version", "print the version");
    add("help,h", "print this text");
    hidden.add_options()("kind", options::value<std::string>());
    all.add(description).add(hidden);
    options::positional_options_description positional;
    positional.add("kind", 1);

    try {
        namespace style = options::command_line_style;
        options::variables_map chosen;
        const int exact = style::unix_style & ~style::allow_guessing;
        options::store(
            options::command_line_parser(argc, argv).options(all).positional(positional).style(exact).run(),
            chosen);
        options::notify(chosen);
        if (chosen.contains("help")) {
            show_help(description);
            return 0;
        }
        if (chosen.contains("version")) {
            std::cout << "meetfence-bridge " MEETFENCE_VERSION "\n";
            return 0;
        }
        const auto* kind = find_kind(chosen);
        return kind == nullptr ? kUsage : run(*kind, chosen);
    } catch (const options::error& error) {
        std::cerr << "meetfence-bridge: " << error.what()
                  << "; `meetfence-bridge --help` shows the options\n";
        return kUsage;
    } catch (const std::exception& error) {
        log(Severity::error, std::string("meetfence-bridge: ") + error.what());
        return kFailed;
    }
}
