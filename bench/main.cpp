// SPDX-License-Identifier: Apache-2.0
// meetfence-bench: what the filter costs, in nanoseconds a packet.
#include <boost/program_options.hpp>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <regex>
#include <unistd.h>

#include "bench/cases.h"
#include "bench/report.h"
#include "bench/rounds.h"

namespace {

namespace options = boost::program_options;
using namespace meetfence;
using namespace meetfence::bench;

constexpr int kUsage = 2;

std::string default_database()
{
    const char* path = std::getenv("MEETFENCE_DATABASE");
    return path == nullptr ? "/var/lib/meetfence/country.mmdb" : path;
}

// Over itself, on a terminal; nothing elsewhere.
void show(const std::string& line)
{
    if (isatty(STDERR_FILENO) != 0) {
        std::cerr << "\r\033[K" << line << std::flush;
    }
}

int run(const options::variables_map& given)
{
    const auto path = given["database"].as<std::string>();
    const auto blocked = Country::parse(given["country"].as<std::string>());
    if (!blocked) {
        std::cerr << "meetfence-bench: --country: " << blocked.error().message << "\n";
        return kUsage;
    }
    show("reading " + path);
    const auto database = geo::load_mmdb(path);
    if (!database) {
        std::cerr << "meetfence-bench: " << database.error().message
                  << "; --database FILE, or MEETFENCE_DATABASE, names another\n";
        return 1;
    }
    Program program;
    const auto rounds = given["rounds"].as<unsigned>();
    show("loading the table");
    const auto load = measure_load(program, path, rounds);
    show("filling the table of flows");
    const auto flows = program.fill_flows(kFlows);

    auto cases = all_cases(*database, *blocked);
    const std::regex wanted(given["case"].as<std::string>());
    std::erase_if(cases, [&](const Case& one) { return !std::regex_search(one.name, wanted); });
    if (std::ranges::any_of(cases, [](const Case& one) { return one.program.starts_with("lpm"); })) {
        show("filling the kernel's tries, for comparison");
        std::vector<geo::PlacedPrefix> v4;
        std::vector<geo::PlacedPrefix> v6;
        for (const auto& range : database->v4) {
            geo::split(range, geo::Family::v4, v4);
        }
        for (const auto& range : database->v6) {
            geo::split(range, geo::Family::v6, v6);
        }
        program.fill_tries(v4, v6);
    }
    const auto figures = measure(program, cases, rounds, [&](unsigned round) {
        show(fmt::format("round {} of {}", round + 1, rounds));
    });
    show("");
    const auto lines = json_lines(figures, load, flows);
    if (given.count("write") > 0) {
        std::ofstream file(given["write"].as<std::string>());
        file << lines;
        if (!file.flush()) {
            std::cerr << "meetfence-bench: " << given["write"].as<std::string>() << " cannot be written\n";
            return 1;
        }
    }
    std::cout << (given.count("json") > 0 ? lines : table(figures, load, flows));
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    options::options_description known("Options");
    known.add_options()("json", "one JSON object a line instead of a table")(
        "database", options::value<std::string>()->value_name("FILE")->default_value(default_database()),
        "the country database (MaxMind DB)")(
        "country", options::value<std::string>()->value_name("CC")->default_value("CN"),
        "the country that is blocked")("case",
                                       options::value<std::string>()->value_name("REGEX")->default_value(""),
                                       "only the cases whose name matches")(
        "rounds", options::value<unsigned>()->value_name("N")->default_value(15),
        "interleaved rounds to take the medians of")(
        "write", options::value<std::string>()->value_name("FILE"),
        "write the JSON lines to a file, too")("help", "print this help");
    try {
        options::variables_map given;
        options::store(options::parse_command_line(argc, argv, known), given);
        options::notify(given);
        if (given.count("help") > 0) {
            std::cout
                << "usage: meetfence-bench [--json] [--database FILE] …\n\n"
                   "Measures what a packet costs, by BPF_PROG_TEST_RUN, above a program that does nothing.\n"
                   "It takes root. Nothing reaches a wire.\n\n"
                << known;
            return 0;
        }
        if (given["rounds"].as<unsigned>() == 0) {
            std::cerr << "meetfence-bench: --rounds must be at least 1\n";
            return kUsage;
        }
        return run(given);
    } catch (const options::error& error) {
        std::cerr << "meetfence-bench: " << error.what() << "; --help lists the options\n";
        return kUsage;
    } catch (const std::regex_error& error) {
        std::cerr << "meetfence-bench: --case: " << error.what() << "\n";
        return kUsage;
    } catch (const std::exception& error) {
        std::cerr << "meetfence-bench: " << error.what() << "\n";
        return 1;
    }
}
