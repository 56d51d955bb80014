// SPDX-License-Identifier: Apache-2.0
// Service::apply: from the present state to a declared one, in one transaction.
#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string_view>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {
namespace {

std::string describe(const Meeting& meeting)
{
    std::string text;
    const auto add = [&](const std::vector<Endpoint>& endpoints, const char* kind) {
        for (const auto& endpoint : endpoints) {
            text.append(text.empty() ? "" : " ").append(endpoint.text()).append(kind);
        }
    };
    add(meeting.endpoints, "");
    add(meeting.shared_endpoints, " (shared)");
    add(meeting.turn_endpoints, " (TURN)");
    return meeting.until ? text + " until " + format_time(*meeting.until) : text;
}

std::string describe(const Rule& rule)
{
    return fmt::format("meeting {}: {} {} until {}", rule.meeting, to_text(rule.mode),
                       meetfence::describe(rule.whom, rule.countries, rule.participant),
                       format_time(rule.until));
}

// Works on a copy of the registry, so that every step is judged as the steps before left it, and
// nothing has happened when one is refused.
class Plan {
public:
    Plan(policy::Registry registry, policy::OrderBook orders, Actor actor, Time now)
        : registry_(std::move(registry)), orders_(std::move(orders)), actor_(std::move(actor)), now_(now)
    {
    }

    Result<> make(const Declaration& declaration)
    {
        for (const auto& terms : declaration.orders) {
            TRY(put_order(terms));
        }
        remove_others(declaration);
        for (const auto& declared : declaration.meetings) {
            free_endpoints(declared.meeting);
        }
        for (const auto& declared : declaration.meetings) {
            TRY(put_meeting(declared.meeting));
            TRY(put_rules(declared));
        }
        return {};
    }

    store::Changes changes;
    std::vector<DeclaredChange> report;

private:
    void remove_others(const Declaration& declaration)
    {
        std::set<std::string_view> declared;
        for (const auto& meeting : declaration.meetings) {
            declared.insert(meeting.meeting.id);
        }
        std::vector<std::string> gone;
        for (const auto& [id, entry] : registry_.meetings()) {
            if (!declared.contains(id)) {
                gone.push_back(id);
            }
        }
        for (const auto& id : gone) {
            const auto& entry = registry_.meetings().at(id);
            report.push_back({"remove", "meeting", id, describe(entry.meeting)});
            changes.removed_meetings.push_back(entry.number);
            const auto rules = entry.rules;
            for (const auto number : rules) {
                const auto& rule = **registry_.find_rule(number);
                if (rule.order.empty()) {
                    withdraw(rule);
                }
            }
            registry_.remove(id, now_, kWhy);
        }
    }

    // Orders are records: what is not there is recorded, and waits for approval as any other; one that is
    // there must be the same; none is ever removed.
    Result<> put_order(OrderTerms terms)
    {
        const auto known = orders_.find(terms.id);
        if (!known) {
            auto order = TRY(orders_.record(terms, actor_, now_));
            report.push_back({"add", "order", terms.id,
                              fmt::format("of {}, by {}", terms.jurisdiction.code(), terms.authority)});
            changes.put_orders.push_back(order);
            orders_.put(std::move(order));
            return {};
        }
        const auto& present = (*known)->terms;
        const auto or_present = [](std::optional<Time>& time, const std::optional<Time>& other) {
            time = time ? time : other;
        };
        if (terms.from && *terms.from <= now_ && *present.from <= now_) {
            terms.from.reset(); // a begin in the past is the past's affair
        }
        or_present(terms.from, present.from);
        or_present(terms.expires, present.expires);
        or_present(terms.review, present.review);
        if (terms != present) {
            return fail(ErrorCode::conflict,
                        "order '" + terms.id +
                            "' is recorded otherwise than the declaration says: an order is not "
                            "changed; `meetfencectl order show " +
                            terms.id + "` has it as it is",
                        "order_exists");
        }
        return {};
    }

    // Meetings may swap endpoints: first all let go, then each takes.
    void free_endpoints(const Meeting& meeting)
    {
        const auto known = registry_.find_meeting(meeting.id);
        if (known && (*known)->meeting != meeting) {
            before_.emplace(meeting.id, (*known)->meeting);
            registry_.put((*known)->number, Meeting{.id = meeting.id});
        }
    }

    Result<> put_meeting(const Meeting& meeting)
    {
        const auto known = registry_.find_meeting(meeting.id);
        if (known && (*known)->meeting == meeting && !before_.contains(meeting.id)) {
            return {};
        }
        TRY(registry_.check(meeting, now_));
        const auto number = known ? (*known)->number : registry_.next_meeting_number();
        report.push_back({known ? "change" : "add", "meeting", meeting.id, describe(meeting)});
        changes.put_meetings.push_back({number, meeting});
        registry_.put(number, meeting);
        return {};
    }

    Result<> put_rules(const DeclaredMeeting& declared)
    {
        const auto* entry = TRY(registry_.find_meeting(declared.meeting.id));
        std::vector<Rule> present;
        for (const auto* rule : registry_.rules_of(*entry)) {
            if (!rule->ended(now_)) {
                present.push_back(*rule);
            }
        }
        std::vector<RuleRequest> wanted;
        for (const auto& request : declared.rules) {
            const auto it =
                std::ranges::find_if(present, [&](const Rule& rule) { return is_same(rule, request); });
            if (it == present.end()) {
                wanted.push_back(request);
                continue;
            }
            TRY(adjust(*it, request));
            present.erase(it);
        }
        for (const auto& rule : present) {
            if (rule.order.empty()) { // an order's ends with it, or by `unblock`
                report.push_back({"remove", "rule", rule.id(), describe(rule)});
                withdraw(rule);
            }
        }
        for (const auto& request : wanted) {
            auto rule = TRY(grant(request));
            rule.number = registry_.next_rule_number();
            report.push_back({"add", "rule", rule.id(), describe(rule)});
            changes.put_rules.push_back(rule);
            registry_.put(rule);
        }
        return {};
    }

    [[nodiscard]] Result<Rule> grant(const RuleRequest& request) const
    {
        if (request.order.empty()) {
            return registry_.grant(request, now_, nullptr);
        }
        TRY(orders_.check_rule(request, now_));
        return registry_.grant(request, now_, TRY(orders_.find(request.order)));
    }

    // A begin in the past is the past's affair.
    [[nodiscard]] bool is_same(const Rule& rule, const RuleRequest& request) const
    {
        const auto from = std::max(request.from.value_or(now_), now_);
        const bool same_countries = rule.whom == Whom::participant || rule.countries == request.countries;
        return rule.whom == request.whom && same_countries && rule.participant == request.participant &&
               rule.except == request.except && rule.order == request.order &&
               (rule.from <= now_ ? from <= now_ : from == rule.from);
    }

    Result<> adjust(Rule rule, const RuleRequest& request)
    {
        auto meeting_end = (*registry_.find_meeting(rule.meeting))->meeting.until;
        const auto wanted = request.until.value_or(rule.until);
        if (!rule.order.empty()) {
            TRY(orders_.check_rule(request, now_)); // its end, too
            meeting_end.reset();
        }
        const auto until = std::min(wanted, meeting_end.value_or(wanted));
        if (rule.mode == request.mode && rule.until == until) {
            return {};
        }
        if (until <= std::max(now_, rule.from) ||
            until > std::max(now_, rule.from) + registry_.limits().max_duration) {
            return fail(ErrorCode::invalid, "rule " + rule.id() + " of meeting " + rule.meeting +
                                                " cannot end at " + format_time(until));
        }
        rule.mode = request.mode;
        rule.until = until;
        report.push_back({"change", "rule", rule.id(), describe(rule)});
        changes.put_rules.push_back(rule);
        registry_.put(rule);
        return {};
    }

    void withdraw(Rule rule)
    {
        rule.withdrawn = now_;
        rule.why = kWhy;
        changes.put_rules.push_back(rule);
        registry_.put(rule);
    }

    static constexpr const char* kWhy = "not in the declaration that was applied";

    policy::Registry registry_;
    policy::OrderBook orders_;
    Actor actor_;
    Time now_;
    std::map<std::string, Meeting> before_;
};

} // namespace

Result<std::vector<DeclaredChange>> Service::apply(const Declaration& declaration, bool dry_run,
                                                   const Actor& actor)
{
    Plan plan(registry_, orders_, actor, wall_now());
    TRY(plan.make(declaration));
    for (const auto& rule : plan.changes.put_rules) {
        const auto known = registry_.find_rule(rule.number);
        const bool tightens = !known || ((*known)->mode != Mode::enforce && rule.mode == Mode::enforce);
        if (tightens && !rule.withdrawn) {
            TRY(check_placed(rule));
            TRY(check_reach(rule, preview(rule)));
        }
    }
    const auto first_new = registry_.next_rule_number();
    if (!dry_run) {
        TRY(commit(plan.changes, {.actor = actor, .why = "not in the declaration that was applied"},
                   Disk::write));
        for (const auto& order : plan.changes.put_orders) {
            order_event("order_recorded", order);
        }
        for (const auto& rule : plan.changes.put_rules) {
            if (!rule.withdrawn) {
                rule_event(rule.number < first_new ? "rule_changed" : "rule_added", rule);
            }
        }
    }
    return std::move(plan.report);
}

} // namespace meetfence::service
