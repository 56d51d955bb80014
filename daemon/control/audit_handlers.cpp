// SPDX-License-Identifier: Apache-2.0
// The audit log as it is, and the report that is made of it.
#include <charconv>

#include "audit/report.h"
#include "daemon/control/handlers.h"
#include "daemon/service/clock.h"

namespace meetfence::control {
namespace {

using service::Service;

constexpr std::uint64_t kMostLines = 10'000;

Result<std::uint64_t> number_in(const Request& request, const std::string& key, std::uint64_t otherwise)
{
    const auto it = request.query.find(key);
    if (it == request.query.end()) {
        return otherwise;
    }
    std::uint64_t number = 0;
    const auto& text = it->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0) {
        return fail(ErrorCode::invalid, "'" + key + "' must be a whole number from 1 on");
    }
    return number;
}

Result<Time> time_in(const Request& request, const std::string& key, Time otherwise)
{
    const auto it = request.query.find(key);
    if (it == request.query.end()) {
        return otherwise;
    }
    return parse_time(it->second).map_error([&](Error error) {
        return std::move(error).context("'" + key + "'");
    });
}

struct Wanted {
    Time since, until;
    std::string format;
};

Result<Wanted> wanted_of(const Request& request)
{
    // A period does not hold its end: what happened in this second counts too, and nothing of the future.
    const auto latest = service::wall_now() + std::chrono::seconds(1);
    Wanted wanted{.since = TRY(time_in(request, "since", Time())),
                  .until = std::min(TRY(time_in(request, "until", latest)), latest),
                  .format = "json"};
    if (wanted.until <= wanted.since) {
        return fail(ErrorCode::invalid, "the period ends (" + format_time(wanted.until) +
                                            ") before it begins (" + format_time(wanted.since) + ")");
    }
    if (const auto it = request.query.find("format"); it != request.query.end()) {
        wanted.format = it->second;
    }
    if (wanted.format != "json" && wanted.format != "csv" && wanted.format != "html") {
        return fail(ErrorCode::invalid,
                    "'" + wanted.format + "' is no format of a report: json, csv and html are");
    }
    return wanted;
}

Result<audit::Report> report_of(const audit::Lines& lines, const std::string& key, const Wanted& wanted)
{
    audit::ReportBuilder builder(wanted.since, wanted.until, key);
    std::uint64_t line_number = 0;
    TRY(lines.for_each([&](std::string_view line) -> Result<> {
        ++line_number;
        auto entry = audit::parse_line(line);
        if (!entry) {
            return fail(ErrorCode::conflict,
                        "the audit log cannot be trusted, and no report be made of it: line " +
                            std::to_string(line_number) + ": " + entry.error().message +
                            " (`meetfencectl audit verify` says more)");
        }
        builder.take(*entry);
        return {};
    }));
    return builder.finish();
}

Response shown(const audit::Report& report, const std::string& format)
{
    if (format == "json") {
        return json_response(audit::to_json(report));
    }
    const bool csv = format == "csv";
    return {.status = 200,
            .body = csv ? audit::to_csv(report) : audit::to_html(report),
            .content_type = csv ? "text/csv; charset=utf-8" : "text/html; charset=utf-8"};
}

} // namespace

Result<Response> get_audit(Service& service, const Request& request)
{
    const auto from = TRY(number_in(request, "from", 1));
    const auto most = std::min(TRY(number_in(request, "limit", kMostLines)), kMostLines);
    Response response{.status = 200, .content_type = "application/x-ndjson"};
    for (const auto& line : TRY(service.trail().log().read(from, most))) {
        response.body.append(line).append("\n");
    }
    return response;
}

Result<Response> get_audit_head(Service& service, const Request& /*request*/)
{
    const auto& head = service.trail().log().head();
    return json_response({{"sequence", head.sequence}, {"hash", head.hash}});
}

// On another thread: of a log of years it takes seconds, in which others are to be answered.
void get_report(Service& service, const Request& request, LaterReply reply)
{
    auto wanted = wanted_of(request);
    auto lines = service.trail().log().lines();
    if (!wanted || !lines) {
        reply(fail(wanted ? std::move(lines).error() : std::move(wanted).error()));
        return;
    }
    service.in_background([wanted = std::move(*wanted), lines = std::move(*lines),
                           key = service.trail().key(), reply = std::move(reply)]() -> std::function<void()> {
        const auto response = std::make_shared<Result<Response>>(
            report_of(lines, key, wanted).map([&](const audit::Report& report) {
                return shown(report, wanted.format);
            }));
        return [reply, response] { reply(std::move(*response)); };
    });
}

} // namespace meetfence::control
