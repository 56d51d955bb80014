// SPDX-License-Identifier: Apache-2.0
// Pieces of a page that are HTML and XML alike. What comes in as `text` is escaped here; what is called
// `markup` is taken as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/time.h"

namespace meetfence::audit {

[[nodiscard]] std::string escaped(std::string_view text);
/// Somebody's own words: escaped, and set apart, so that their direction of writing turns nothing around it.
[[nodiscard]] std::string foreign(std::string_view text);
/// <TAG CLASS>markup</TAG>; no class where it is empty
[[nodiscard]] std::string element(std::string_view tag, std::string_view css_class, std::string_view markup);
[[nodiscard]] std::string paragraph(std::string_view text);
/// "None." and what there was none of.
[[nodiscard]] std::string none(std::string_view text);
/// A point in time that programs can read.
[[nodiscard]] std::string time_markup(Time time, std::string_view words);

struct HtmlColumn {
    std::string_view label;
    bool number = false;
};

struct HtmlTable {
    std::string_view id, caption;
    std::vector<HtmlColumn> columns;
    std::vector<std::vector<std::string>> rows; // markup; the first cell names the row
    std::optional<std::vector<std::string>> total = {};
    bool cards = false; // on a narrow screen each row stands for itself
};
/// With a frame of its own that scrolls where the screen is too narrow, by keyboard too.
[[nodiscard]] std::string markup_of(const HtmlTable& table);

/// A numbered section.
[[nodiscard]] std::string section(int number, std::string_view id, std::string_view title,
                                  std::string_view markup);

} // namespace meetfence::audit
