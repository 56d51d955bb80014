// SPDX-License-Identifier: Apache-2.0
// The page around the sections, its beginning and its end.
#include <fmt/format.h>

#include "audit/html.h"
#include "audit/report.h"
#include "audit/report_html_parts.h"
#include "audit/report_style.h"
#include "audit/report_words.h"

namespace meetfence::audit {
namespace {

struct Part {
    std::string_view id, title;
    std::string (*markup)(const Report&);
};

constexpr auto kParts = std::to_array<Part>({
    {"definitions", "Definitions", [](const Report&) { return definitions_markup(); }},
    {"period", "Period and source", period_markup},
    {"orders", "Orders", orders_markup},
    {"time-to-decide", "Time to decide", decision_times_markup},
    {"duration", "Duration asked and applied", durations_markup},
    {"each-order", "Each order", rows_markup},
    {"hosts", "Restrictions by hosts", hosts_markup},
    {"over-time", "Restrictions over time", over_time_markup},
    {"outside", "People outside the jurisdiction", outside_markup},
    {"incidents", "Suspensions and errors", incidents_markup},
    {"refused", "Refused requests", refusals_markup},
    {"views", "Live views of addresses", views_markup},
    {"databases", "Country databases", databases_markup},
    {"checking", "Checking this report", checking_markup},
});

std::string head(const Report& report)
{
    return fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                       "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                       "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                       "'unsafe-inline'\"/>\n"
                       "<title>Transparency report, {}</title>\n<style>{}</style>\n</head>\n",
                       escaped(period_words(report)), report_style());
}

std::string none_or(std::uint64_t count)
{
    return count == 0 ? "none" : grouped(count);
}

// "none were", "1 was", "3 were"
std::string were(std::uint64_t count)
{
    return none_or(count) + (count == 1 ? " was" : " were");
}

// The report in three sentences.
std::string lede(const Report& report)
{
    const auto& orders = report.orders;
    auto text = orders.received == 0 ? std::string("No orders to keep people out of meetings were received.")
                                     : fmt::format("{} to keep people out of meetings {} received.",
                                                   count_words(orders.received, "order", "orders"),
                                                   orders.received == 1 ? "was" : "were");
    if (orders.approved() + orders.rejected > 0) {
        text += fmt::format(
            " {} approved{}; {} rejected.", in_words(were(orders.approved())),
            orders.approved() == 0 ? "" : fmt::format(", {} of them narrowed", none_or(orders.narrowed)),
            were(orders.rejected));
    }
    if (report.order_check.drops_checked > 0) {
        text +=
            fmt::format(" Of {} that {} checked, {} outside an order’s jurisdiction.",
                        count_words(report.order_check.drops_checked, "dropped packet", "dropped packets"),
                        report.order_check.drops_checked == 1 ? "was" : "were",
                        were(report.order_check.drops_outside_scope));
    }
    return element("p", "lede", escaped(text)) + "\n";
}

std::string contents()
{
    std::string markup = "<nav class=\"contents\" aria-labelledby=\"contents-title\">\n"
                         "<h2 id=\"contents-title\">Contents</h2>\n<ol>\n";
    int number = 0;
    for (const auto& part : kParts) {
        markup += fmt::format("<li><span class=\"ordinal\">{}</span><a href=\"#{}\">{}</a></li>\n", ++number,
                              part.id, escaped(part.title));
    }
    return markup + "</ol>\n</nav>\n";
}

} // namespace

std::string count_words(std::uint64_t count, std::string_view one, std::string_view many)
{
    return fmt::format("{} {}", count == 0 ? "no" : grouped(count), count == 1 ? one : many);
}

std::string to_html(const Report& report)
{
    auto page = head(report) +
                "<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n"
                "<header class=\"masthead\">\n<p class=\"kicker\">Transparency report</p>\n<h1>" +
                escaped(period_words(report)) + "</h1>\n" + lede(report) + contents() +
                "</header>\n<main id=\"main\">\n";
    int number = 0;
    for (const auto& part : kParts) {
        page += section(++number, part.id, part.title, part.markup(report));
    }
    page +=
        "</main>\n<footer>\n<p>Computed from the audit log by meetfence. All times are UTC.</p>\n</footer>\n"
        "</body>\n</html>\n";
    return page;
}

} // namespace meetfence::audit
