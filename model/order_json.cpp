// SPDX-License-Identifier: Apache-2.0
#include "model/order_json.h"

#include <algorithm>
#include <array>

#include "model/text.h"

namespace meetfence {
namespace {

constexpr auto kTermKeys = std::to_array<std::string_view>(
    {"id",        "authority", "authority_type", "office",   "jurisdiction", "legal_basis", "case",
     "issued",    "received",  "channel",        "category", "document",     "requested",   "requested_until",
     "narrowing", "meetings",  "from",           "expires",  "review",       "gag",         "gag_until"});
constexpr auto kSignatureKeys = std::to_array<std::string_view>({"at", "uid", "user"});
constexpr auto kExtensionKeys =
    std::to_array<std::string_view>({"expires", "review", "why", "at", "uid", "user", "approvals"});
constexpr auto kEndKeys = std::to_array<std::string_view>({"at", "uid", "user", "reason", "why"});
constexpr auto kRecordKeys =
    std::to_array<std::string_view>({"terms", "recorded", "approvals_needed", "approvals", "extension",
                                     "decided", "ended", "review_told", "expiry_told"});

Json time_json(const std::optional<Time>& time)
{
    return time ? Json(format_time(*time)) : Json(nullptr);
}

Json text_json(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

Json to_json(const Signature& signature)
{
    return {{"at", format_time(signature.at)}, {"uid", signature.by.uid}, {"user", signature.by.user}};
}

Json to_json(const std::vector<Signature>& signatures)
{
    auto list = Json::array();
    for (const auto& signature : signatures) {
        list.push_back(to_json(signature));
    }
    return list;
}

Json to_json(const std::optional<Extension>& extension)
{
    if (!extension) {
        return nullptr;
    }
    Json json{{"expires", format_time(extension->expires)},
              {"review", time_json(extension->review)},
              {"why", extension->why}};
    json.update(to_json(extension->asked));
    json["approvals"] = to_json(extension->approvals);
    return json;
}

Json to_json(const std::optional<OrderEnd>& end)
{
    if (!end) {
        return nullptr;
    }
    auto json = to_json(end->by);
    json["reason"] = text_json(end->reason);
    json["why"] = text_json(end->why);
    return json;
}

Result<std::string> read_needed(const ObjectReader& reader, std::string_view key)
{
    const auto text = TRY(reader.text(key));
    if (!text) {
        return fail(ErrorCode::invalid, "an order needs '" + reader.name(key) + "'");
    }
    return *text;
}

Result<Time> read_needed_time(const ObjectReader& reader, std::string_view key)
{
    const auto time = TRY(reader.time(key));
    if (!time) {
        return fail(ErrorCode::invalid, "an order needs '" + reader.name(key) +
                                            "', a time such as "
                                            "2026-11-22T18:00:00Z");
    }
    return *time;
}

Result<Signature> read_signature(const ObjectReader& reader)
{
    return Signature{{static_cast<std::uint32_t>(TRY(reader.number("uid")).value_or(0)),
                      TRY(reader.text("user")).value_or("")},
                     TRY(read_needed_time(reader, "at"))};
}

Result<std::vector<Signature>> read_signatures(const Json* list)
{
    std::vector<Signature> signatures;
    for (const auto& item : list == nullptr ? Json::array() : *list) {
        signatures.push_back(TRY(read_signature(TRY(ObjectReader::open(item, "approvals", kSignatureKeys)))));
    }
    return signatures;
}

Result<std::optional<Extension>> read_extension(const Json* value)
{
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto reader = TRY(ObjectReader::open(*value, "extension", kExtensionKeys));
    return Extension{.expires = TRY(read_needed_time(reader, "expires")),
                     .review = TRY(reader.time("review")),
                     .why = TRY(reader.text("why")).value_or(""),
                     .asked = TRY(read_signature(reader)),
                     .approvals = TRY(read_signatures(reader.find("approvals")))};
}

Result<std::optional<OrderEnd>> read_end(const Json* value)
{
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto reader = TRY(ObjectReader::open(*value, "ended", kEndKeys));
    return OrderEnd{TRY(read_signature(reader)), TRY(reader.text("reason")).value_or(""),
                    TRY(reader.text("why")).value_or("")};
}

// What a rule is about is no option of an order's: whoever tries is told what to do instead.
Result<> refuse_targets(const Json& value)
{
    for (const auto* key :
         {"country", "countries", "target", "targets", "addresses", "prefixes", "networks"}) {
        if (value.is_object() && value.contains(key)) {
            return fail(ErrorCode::refused,
                        "an order names no '" + std::string(key) +
                            "': it is about its jurisdiction, one "
                            "country, and never about addresses",
                        "order_country");
        }
    }
    return {};
}

} // namespace

Result<OrderTerms> order_terms_from_json(const Json& value, std::string_view path)
{
    TRY(refuse_targets(value));
    const auto reader = TRY(ObjectReader::open(value, std::string(path), kTermKeys));
    OrderTerms terms;
    terms.id = TRY(read_needed(reader, "id"));
    terms.authority = TRY(read_needed(reader, "authority"));
    terms.authority_type = TRY(parse_authority_type(TRY(reader.text("authority_type")).value_or("other")));
    terms.office = TRY(reader.text("office")).value_or("");
    terms.jurisdiction =
        TRY(Country::parse(TRY(read_needed(reader, "jurisdiction"))).map_error([](Error error) {
            error.reason = "order_country";
            return error;
        }));
    terms.legal_basis = TRY(read_needed(reader, "legal_basis"));
    terms.case_number = TRY(reader.text("case")).value_or("");
    terms.issued = TRY(reader.time("issued"));
    terms.received = TRY(read_needed_time(reader, "received"));
    terms.channel = TRY(parse_channel(TRY(reader.text("channel")).value_or("other")));
    terms.category = TRY(reader.text("category")).value_or("other");
    terms.document = TRY(reader.text("document")).value_or("");
    terms.requested = TRY(reader.text("requested")).value_or("");
    terms.requested_until = TRY(reader.time("requested_until"));
    terms.narrowing = TRY(reader.text("narrowing")).value_or("");
    terms.meetings = TRY(reader.texts("meetings"));
    std::ranges::sort(terms.meetings);
    terms.meetings.erase(std::unique(terms.meetings.begin(), terms.meetings.end()), terms.meetings.end());
    terms.from = TRY(reader.time("from"));
    terms.expires = TRY(reader.time("expires"));
    terms.review = TRY(reader.time("review"));
    terms.gag = TRY(reader.flag("gag"));
    terms.gag_until = TRY(reader.time("gag_until"));
    return terms;
}

Json to_json(const OrderTerms& terms)
{
    return {{"id", terms.id},
            {"authority", terms.authority},
            {"authority_type", to_text(terms.authority_type)},
            {"office", text_json(terms.office)},
            {"jurisdiction", terms.jurisdiction.code()},
            {"legal_basis", terms.legal_basis},
            {"case", text_json(terms.case_number)},
            {"issued", time_json(terms.issued)},
            {"received", format_time(terms.received)},
            {"channel", to_text(terms.channel)},
            {"category", terms.category},
            {"document", text_json(terms.document)},
            {"requested", text_json(terms.requested)},
            {"requested_until", time_json(terms.requested_until)},
            {"narrowing", text_json(terms.narrowing)},
            {"meetings", terms.meetings},
            {"from", time_json(terms.from)},
            {"expires", time_json(terms.expires)},
            {"review", time_json(terms.review)},
            {"gag", terms.gag},
            {"gag_until", time_json(terms.gag_until)}};
}

Json to_json(const Order& order, OrderState state, Time now, std::span<const std::string> rules)
{
    auto json = to_json(order.terms);
    const bool lasts = state != OrderState::rejected && !order.ended_by(now);
    json["state"] = to_text(state);
    json["narrowed"] = order.narrowed();
    json["recorded"] = to_json(order.recorded);
    json["approvals"] = to_json(order.approvals);
    json["approvals_needed"] = order.approvals_needed;
    json["extension"] = to_json(order.extension);
    json["ended"] = to_json(order.ended);
    json["rules"] = rules;
    json["review_due"] = lasts && order.terms.review && now >= *order.terms.review;
    json["gag_without_end"] = order.terms.gag && !order.terms.gag_until;
    return json;
}

Json to_record(const Order& order)
{
    return {{"terms", to_json(order.terms)},
            {"recorded", to_json(order.recorded)},
            {"approvals_needed", order.approvals_needed},
            {"approvals", to_json(order.approvals)},
            {"extension", to_json(order.extension)},
            {"decided", to_text(order.decided)},
            {"ended", to_json(order.ended)},
            {"review_told", order.review_told},
            {"expiry_told", order.expiry_told}};
}

Result<Order> order_from_record(const Json& record)
{
    const auto reader = TRY(ObjectReader::open(record, "", kRecordKeys));
    const auto* terms = reader.find("terms");
    const auto* recorded = reader.find("recorded");
    if (terms == nullptr || recorded == nullptr) {
        return fail(ErrorCode::internal, "a record of an order lacks its terms");
    }
    Order order;
    order.terms = TRY(order_terms_from_json(*terms, "terms"));
    if (!order.terms.from || !order.terms.expires) {
        return fail(ErrorCode::internal, "the record of order '" + order.terms.id + "' lacks its times");
    }
    order.recorded = TRY(read_signature(TRY(ObjectReader::open(*recorded, "recorded", kSignatureKeys))));
    order.approvals_needed = TRY(reader.number("approvals_needed")).value_or(1);
    order.approvals = TRY(read_signatures(reader.find("approvals")));
    order.extension = TRY(read_extension(reader.find("extension")));
    order.decided = TRY(parse_order_state(TRY(reader.text("decided")).value_or("recorded")));
    order.ended = TRY(read_end(reader.find("ended")));
    order.review_told = TRY(reader.flag("review_told"));
    order.expiry_told = TRY(reader.flag("expiry_told"));
    return order;
}

} // namespace meetfence
