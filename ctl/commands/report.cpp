// SPDX-License-Identifier: Apache-2.0
// `report`: what was demanded and done, fit to be published. The daemon makes it from its audit log; with
// --audit this program does, from a copy of the log, so that nobody has to believe the daemon.
#include "audit/report.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/input.h"
#include "ctl/log_reader.h"
#include "model/fields.h"
#include "model/suggest.h"

namespace meetfence::ctl {
namespace {

constexpr auto kFormats = std::to_array<std::string_view>({"json", "csv", "html"});
constexpr std::size_t kLargestKey = 4096;

struct Wanted {
    std::optional<Time> since, until;
    std::string format;
};

Result<std::optional<Time>> read_time(const Arguments& arguments, std::string_view option)
{
    const auto text = arguments.text(option);
    return text ? std::optional(TRY(parse_time(*text))) : std::nullopt;
}

Result<Wanted> read_wanted(const Context& context)
{
    Wanted wanted{.since = TRY(read_time(context.arguments, "since")),
                  .until = TRY(read_time(context.arguments, "until")),
                  .format = context.arguments.text("format").value_or("json")};
    if (std::ranges::find(kFormats, wanted.format) == kFormats.end()) {
        return fail(ErrorCode::invalid, fmt::format("format '{}' is not json, csv or html{}", wanted.format,
                                                    did_you_mean(wanted.format, kFormats)));
    }
    if (wanted.since && wanted.until && *wanted.until <= *wanted.since) {
        return fail(ErrorCode::invalid, fmt::format("the report would end ({}) before it begins ({})",
                                                    format_time(*wanted.until), format_time(*wanted.since)));
    }
    return wanted;
}

Result<std::string> report_by_daemon(Context& context, const Wanted& wanted)
{
    auto target = "/v1/report?format=" + wanted.format;
    if (wanted.since) {
        target += "&since=" + format_time(*wanted.since);
    }
    if (wanted.until) {
        target += "&until=" + format_time(*wanted.until);
    }
    auto response = TRY(context.client.request(Method::get, target));
    if (response.status >= 400) {
        return fail(refusal(response));
    }
    return std::move(response.body);
}

Result<std::string> read_key(Context& context, const std::string& path)
{
    auto key = TRY(read_input(context.console.in, path, kLargestKey));
    if (key.empty() || key.size() > kLargestKey) {
        return fail(ErrorCode::invalid,
                    fmt::format("{} is no key: it is the file that the daemon keeps in its state directory "
                                "to hide the names of meetings",
                                input_name(path)));
    }
    return key;
}

Result<std::string> report_from_files(Context& context, const Wanted& wanted)
{
    const auto directory = context.arguments.text("audit").value_or("");
    const auto now = context.now + std::chrono::seconds(1); // ends behind what is written in this second
    audit::ReportBuilder builder(wanted.since.value_or(Time()), wanted.until.value_or(now),
                                 TRY(read_key(context, context.arguments.text("key").value_or(""))));
    const auto log = TRY(read_log(directory, [&](const audit::Entry& entry) { builder.take(entry); }));
    if (log.torn_bytes > 0) {
        say(context.console,
            fmt::format("the last line of the log is not whole ({} bytes) and left out", log.torn_bytes));
    }
    const auto report = builder.finish();
    return wanted.format == "csv"    ? audit::to_csv(report)
           : wanted.format == "html" ? audit::to_html(report)
                                     : to_line(audit::to_json(report)) + "\n";
}

// As it is, for files and programs. At a terminal it must not steer it.
void print_report(Context& context, const std::string& report)
{
    auto& out = context.console.out;
    if (!context.console.out_is_terminal) {
        out << report;
        return;
    }
    if (const auto json = parse_json(report, "report")) {
        print_json(context.console, *json);
        return;
    }
    for (std::size_t begin = 0; begin < report.size();) {
        const auto end = std::min(report.find('\n', begin), report.size());
        out << printable(std::string_view(report).substr(begin, end - begin)) << '\n';
        begin = end + 1;
    }
}

} // namespace

Result<int> run_report(Context& context)
{
    const auto& arguments = context.arguments;
    if (arguments.has("audit") != arguments.has("key")) {
        return refuse_usage(context.console, context.command,
                            "--audit DIR and --key FILE go together: a report from the files of a log needs "
                            "both");
    }
    const auto format = arguments.text("format").value_or("json");
    if (context.json && format != "json") {
        return refuse_usage(context.console, context.command,
                            "--json and --format " + format + " contradict each other: give one of them");
    }
    const auto wanted = TRY(read_wanted(context));
    print_report(context, arguments.has("audit") ? TRY(report_from_files(context, wanted))
                                                 : TRY(report_by_daemon(context, wanted)));
    return kDone;
}

} // namespace meetfence::ctl
