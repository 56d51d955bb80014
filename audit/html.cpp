// SPDX-License-Identifier: Apache-2.0
#include "audit/html.h"

#include <fmt/format.h>

namespace meetfence::audit {
namespace {

constexpr std::size_t kFew = 4; // columns, which far apart are hard to follow

// Roles are said although the tags have them: browsers forget them where the style sets rows as blocks.
std::string head_of(const HtmlTable& table)
{
    std::string markup = R"(<thead role="rowgroup"><tr role="row">)";
    for (const auto& column : table.columns) {
        markup += fmt::format(R"(<th role="columnheader" scope="col"{}>{}</th>)",
                              column.number ? " class=\"number\"" : "", escaped(column.label));
    }
    return markup + "</tr></thead>\n";
}

std::string row_of(const HtmlTable& table, const std::vector<std::string>& cells)
{
    auto markup = fmt::format(R"(<tr role="row"><th role="rowheader" scope="row">{}</th>)", cells.front());
    for (std::size_t i = 1; i < cells.size(); ++i) {
        const auto& column = table.columns.at(i);
        markup += fmt::format(R"(<td role="cell" data-label="{}"{}>{}</td>)", escaped(column.label),
                              column.number ? " class=\"number\"" : "",
                              table.cards ? element("div", "", cells[i]) // beside its label
                                          : cells[i]);
    }
    return markup + "</tr>\n";
}

} // namespace

std::string escaped(std::string_view text)
{
    std::string markup;
    markup.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '&':
            markup += "&amp;";
            break;
        case '<':
            markup += "&lt;";
            break;
        case '>':
            markup += "&gt;";
            break;
        case '"':
            markup += "&quot;";
            break;
        case '\'':
            markup += "&#39;";
            break;
        default:
            markup += c;
        }
    }
    return markup;
}

std::string foreign(std::string_view text)
{
    return "<bdi>" + escaped(text) + "</bdi>";
}

std::string element(std::string_view tag, std::string_view css_class, std::string_view markup)
{
    return css_class.empty() ? fmt::format("<{0}>{1}</{0}>", tag, markup)
                             : fmt::format("<{0} class=\"{2}\">{1}</{0}>", tag, markup, css_class);
}

std::string paragraph(std::string_view text)
{
    return element("p", "", escaped(text)) + "\n";
}

std::string none(std::string_view text)
{
    return element("p", "none", "<strong>None.</strong> " + escaped(text)) + "\n";
}

std::string time_markup(Time time, std::string_view words)
{
    return fmt::format("<time datetime=\"{}\">{}</time>", format_time(time), escaped(words));
}

std::string markup_of(const HtmlTable& table)
{
    auto markup =
        fmt::format("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{0}\">\n"
                    "<table role=\"table\"{2}><caption id=\"{0}\"><span>{1}</span></caption>\n",
                    table.id, escaped(table.caption),
                    table.cards                    ? " class=\"cards\""
                    : table.columns.size() <= kFew ? " class=\"small\""
                                                   : "");
    markup += head_of(table) + "<tbody role=\"rowgroup\">\n";
    for (const auto& row : table.rows) {
        markup += row_of(table, row);
    }
    markup += "</tbody>\n";
    if (table.total) {
        markup += "<tfoot role=\"rowgroup\">\n" + row_of(table, *table.total) + "</tfoot>\n";
    }
    return markup + "</table></div>\n";
}

std::string section(int number, std::string_view id, std::string_view title, std::string_view markup)
{
    return fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n"
                       "<h2 id=\"{0}-title\"><span class=\"ordinal\">{1}</span> {2}</h2>\n{3}</section>\n\n",
                       id, number, escaped(title), markup);
}

} // namespace meetfence::audit
