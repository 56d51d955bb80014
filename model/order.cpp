// SPDX-License-Identifier: Apache-2.0
#include "model/order.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "model/identifier.h"
#include "model/meeting.h"
#include "model/suggest.h"
#include "model/text.h"

namespace meetfence {
namespace {

// In the order of the enumerations.
constexpr auto kAuthorityTypes = std::to_array<std::string_view>({"court", "agency", "other"});
constexpr auto kChannels =
    std::to_array<std::string_view>({"portal", "signed-pdf", "email", "post", "oral", "other"});
constexpr auto kStates = std::to_array<std::string_view>(
    {"recorded", "approved", "rejected", "active", "expired", "withdrawn", "suspended"});
constexpr auto kRejectReasons =
    std::to_array<std::string_view>({"overbroad", "no_legal_basis", "no_authority", "outside_jurisdiction",
                                     "improperly_served", "oral_only", "other"});

constexpr std::size_t kShortText = 200, kLegalBasis = 500, kCategory = 100, kLongText = 2000;
constexpr std::size_t kMostMeetings = 1000;

template <class Enum>
Result<Enum> parse_word(std::string_view what, std::string_view word, std::span<const std::string_view> words)
{
    const auto it = std::ranges::find(words, word);
    if (it == words.end()) {
        return fail(ErrorCode::invalid, fmt::format("'{}' is no {}{}: it is one of {}", word, what,
                                                    did_you_mean(word, words), fmt::join(words, ", ")));
    }
    return static_cast<Enum>(it - words.begin());
}

Result<> check_texts(const OrderTerms& terms)
{
    struct Field {
        std::string_view name;
        const std::string& text;
        std::size_t most;
        bool needed = false;
    };
    for (const auto& [name, text, most, needed] :
         std::initializer_list<Field>{{"id", terms.id, 128, true},
                                      {"authority", terms.authority, kShortText, true},
                                      {"office", terms.office, kShortText},
                                      {"legal_basis", terms.legal_basis, kLegalBasis, true},
                                      {"case", terms.case_number, kShortText},
                                      {"category", terms.category, kCategory, true},
                                      {"requested", terms.requested, kLongText},
                                      {"narrowing", terms.narrowing, kLongText}}) {
        if (needed || !text.empty()) {
            TRY(check_text(name, text, most));
        }
    }
    return {};
}

Result<> check_meetings(const OrderTerms& terms)
{
    if (terms.meetings.size() > kMostMeetings) {
        return fail(ErrorCode::refused,
                    fmt::format("order '{}' names {} meetings, {} are the most there can be: an order is "
                                "about meetings that somebody looked at",
                                terms.id, terms.meetings.size(), kMostMeetings),
                    "order_meetings");
    }
    for (const auto& meeting : terms.meetings) {
        TRY(check_meeting_id(meeting));
        if (meeting.find('*') != std::string::npos) {
            return fail(ErrorCode::refused,
                        fmt::format("order '{}' names the meeting '{}': an order is about meetings it names, "
                                    "one by one, and never about all",
                                    terms.id, meeting),
                        "order_meetings");
        }
    }
    return {};
}

Result<> check_past(const OrderTerms& terms, Time now)
{
    if (terms.received > now) {
        return fail(ErrorCode::invalid,
                    fmt::format("'received' ({}) is in the future", format_time(terms.received)),
                    "order_times");
    }
    if (terms.issued && *terms.issued > terms.received) {
        return fail(ErrorCode::invalid,
                    fmt::format("'issued' ({}) is later than 'received' ({})", format_time(*terms.issued),
                                format_time(terms.received)),
                    "order_times");
    }
    if (terms.gag_until && !terms.gag) {
        return fail(ErrorCode::invalid, "'gag_until' is said without 'gag'", "order_times");
    }
    if (terms.gag_until && *terms.gag_until <= terms.received) {
        return fail(
            ErrorCode::invalid,
            fmt::format("'gag_until' ({}) is before the order was received", format_time(*terms.gag_until)),
            "order_times");
    }
    return {};
}

} // namespace

std::string_view to_text(AuthorityType type)
{
    return kAuthorityTypes.at(static_cast<std::size_t>(type));
}

std::string_view to_text(Channel channel)
{
    return kChannels.at(static_cast<std::size_t>(channel));
}

std::string_view to_text(OrderState state)
{
    return kStates.at(static_cast<std::size_t>(state));
}

Result<AuthorityType> parse_authority_type(std::string_view text)
{
    return parse_word<AuthorityType>("type of authority", text, kAuthorityTypes);
}

Result<Channel> parse_channel(std::string_view text)
{
    return parse_word<Channel>("channel", text, kChannels);
}

Result<OrderState> parse_order_state(std::string_view text)
{
    return parse_word<OrderState>("state of an order", text, kStates);
}

OrderState Order::state(Time now, bool in_force) const
{
    const bool may_act = decided == OrderState::recorded || decided == OrderState::approved;
    if (!may_act) {
        return decided;
    }
    if (now >= *terms.expires) {
        return OrderState::expired;
    }
    return decided == OrderState::approved && in_force ? OrderState::active : decided;
}

bool Order::ended_by(Time now) const
{
    const auto at_most = state(now, false);
    return at_most != OrderState::recorded && at_most != OrderState::approved;
}

bool Order::gagged(Time now) const
{
    return terms.gag && (!terms.gag_until || now < *terms.gag_until);
}

bool Order::narrowed() const
{
    return !terms.narrowing.empty() || (terms.requested_until && *terms.expires < *terms.requested_until);
}

bool Order::names(std::string_view meeting) const
{
    return terms.meetings.empty() || std::ranges::find(terms.meetings, meeting) != terms.meetings.end();
}

std::span<const std::string_view> reject_reasons()
{
    return kRejectReasons;
}

Result<Rejection> parse_rejection(std::string_view why)
{
    TRY(check_text("why", why, kLongText));
    std::string word(why);
    std::ranges::replace_if(
        word, [](char c) { return c == ' ' || c == '-'; }, '_');
    if (std::ranges::find(kRejectReasons, word) != kRejectReasons.end() && word != "other") {
        return Rejection{word, ""};
    }
    if (word == "other") {
        return fail(ErrorCode::invalid, "'why' says other: say what, in words of your own");
    }
    if (const auto near = nearest(word, kRejectReasons); !near.empty()) {
        return fail(ErrorCode::invalid,
                    fmt::format("'{}' is no reason: did you mean {}? The reasons are {}; any "
                                "other text is kept as it is",
                                why, near, fmt::join(kRejectReasons, ", ")));
    }
    return Rejection{"other", std::string(why)};
}

Result<> check_terms(const OrderTerms& terms, Time now)
{
    TRY(check_identifier("an order's", terms.id));
    TRY(check_texts(terms));
    TRY(check_meetings(terms));
    const bool is_hash = terms.document.size() == 64 && std::ranges::all_of(terms.document, [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                         });
    if (!terms.document.empty() && !is_hash) {
        return fail(ErrorCode::invalid,
                    "'document' is the SHA-256 of the paper, 64 hexadecimal digits in lower "
                    "case; the paper itself stays where it is");
    }
    return check_past(terms, now);
}

} // namespace meetfence
