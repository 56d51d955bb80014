// SPDX-License-Identifier: Apache-2.0
// A page as a strict reader of XML takes it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace meetfence::test {

struct Tag {
    std::string name;
    std::map<std::string, std::string> attributes; // as written, not unescaped
    std::vector<std::string> within;               // names of those around it, outermost first
};

struct Markup {
    std::vector<Tag> tags; // in the order of their beginnings
    std::string text;      // outside of tags, unescaped, without that of <style>
};

/// Throws std::runtime_error with the place where the page is not well-formed: a tag left open, an attribute
/// without quotes or given twice, a name of a character that XML does not know, a bare & or <.
[[nodiscard]] Markup read_markup(std::string_view page);

} // namespace meetfence::test
