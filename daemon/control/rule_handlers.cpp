// SPDX-License-Identifier: Apache-2.0
// Rules: asked for, shown, changed, withdrawn.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>

#include "daemon/control/handlers.h"
#include "daemon/service/clock.h"

namespace meetfence::control {
namespace {

using service::Service;

Json view(const Service& service, const Rule& rule, const std::vector<CountryCounts>& by_country)
{
    const auto now = service::wall_now();
    auto json = to_json(rule, now, by_country);
    json["armed"] = service.registry().is_armed(rule, now);
    if (rule.number == 0) {
        json["id"] = nullptr; // of a dry run
    }
    return json;
}

Json view(const Service& service, const Rule& rule)
{
    return view(service, rule, service.counts(rule));
}

bool counted(const CountryCounts& cell)
{
    const auto total = cell.total();
    return total.dropped_packets + total.would_drop_packets + total.passed_packets != 0;
}

Json view(const service::Preview& preview)
{
    auto by_country = Json::object();
    for (const auto& [country, count] : preview.impact.by_country) {
        by_country[std::string(country.code())] = count;
    }
    return {{"registered", preview.registered},      {"participants", preview.impact.participants},
            {"connected", preview.impact.connected}, {"by_country", std::move(by_country)},
            {"unplaced", preview.impact.unplaced},   {"affected", preview.impact.affected},
            {"disputed", preview.disputed},          {"collateral", preview.collateral}};
}

std::string summary(const Rule& rule)
{
    return fmt::format("rule {}: {} {} in meeting {}, {} until {}", rule.id(), to_text(rule.mode),
                       rule.whom == Whom::participant ? "one participant"
                                                      : describe(rule.whom, rule.countries, ""),
                       rule.meeting, to_text(rule.state(service::wall_now())), format_time(rule.until));
}

// A rule stays what was asked for, and what was approved: neither a host's request nor an order reaches
// further by being changed.
Result<> refuse_widening(const Json& body)
{
    for (const auto* key :
         {"order", "basis", "meeting", "countries", "allow_only", "participant", "except"}) {
        if (body.is_object() && body.contains(key)) {
            return fail(ErrorCode::refused,
                        "'" + std::string(key) +
                            "' of a rule is not changed: withdraw it and add another one, "
                            "which is asked and approved anew",
                        "basis_fixed");
        }
    }
    return {};
}

// Beside the states a rule can be in: it is a withdrawn one's word as well.
constexpr std::string_view kSuspended = "suspended";

Result<> check_state_word(std::string_view word)
{
    using enum RuleState;
    std::string known;
    for (const auto state : {pending, scheduled, active, expired, withdrawn}) {
        if (word == to_text(state)) {
            return {};
        }
        known.append(to_text(state)).append(", ");
    }
    return word == kSuspended ? Result<>()
                              : fail(ErrorCode::invalid, fmt::format("'state' must be one of {}{}, not '{}'",
                                                                     known, kSuspended, word));
}

bool is_in_state(const Rule& rule, std::string_view word)
{
    return word == kSuspended ? rule.suspended : word == to_text(rule.state(service::wall_now()));
}

// Ended rules stay on record: there are thousands. Others are served between two pieces of the list.
class RuleList : public std::enable_shared_from_this<RuleList> {
public:
    struct Wanted {
        std::optional<std::string> meeting, state;
        bool counted_only = false;
    };
    RuleList(const Service& service, Wanted wanted, LaterReply reply)
        : service_(service), wanted_(std::move(wanted)), reply_(std::move(reply))
    {
    }

    void go_on()
    {
        constexpr std::size_t kRulesAtOnce = 250; // some 10 ms
        const auto& rules = service_.registry().rules();
        auto it = rules.upper_bound(last_);
        for (std::size_t i = 0; i < kRulesAtOnce && it != rules.end(); ++it) {
            last_ = it->first;
            if (is_wanted(it->second)) {
                add(it->second);
                ++i;
            }
        }
        if (it == rules.end()) {
            reply_(Response{.body = std::move(body_) + "]\n"});
            return;
        }
        service_.later([self = shared_from_this()] { self->go_on(); });
    }

private:
    [[nodiscard]] bool is_wanted(const Rule& rule) const
    {
        return (!wanted_.meeting || rule.meeting == *wanted_.meeting) &&
               (!wanted_.state || is_in_state(rule, *wanted_.state));
    }

    void add(const Rule& rule)
    {
        const auto counts = service_.counts(rule);
        if (!wanted_.counted_only || std::ranges::any_of(counts, counted)) {
            body_.append(body_.size() == 1 ? "" : ",").append(text_of(view(service_, rule, counts)));
        }
    }

    const Service& service_;
    Wanted wanted_;
    LaterReply reply_;
    std::string body_ = "[";
    std::uint64_t last_ = 0; // number of the rule before the next piece
};

Result<const Rule*> rule_of(const Service& service, const Request& request)
{
    return service.registry().find_rule(TRY(parse_rule_id(request.path.at(2))));
}

} // namespace

void list_rules(Service& service, const Request& request, LaterReply reply)
{
    const auto meeting = request.query.find("meeting");
    const auto state = request.query.find("state");
    const auto given = [&](const auto& it) {
        return it == request.query.end() ? std::nullopt : std::optional(it->second);
    };
    if (state != request.query.end()) {
        if (const auto known = check_state_word(state->second); !known) {
            reply(fail(known.error()));
            return;
        }
    }
    std::make_shared<RuleList>(
        service, RuleList::Wanted{given(meeting), given(state), request.flag("counted")}, std::move(reply))
        ->go_on();
}

Result<Response> get_rule(Service& service, const Request& request)
{
    return json_response(view(service, *TRY(rule_of(service, request))));
}

Result<Response> post_rule(Service& service, const Request& request)
{
    const auto wanted = TRY(rule_request_from_json(TRY(body_of(request))));
    const bool dry_run = request.flag("dry_run");
    const auto granted = TRY(service.add_rule(wanted, dry_run, request.peer.actor()));
    auto json = view(service, granted.rule);
    json["preview"] = view(granted.preview);
    auto response = json_response(json, dry_run ? 200 : 201);
    response.summary = dry_run ? "dry run" : summary(granted.rule);
    return response;
}

Result<Response> patch_rule(Service& service, const Request& request)
{
    constexpr auto kKeys = std::to_array<std::string_view>({"mode", "until"});
    const auto json = TRY(body_of(request));
    TRY(refuse_widening(json));
    const auto reader = TRY(ObjectReader::open(json, "", kKeys));
    std::optional<Mode> mode;
    if (const auto text = TRY(reader.text("mode"))) {
        mode = TRY(parse_mode(*text));
    }
    const auto* rule = TRY(rule_of(service, request));
    const auto changed =
        TRY(service.change_rule(rule->number, mode, TRY(reader.time("until")), request.peer.actor()));
    auto response = json_response(view(service, changed));
    response.summary = summary(changed);
    return response;
}

Result<Response> delete_rule(Service& service, const Request& request)
{
    const auto why = request.query.find("why");
    const auto* rule = TRY(rule_of(service, request));
    const auto withdrawn = TRY(service.withdraw_rule(
        rule->number, why == request.query.end() ? "" : why->second, request.peer.actor()));
    auto response = json_response(view(service, withdrawn));
    response.summary = summary(withdrawn);
    return response;
}

} // namespace meetfence::control
