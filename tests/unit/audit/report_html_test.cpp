// SPDX-License-Identifier: Apache-2.0
// The page: well-formed, complete without anything fetched, and of use to who does not see it.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "audit/report.h"
#include "audit/report_style.h"
#include "tests/unit/audit/example_story.h"
#include "tests/unit/audit/markup.h"

namespace meetfence::test {
namespace {

std::string page_of(const Story& story)
{
    return audit::to_html(story.report("2026-07-01", "2027-01-01"));
}

std::vector<std::string> pages()
{
    return {page_of(example_story()), page_of(Story()), page_of(long_story(40)),
            audit::to_html(example_story().report(Time{}, when("2026-12-01T10:00:05Z")))};
}

bool is_within(const Tag& tag, std::string_view name)
{
    return std::ranges::find(tag.within, name) != tag.within.end();
}

long count(const Markup& markup, std::string_view name)
{
    return std::ranges::count(markup.tags, name, &Tag::name);
}

TEST(Markup, ReaderIsStrict)
{
    const auto page = [](const std::string& body) { return "<!DOCTYPE html><p>" + body + "</p>"; };
    EXPECT_EQ(read_markup(page("a &lt;b&gt;")).text, "a <b>");
    for (const auto* body : {"<b>", "</b>", "<b></p>", "a & b", "&nbsp;", "<b a=c></b>",
                             "<b a=\"1\" a=\"1\"></b>", "<", "\x01", "<b a=\"<\"></b>"}) {
        EXPECT_THROW((void)read_markup(page(body)), std::runtime_error) << body;
    }
}

TEST(ReportHtml, IsWellFormed)
{
    for (const auto& page : pages()) {
        ASSERT_NO_THROW((void)read_markup(page));
    }
}

TEST(ReportHtml, FetchesAndRunsNothing)
{
    for (const auto& page : pages()) {
        EXPECT_EQ(page.find("http:"), std::string::npos);
        EXPECT_EQ(page.find("https:"), std::string::npos);
        EXPECT_EQ(page.find("url("), std::string::npos);
        EXPECT_EQ(page.find("@import"), std::string::npos);
        for (const auto& tag : read_markup(page).tags) {
            EXPECT_TRUE((!std::set<std::string>{"script", "link", "img", "iframe", "object", "embed", "form",
                                                "base", "foreignObject", "image", "use"}
                              .contains(tag.name)))
                << tag.name;
            for (const auto& [name, value] : tag.attributes) {
                EXPECT_FALSE(name.starts_with("on")) << name;
                EXPECT_NE(name, "src");
                EXPECT_NE(name, "style");
                EXPECT_TRUE(name != "href" || value.starts_with("#")) << value;
            }
        }
    }
}

TEST(ReportHtml, EverythingReferredToIsThereOnce)
{
    for (const auto& page : pages()) {
        const auto markup = read_markup(page);
        std::set<std::string> ids;
        for (const auto& tag : markup.tags) {
            if (const auto id = tag.attributes.find("id"); id != tag.attributes.end()) {
                EXPECT_TRUE(ids.insert(id->second).second) << id->second;
            }
        }
        for (const auto& tag : markup.tags) {
            if (const auto href = tag.attributes.find("href"); href != tag.attributes.end()) {
                EXPECT_TRUE(ids.contains(href->second.substr(1))) << href->second;
            }
            if (const auto label = tag.attributes.find("aria-labelledby"); label != tag.attributes.end()) {
                std::istringstream words(label->second);
                for (std::string word; words >> word;) {
                    EXPECT_TRUE(ids.contains(word)) << word;
                }
            }
        }
    }
}

TEST(ReportHtml, ChartsHaveWordsAndATable)
{
    const auto markup = read_markup(page_of(example_story()));
    EXPECT_EQ(count(markup, "svg"), 5);
    EXPECT_EQ(count(markup, "desc"), 5);
    std::size_t last_figure = 0, charts_since_table = 0;
    for (std::size_t i = 0; i < markup.tags.size(); ++i) {
        const auto& tag = markup.tags[i];
        if (tag.name == "svg") {
            EXPECT_EQ(tag.attributes.at("role"), "img");
            EXPECT_TRUE(tag.attributes.contains("aria-labelledby"));
            EXPECT_EQ(markup.tags.at(i + 1).name, "title");
            EXPECT_EQ(markup.tags.at(i + 2).name, "desc");
            EXPECT_TRUE(is_within(tag, "figure"));
            ++charts_since_table;
            last_figure = i;
        } else if (tag.name == "table") {
            charts_since_table = 0;
        }
    }
    EXPECT_GT(last_figure, 0U);
    EXPECT_EQ(charts_since_table, 0U);
}

TEST(ReportHtml, TablesHaveCaptionsAndHeaders)
{
    const auto markup = read_markup(page_of(example_story()));
    EXPECT_GT(count(markup, "table"), 8);
    EXPECT_EQ(count(markup, "caption"), count(markup, "table"));
    for (const auto& tag : markup.tags) {
        if (tag.name == "th") {
            EXPECT_TRUE(tag.attributes.contains("scope"));
        } else if (tag.name == "html") {
            EXPECT_EQ(tag.attributes.at("lang"), "en");
        }
    }
    EXPECT_EQ(count(markup, "h1"), 1);
    EXPECT_EQ(count(markup, "main"), 1);
}

TEST(ReportHtml, DefinitionsComeFirst)
{
    const auto page = page_of(example_story());
    EXPECT_LT(page.find("<section id=\"definitions\""), page.find("<section id=\"period\""));
    EXPECT_EQ(page.find("<section "), page.find("<section id=\"definitions\""));
}

TEST(ReportHtml, SaysNoneWhereThereWasNone)
{
    const auto text = read_markup(page_of(Story())).text;
    for (const auto* sentence :
         {"No orders to keep people out of meetings were received.", "None. No order was received",
          "None. No order was approved or rejected.", "None. No approved order ended",
          "None. There was no order", "None. No host’s rule was in force",
          "None. No rule was in force in the period.", "none found, and none checked",
          "None. No order was suspended.", "None. No rule was suspended", "None. No request was refused.",
          "None. Nobody looked at participants’ addresses.", "None. No country database was in use."}) {
        EXPECT_NE(text.find(sentence), std::string::npos) << sentence;
    }
}

TEST(ReportHtml, SaysWhatTheLogLacks)
{
    auto story = example_story();
    story.entries().erase(story.entries().begin(), story.entries().begin() + 2);
    story.tell("2026-12-31", "log_truncated", {{"known_sequence", 9}});
    story.tell("2026-12-31", "rule_ended", {{"packets_dropped", 1}});
    const auto text = read_markup(page_of(story)).text;
    EXPECT_NE(text.find("The log was found shorter than it had been"), std::string::npos);
    EXPECT_NE(text.find("The log given begins with entry 3"), std::string::npos);
    EXPECT_NE(text.find("1 entry did not say what"), std::string::npos);
}

TEST(ReportHtml, OthersWordsAreHarmless)
{
    const std::string hostile = "<script>alert(1)</script>\"'&<b onclick=x>\xE2\x80\xAEsti\xE2\x81\xA6";
    Story story;
    story.order("2026-07-06", hostile,
                {{"authority", hostile},
                 {"office", hostile},
                 {"legal_basis", hostile},
                 {"category", hostile},
                 {"jurisdiction", hostile},
                 {"authority_type", hostile},
                 {"channel", hostile}});
    story.tell("2026-07-07", "order_rejected", {{"order", hostile}, {"reason", hostile}});
    story.tell("2026-07-07", "request_refused", {{"status", 409}, {"code", hostile}});
    story.tell("2026-07-07", "geo_loaded", {{"agreement", hostile}, {"databases", {{{"type", hostile}}}}});
    const auto page = page_of(story);
    const auto markup = read_markup(page);
    EXPECT_EQ(count(markup, "script"), 0);
    EXPECT_EQ(count(markup, "b"), 0);
    EXPECT_NE(markup.text.find("<script>alert(1)</script>\"'&<b onclick=x>\xEF\xBF\xBDsti\xEF\xBF\xBD"),
              std::string::npos);
    EXPECT_EQ(page.find("\xE2\x80\xAE"), std::string::npos);
    EXPECT_EQ(page.find("\xE2\x81\xA6"), std::string::npos);
    EXPECT_EQ(count(markup, "bdi"), 6); // order, authority, office, legal basis; database, agreement
    const auto json =
        audit::to_json(story.report("2026-07-01", "2027-01-01")).dump(); // throws where it is no UTF-8
    EXPECT_EQ(json.find("\xE2\x80\xAE"), std::string::npos);
}

// Luminance after WCAG 2.1.
double luminance(const std::string& colour)
{
    const auto part = [&](std::size_t i) {
        const auto value = std::stoi(colour.substr(i, 2), nullptr, 16) / 255.0;
        return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

double contrast(const std::string& one, const std::string& other)
{
    const auto a = luminance(one), b = luminance(other);
    return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

std::string colour_of(std::string_view style, std::string_view name)
{
    const auto at = style.find(std::string(name) + ": #");
    return std::string(style.substr(at + name.size() + 2, 7));
}

TEST(ReportHtml, ColoursCanBeToldApart)
{
    const std::string style(audit::report_style());
    const auto dark = style.find("prefers-color-scheme: dark");
    ASSERT_NE(dark, std::string::npos);
    for (const auto& scheme : {style.substr(0, dark), style.substr(dark)}) {
        const auto paper = colour_of(scheme, "--paper");
        for (const auto* text : {"--ink", "--soft", "--link"}) {
            EXPECT_GE(contrast(colour_of(scheme, text), paper), 4.5) << text;
        }
        for (const auto* part : {"--c1", "--c2", "--c3", "--c4", "--c5-edge", "--alarm"}) {
            EXPECT_GE(contrast(colour_of(scheme, part), paper), 3.0) << part;
        }
    }
}

} // namespace
} // namespace meetfence::test
