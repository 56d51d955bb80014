// SPDX-License-Identifier: Apache-2.0
// An order: the record of what an authority demanded, on what legal ground, and of who let it take
// effect. Its jurisdiction is one country, and the only one its rules can be about.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/actor.h"
#include "model/country.h"
#include "model/result.h"
#include "model/time.h"

namespace meetfence {

enum class AuthorityType : std::uint8_t { court, agency, other };
/// How it was received. What was only said cannot be approved.
enum class Channel : std::uint8_t { portal, signed_pdf, email, post, oral, other };

[[nodiscard]] std::string_view to_text(AuthorityType type);
[[nodiscard]] std::string_view to_text(Channel channel);
[[nodiscard]] Result<AuthorityType> parse_authority_type(std::string_view text);
[[nodiscard]] Result<Channel> parse_channel(std::string_view text);

/// What is recorded of it. Times are absent where nobody said them.
struct OrderTerms {
    std::string id; // as meetings: 1–128 bytes of printable ASCII without spaces
    std::string authority;
    AuthorityType authority_type = AuthorityType::other;
    std::string office;
    Country jurisdiction;
    std::string legal_basis;
    std::string case_number;
    std::optional<Time> issued;
    Time received;
    Channel channel = Channel::other;
    std::string category = "other";
    std::string document;  // SHA-256 in hexadecimal; the paper itself stays elsewhere
    std::string requested; // the scope that was asked for
    std::optional<Time> requested_until;
    std::string narrowing;             // what is done less than asked, and why
    std::vector<std::string> meetings; // those its rules may name; none = any that a rule names
    std::optional<Time> from, expires, review;
    bool gag = false; // it must not be spoken of
    std::optional<Time> gag_until;

    friend bool operator==(const OrderTerms&, const OrderTerms&) = default;
};

struct Signature {
    Actor by;
    Time at;

    friend bool operator==(const Signature&, const Signature&) = default;
};

/// A later end that somebody asked for, until it is approved.
struct Extension {
    Time expires;
    std::optional<Time> review;
    std::string why;
    Signature asked;
    std::vector<Signature> approvals;

    friend bool operator==(const Extension&, const Extension&) = default;
};

enum class OrderState : std::uint8_t { recorded, approved, rejected, active, expired, withdrawn, suspended };
[[nodiscard]] std::string_view to_text(OrderState state);
[[nodiscard]] Result<OrderState> parse_order_state(std::string_view text);

struct OrderEnd {
    Signature by;
    std::string reason; // of a rejection, one of reject_reasons()
    std::string why;

    friend bool operator==(const OrderEnd&, const OrderEnd&) = default;
};

struct Order {
    OrderTerms terms; // from and expires are set
    Signature recorded;
    std::uint64_t approvals_needed = 1;
    std::vector<Signature> approvals = {};
    std::optional<Extension> extension = {};
    /// What people decided; `active` and `expired` follow from the rules and from time, see `state`.
    OrderState decided = OrderState::recorded;
    std::optional<OrderEnd> ended = {}; // rejected, withdrawn or suspended
    bool review_told = false, expiry_told = false;

    [[nodiscard]] const std::string& id() const { return terms.id; }
    /// `in_force`: one of its rules is.
    [[nodiscard]] OrderState state(Time now, bool in_force) const;
    [[nodiscard]] bool ended_by(Time now) const; // whatever ended it
    [[nodiscard]] bool approved() const { return decided == OrderState::approved; }
    [[nodiscard]] bool gagged(Time now) const;
    /// Less is done than was asked.
    [[nodiscard]] bool narrowed() const;
    [[nodiscard]] bool names(std::string_view meeting) const; // may its rules be about this meeting?

    friend bool operator==(const Order&, const Order&) = default;
};

/// Why an order is turned down: a closed list, the last of which is "other".
[[nodiscard]] std::span<const std::string_view> reject_reasons();
struct Rejection {
    std::string reason, text;
};
/// "no legal basis" → no_legal_basis; what is none of the words is `other` with that text. Refused where it
/// is nearly one of them.
[[nodiscard]] Result<Rejection> parse_rejection(std::string_view why);

/// Whether it may be recorded as it is: texts, times that contradict each other. `now`: nothing was
/// received in the future.
[[nodiscard]] Result<> check_terms(const OrderTerms& terms, Time now);

} // namespace meetfence
