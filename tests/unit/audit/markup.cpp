// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/audit/markup.h"

#include <array>
#include <cctype>
#include <stdexcept>

namespace meetfence::test {
namespace {

constexpr std::string_view kDoctype = "<!DOCTYPE html>";
constexpr auto kEntities = std::to_array<std::pair<std::string_view, char>>(
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}});

class Reader {
public:
    explicit Reader(std::string_view page) : page_(page) {}

    Markup read()
    {
        expect(kDoctype);
        while (at_ < page_.size()) {
            if (page_[at_] != '<') {
                const auto c = character();
                if (open_.empty() && std::isspace(static_cast<unsigned char>(c)) == 0) {
                    fail("text outside of everything");
                }
                if (open_.empty() || open_.back() != "style") {
                    markup_.text += c;
                }
            } else if (page_.substr(at_, 2) == "</") {
                close();
            } else {
                open();
            }
        }
        if (!open_.empty()) {
            fail("<" + open_.back() + "> is left open");
        }
        return std::move(markup_);
    }

private:
    [[noreturn]] void fail(const std::string& why) const
    {
        throw std::runtime_error(why + " at byte " + std::to_string(at_) + ": " +
                                 std::string(page_.substr(at_ > 40 ? at_ - 40 : 0, 80)));
    }

    void expect(std::string_view text)
    {
        if (page_.substr(at_, text.size()) != text) {
            fail("'" + std::string(text) + "' is missing");
        }
        at_ += text.size();
    }

    char character()
    {
        const char c = page_.at(at_);
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n') {
            fail("a control character");
        }
        if (c != '&') {
            ++at_;
            return c;
        }
        for (const auto& [name, meaning] : kEntities) {
            if (page_.substr(at_, name.size()) == name) {
                at_ += name.size();
                return meaning;
            }
        }
        fail("a character's name that is none");
    }

    std::string word()
    {
        const auto begin = at_;
        while (at_ < page_.size() &&
               (std::isalnum(static_cast<unsigned char>(page_[at_])) != 0 || page_[at_] == '-')) {
            ++at_;
        }
        if (at_ == begin) {
            fail("a name is missing");
        }
        return std::string(page_.substr(begin, at_ - begin));
    }

    void open()
    {
        expect("<");
        Tag tag{word(), {}, open_};
        while (page_.substr(at_, 1) == " ") {
            ++at_;
            const auto name = word();
            expect("=\"");
            const auto begin = at_;
            while (page_.at(at_) != '"') {
                page_[at_] == '<' ? fail("< in an attribute") : void(character());
            }
            if (!tag.attributes.emplace(name, page_.substr(begin, at_ - begin)).second) {
                fail("attribute " + name + " twice");
            }
            ++at_;
        }
        const bool empty = page_.substr(at_, 1) == "/";
        expect(empty ? "/>" : ">");
        if (!empty) {
            open_.push_back(tag.name);
        }
        markup_.tags.push_back(std::move(tag));
    }

    void close()
    {
        expect("</");
        const auto name = word();
        expect(">");
        if (open_.empty() || open_.back() != name) {
            fail("</" + name + "> where " + (open_.empty() ? "nothing" : "<" + open_.back() + ">") +
                 " is open");
        }
        open_.pop_back();
    }

    std::string_view page_;
    std::size_t at_ = 0;
    std::vector<std::string> open_;
    Markup markup_;
};

} // namespace

Markup read_markup(std::string_view page)
{
    return Reader(page).read();
}

} // namespace meetfence::test
