// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <istream>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "model/fields.h"
#include "model/ip.h"

namespace meetfence::ctl {
namespace {

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view kBlank = " \t\r";
    const auto begin = text.find_first_not_of(kBlank);
    return begin == std::string_view::npos ? std::string_view{}
                                           : text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// Asks for addresses in batches over one connection, and answers them in the order they came.
class Lookup {
public:
    explicit Lookup(Context& context) : context_(context) {}

    // `where` names the address in errors. What is no address is said and passed over.
    void add(std::string_view text, const std::string& where)
    {
        const auto address = IpAddress::parse(text);
        if (!address) {
            complain(where, address.error().message);
            return;
        }
        asked_.push_back({std::string(text), where});
        targets_.push_back("/v1/geo/" + address->text());
    }

    [[nodiscard]] bool full() const { return targets_.size() >= Client::kMostInFlight; }

    [[nodiscard]] Result<> answer_all()
    {
        const auto responses = TRY(context_.client.get_batch(targets_));
        for (std::size_t i = 0; i < responses.size(); ++i) {
            TRY(answer(asked_[i], responses[i]));
        }
        asked_.clear();
        targets_.clear();
        context_.console.out.flush(); // whoever pipes addresses in one by one waits for this
        return {};
    }

    [[nodiscard]] bool failed() const { return failed_; }

private:
    struct Asked {
        std::string text; // as it was written, so that answers can be joined with questions
        std::string where;
    };

    void complain(const std::string& where, const std::string& message)
    {
        failed_ = true;
        say(context_.console, where + message);
    }

    Result<> answer(const Asked& asked, const Response& response)
    {
        if (response.status >= 400) {
            complain(asked.where, refusal(response).message);
            return {};
        }
        const auto found = TRY(parse_json(response.body, "the daemon's answer"));
        if (context_.json) {
            context_.console.out << to_line(found) << '\n';
            return {};
        }
        const auto country = text_of(found, "country");
        const auto prefix = text_of(found, "prefix");
        context_.console.out << asked.text << ' ' << (country.empty() ? "--" : country) << ' '
                             << (prefix.empty() ? "--" : prefix) << '\n';
        return {};
    }

    Context& context_;
    std::vector<Asked> asked_;
    std::vector<std::string> targets_;
    bool failed_ = false;
};

// Batches only what is already there: a person, or a program that waits for each answer, gets it.
Result<> look_up_stream(Lookup& lookup, std::istream& in)
{
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (const auto text = trimmed(line); !text.empty()) {
            lookup.add(text, fmt::format("line {}: ", number));
        }
        if (lookup.full() || in.rdbuf()->in_avail() <= 0) {
            TRY(lookup.answer_all());
        }
    }
    return lookup.answer_all();
}

Result<> look_up_words(Lookup& lookup, const std::vector<std::string>& words)
{
    for (const auto& word : words) {
        lookup.add(word, "");
        if (lookup.full()) {
            TRY(lookup.answer_all());
        }
    }
    return lookup.answer_all();
}

} // namespace

Result<int> run_geo_lookup(Context& context)
{
    const auto& words = context.arguments.words();
    Lookup lookup(context);
    if (words.front() != "-") {
        TRY(look_up_words(lookup, words));
    } else if (words.size() > 1) {
        return refuse_usage(context.console, context.command,
                            "'-' reads addresses from stdin and stands alone");
    } else {
        TRY(look_up_stream(lookup, context.console.in));
    }
    return lookup.failed() ? kFailed : kDone;
}

} // namespace meetfence::ctl
