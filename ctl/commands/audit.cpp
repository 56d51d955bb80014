// SPDX-License-Identifier: Apache-2.0
// `audit show` and `audit verify`. Verification is done here and not by the daemon, from what it hands over
// or from the files alone, so that nobody has to believe it.
#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <ostream>

#include "audit/chain.h"
#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/log_reader.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

constexpr std::uint64_t kPage = 10000; // the daemon's most
constexpr std::size_t kDetailColumns = 90;

using TakeLine = std::function<Result<>(std::string_view)>;

std::optional<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    return error == std::errc{} && end == text.end() && number > 0 ? std::optional(number) : std::nullopt;
}

Result<std::optional<std::uint64_t>> number_option(const Context& context, std::string_view option)
{
    const auto text = context.arguments.text(option);
    if (!text) {
        return std::nullopt;
    }
    const auto number = parse_number(*text);
    if (!number) {
        return fail(ErrorCode::invalid,
                    fmt::format("--{} is a whole number from 1, not '{}'", option, *text));
    }
    return number;
}

Result<audit::Head> daemons_head(Context& context)
{
    const auto head = TRY(context.client.get("/v1/audit/head")).body;
    return audit::Head{number_of(head, "sequence"), text_of(head, "hash")};
}

// Where the page behind one begins. Sequences as the lines have them: where a log was cut, they leap.
std::uint64_t behind(std::uint64_t from, std::uint64_t largest)
{
    return largest < from ? from + kPage : largest + 1;
}

// Page by page from an entry on; one that is not full is the last.
Result<> each_line(Context& context, std::uint64_t from, const TakeLine& take)
{
    std::uint64_t on_page = kPage;
    for (std::uint64_t next = from; on_page == kPage && next >= from;) {
        from = next;
        const auto response =
            TRY(context.client.request(Method::get, fmt::format("/v1/audit?from={}&limit={}", from, kPage)));
        if (response.status >= 400) {
            return fail(refusal(response));
        }
        const std::string_view body = response.body;
        std::uint64_t largest = 0;
        on_page = 0;
        for (std::size_t begin = 0; begin < body.size(); ++on_page) {
            const auto end = std::min(body.find('\n', begin), body.size());
            const auto line = body.substr(begin, end - begin);
            largest = std::max(largest, audit::sequence_of(line));
            TRY(take(line));
            begin = end + 1;
        }
        next = behind(from, largest);
    }
    return {};
}

std::string one_value(const Json& value)
{
    if (!value.is_array()) {
        return value.is_string() ? value.get<std::string>() : to_line(value);
    }
    std::string joined;
    for (const auto& item : value) {
        joined.append(joined.empty() ? "" : ",").append(one_value(item));
    }
    return joined;
}

// What an entry is about; a line of a table does not hold all of it.
constexpr auto kSubjects = std::to_array<std::string_view>({"order", "rule", "meeting"});

// "order O  meeting A", as much of it as a line of a table holds.
std::string details(const Json& body)
{
    std::string text;
    const auto add = [&](const std::string& key, const Json& value) {
        if (!value.is_null() && !value.empty()) {
            text += fmt::format("{}{} {}", text.empty() ? "" : "  ", key, one_value(value));
        }
    };
    for (const auto key : kSubjects) {
        add(std::string(key), member_of(body, key));
    }
    for (const auto& item : body.items()) {
        if (std::ranges::find(kSubjects, item.key()) == kSubjects.end()) {
            add(item.key(), item.value());
        }
    }
    text = printable(text);
    std::size_t end = 0;
    for (std::size_t columns = 0; end < text.size() && columns < kDetailColumns; ++columns) {
        for (++end; end < text.size() && (text[end] & 0xC0) == 0x80; ++end) {
        }
    }
    return end < text.size() ? text.substr(0, end) + "…" : text;
}

std::string who(const Actor& actor)
{
    return actor.user.empty() ? fmt::format("uid {}", actor.uid) : actor.user;
}

Result<int> show_lines(Context& context, std::uint64_t from)
{
    auto& console = context.console;
    TRY(each_line(context, from, [&](std::string_view line) -> Result<> {
        // Byte for byte, so that hashes can be computed again; but nothing steers a terminal.
        console.out << (console.out_is_terminal ? printable_json(line) : std::string(line)) << '\n';
        return {};
    }));
    return kDone;
}

Result<int> show_table(Context& context, std::uint64_t from)
{
    Table table({{"SEQ", Column::Align::right}, {"TIME"}, {"WHO"}, {"WHAT"}, {"DETAILS"}});
    std::uint64_t shown = 0;
    std::uint64_t invalid = 0;
    TRY(each_line(context, from, [&](std::string_view line) -> Result<> {
        ++shown;
        if (const auto entry = audit::parse_line(line)) {
            table.add({std::to_string(entry->sequence), format_time(entry->time), who(entry->actor),
                       entry->what, details(entry->body)});
        } else {
            ++invalid;
            table.add({"?", "", "", "(invalid)", shorten(printable(line), kDetailColumns)});
        }
        return {};
    }));
    if (shown == 0) {
        say(context.console, "no entries");
        return kDone;
    }
    table.print(context.console.out);
    if (invalid > 0) {
        say(context.console, fmt::format("{} not valid: 'meetfencectl audit verify' tells where and why",
                                         count_of(invalid, "line is", "lines are")));
    }
    return kDone;
}

// What is known about a log from elsewhere.
struct Witness {
    audit::Head head;
    std::string source; // "the daemon", "--head"
};

// What was found on the way through a log.
class Verification {
public:
    explicit Verification(std::vector<Witness> witnesses) : witnesses_(std::move(witnesses)) {}

    [[nodiscard]] Result<> take(const audit::Entry& entry)
    {
        for (const auto& [known, source] : witnesses_) {
            if (entry.sequence == known.sequence && entry.hash != known.hash) {
                return fail(
                    ErrorCode::conflict,
                    fmt::format("entry {} has the hash {}, and {} knows it as {}: the log was replaced "
                                "up to there",
                                entry.sequence, entry.hash, source, known.hash));
            }
        }
        first_ = entries_ == 0 ? entry.time : first_;
        last_ = entry.time;
        ++entries_;
        head_ = {entry.sequence, entry.hash};
        return {};
    }

    [[nodiscard]] Result<> finish() const
    {
        for (const auto& [known, source] : witnesses_) {
            if (head_.sequence < known.sequence) {
                return fail(
                    ErrorCode::conflict,
                    fmt::format("the log ends with entry {}, and {} knows entry {} with the hash {}: its "
                                "end was cut off",
                                head_.sequence, source, known.sequence, known.hash));
            }
        }
        return {};
    }

    void print(Context& context) const
    {
        if (context.json) {
            print_json(context.console, Json{{"entries", entries_},
                                             {"first", entries_ == 0 ? Json() : Json(format_time(first_))},
                                             {"last", entries_ == 0 ? Json() : Json(format_time(last_))},
                                             {"head", {{"sequence", head_.sequence}, {"hash", head_.hash}}}});
            return;
        }
        context.console.out << (entries_ == 0
                                    ? "no entries: nothing to verify\n"
                                    : fmt::format("{}, {} to {}, head {}:{}: nothing changed, removed or "
                                                  "reordered\n",
                                                  count_of(entries_, "entry", "entries"), format_time(first_),
                                                  format_time(last_), head_.sequence, head_.hash));
    }

private:
    std::vector<Witness> witnesses_;
    std::uint64_t entries_ = 0;
    Time first_, last_;
    audit::Head head_;
};

Result<audit::Head> parse_head(const std::string& text)
{
    const auto colon = std::min(text.find(':'), text.size());
    const auto sequence = parse_number(std::string_view(text).substr(0, colon));
    const auto hash = text.substr(std::min(colon + 1, text.size()));
    if (!sequence || hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fail(
            ErrorCode::invalid,
            fmt::format("--head is SEQ:HASH as the journal has it, with the 64 digits of the hash, not '{}'",
                        text));
    }
    return audit::Head{*sequence, hash};
}

Result<std::vector<Witness>> given_witnesses(const Context& context)
{
    const auto head = context.arguments.text("head");
    if (!head) {
        return std::vector<Witness>{};
    }
    const auto known = TRY(parse_head(*head));
    return std::vector{Witness{known, "--head"}};
}

// The head is asked for first: what is written meanwhile is behind it.
Result<> verify_daemons(Context& context, std::vector<Witness> witnesses, std::optional<Verification>& found)
{
    const auto known = TRY(daemons_head(context));
    witnesses.push_back({known, "the daemon's state database"});
    auto& verification = found.emplace(std::move(witnesses));
    audit::Chain chain;
    TRY(each_line(context, 1, [&](std::string_view line) -> Result<> {
        return chain.take(line)
            .and_then([&](const audit::Entry& entry) { return verification.take(entry); })
            .map_error(
                [](Error error) { return std::move(error).context("the daemon's audit log does not hold"); });
    }));
    return verification.finish();
}

Result<int> verify_files(Context& context, const std::vector<std::string>& paths)
{
    const auto witnesses = TRY(given_witnesses(context));
    Verification verification(witnesses);
    const auto log =
        TRY(read_log(paths, [&](const audit::Entry& entry) { return verification.take(entry); }));
    if (log.torn_bytes > 0) {
        return fail(
            ErrorCode::conflict,
            fmt::format("the last line, behind entry {}, has no end ({}): it was cut, or is being written "
                        "at this moment",
                        log.head.sequence, byte_count(log.torn_bytes)));
    }
    TRY(verification.finish());
    verification.print(context);
    if (witnesses.empty()) {
        say(context.console,
            "whether entries are missing at the end, only a head kept elsewhere can tell: take one "
            "from the journal and give --head SEQ:HASH");
    }
    return kDone;
}

} // namespace

Result<int> run_audit_show(Context& context)
{
    const auto from = number_option(context, "from");
    const auto last = number_option(context, "last");
    for (const auto* const option : {&from, &last}) {
        if (!*option) {
            return refuse_usage(context.console, context.command, option->error().message);
        }
    }
    if (*from && *last) {
        return refuse_usage(context.console, context.command, "--from and --last exclude each other");
    }
    auto begin = from->value_or(1);
    if (*last) {
        const auto head = TRY(daemons_head(context)).sequence;
        begin = head > **last ? head - **last + 1 : 1;
    }
    return context.json ? show_lines(context, begin) : show_table(context, begin);
}

Result<int> run_audit_verify(Context& context)
{
    auto witnesses = given_witnesses(context);
    if (!witnesses) {
        return refuse_usage(context.console, context.command, witnesses.error().message);
    }
    if (const auto& paths = context.arguments.words(); !paths.empty()) {
        return verify_files(context, paths);
    }
    std::optional<Verification> found;
    TRY(verify_daemons(context, std::move(*witnesses), found).map_error([](Error error) {
        if (error.code == ErrorCode::unreachable) {
            error.message +=
                "; 'meetfencectl audit verify DIR' needs no daemon: DIR is 'audit' in its state directory";
        }
        return error;
    }));
    found->print(context);
    return kDone;
}

} // namespace meetfence::ctl
