// SPDX-License-Identifier: Apache-2.0
#include <boost/program_options.hpp>
#include <iostream>

#include "daemon/config/config.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

namespace {

namespace options = boost::program_options;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

constexpr const char* kUsageText = R"(meetfenced - filters meetings by country at the edge

Usage: meetfenced [--config FILE]                  run in the foreground
       meetfenced [--config FILE] --check-config   only check the configuration
       meetfenced [--config FILE] --detach         take program, links and maps out of the kernel

SIGTERM stops the daemon and leaves the filter in force; SIGHUP reads the configuration and the country
databases again, while filtering goes on.
`meetfencectl` manages meetings and rules.

)";

// Every failure is one line.
int report(const meetfence::Result<>& result)
{
    if (result) {
        return 0;
    }
    meetfence::log(meetfence::service::Severity::error, "meetfenced: " + result.error().message);
    return kFailed;
}

int run(const options::variables_map& chosen)
{
    const auto config = meetfence::read_config(chosen["config"].as<std::string>());
    if (!config) {
        return report(meetfence::fail(config.error()));
    }
    if (chosen.contains("check-config")) {
        std::cout << chosen["config"].as<std::string>() << ": good\n";
        return 0;
    }
    if (chosen.contains("detach")) {
        const auto done = meetfence::detach(*config);
        if (done) {
            std::cout << "meetfenced: nothing is left in the kernel\n";
        }
        return report(done);
    }
    return report(meetfence::run_daemon(*config, chosen["config"].as<std::string>()));
}

} // namespace

int main(int argc, char** argv)
{
    options::options_description description("Options");
    auto add = description.add_options();
    add("config",
        options::value<std::string>()->default_value("/etc/meetfence/meetfence.json")->value_name("FILE"),
        "configuration file");
    add("check-config", "check the configuration and exit");
    add("detach", "take everything out of the kernel and exit");
    add("version", "print the version");
    add("help,h", "print this text");

    meetfence::set_up_log();
    try {
        namespace style = options::command_line_style;
        options::variables_map chosen;
        const int exact = style::unix_style & ~style::allow_guessing;
        options::store(
            options::command_line_parser(argc, argv).options(description).positional({}).style(exact).run(),
            chosen);
        options::notify(chosen);
        if (chosen.contains("help")) {
            std::cout << kUsageText << description;
            return 0;
        }
        if (chosen.contains("version")) {
            std::cout << "meetfenced " MEETFENCE_VERSION "\n";
            return 0;
        }
        return run(chosen);
    } catch (const options::error& error) {
        std::cerr << "meetfenced: " << error.what() << "; `meetfenced --help` shows the options\n";
        return kUsage;
    } catch (const std::exception& error) {
        std::cerr << "meetfenced: " << error.what() << '\n';
        return kFailed;
    }
}
