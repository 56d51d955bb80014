// SPDX-License-Identifier: Apache-2.0
#include "audit/report_sums.h"

#include <algorithm>
#include <functional>

#include "audit/report_tally.h"
#include "audit/sha256.h"
#include "model/order.h"

namespace meetfence::audit {

Time ReportSums::begin() const
{
    return report_.since == Time{} ? report_.log.first_time.value_or(report_.until) : report_.since;
}

bool ReportSums::counts(const RuleEnd& end) const
{
    return in_period(end.time) && !notes_.undone.contains(end.sequence);
}

bool ReportSums::in_period(const std::vector<Span>& spans) const
{
    return std::ranges::any_of(spans,
                               [&](const Span& span) { return span.overlaps(begin(), report_.until); });
}

void ReportSums::sum_suspensions(const RuleLog& rule)
{
    auto& incident = report_.incidents.front();
    for (const auto& step : rule.steps) {
        if (step.kind == RuleStep::Kind::suspended && in_period(step.time) &&
            !notes_.undone.contains(step.sequence)) {
            ++(rule.order.empty() ? report_.hosts.suspended : report_.order_check.rules_suspended);
            ++incident.count;
            incident.last = std::max(incident.last.value_or(step.time), step.time);
        }
    }
}

void ReportSums::sum_rule(const RuleLog& rule)
{
    sum_suspensions(rule);
    const auto spans = spans_in_force(rule, notes_.undone, report_.until);
    for (auto& bucket : report_.over_time) {
        const bool there = std::ranges::any_of(
            spans, [&](const Span& span) { return span.overlaps(bucket.begin, bucket.end); });
        (rule.order.empty() ? bucket.host_rules : bucket.order_rules) += there ? 1 : 0;
    }
    if (rule.order.empty()) {
        sum_rule_of_host(rule, spans);
    } else if (const auto it = facts_.find(rule.order); it != facts_.end()) {
        sum_rule_of(it->second, rule, spans);
    } else if (!spans.empty()) { // the log lacks its beginning
        ++report_.log.unreadable;
    }
}

void ReportSums::sum_rule_of(OrderFacts& order, const RuleLog& rule, const std::vector<Span>& spans)
{
    auto& row = order.life.row;
    if (!spans.empty()) {
        ++row.rules;
        const bool goes_on = spans.back().end == report_.until;
        row.rules_not_ended += goes_on ? 1 : 0;
        order.in_force = order.in_force || goes_on;
        order.meetings.insert(rule.meeting);
        order.spans.insert(order.spans.end(), spans.begin(), spans.end());
    }
    if (in_period(spans)) {
        order_meetings_.insert(rule.meeting);
    }
    for (const auto& end : rule.ends) {
        if (counts(end)) {
            order.rule_ended = true;
            order.participants += end.participants;
            row.packets_dropped += end.packets_dropped;
            row.bytes_dropped += end.bytes_dropped;
            row.drops_checked += end.drops_checked;
            row.drops_outside_scope += end.drops_outside_scope;
            report_.order_check.drops_checked += end.drops_checked;
            report_.order_check.drops_outside_scope += end.drops_outside_scope;
        }
    }
}

void ReportSums::sum_rule_of_host(const RuleLog& rule, const std::vector<Span>& spans)
{
    auto& hosts = report_.hosts;
    for (const auto& end : rule.ends) {
        if (counts(end)) {
            hosts.packets_dropped += end.packets_dropped;
            hosts.drops_checked += end.drops_checked;
            hosts.drops_outside_scope += end.drops_outside_scope;
        }
    }
    if (!in_period(spans)) {
        return;
    }
    ++hosts.rules;
    hosts.begun += in_period(spans.front().begin) ? 1 : 0;
    host_meetings_.insert(rule.meeting);
    hosts.all_but += rule.all_but ? 1 : 0;
    hosts.participant += rule.participant ? 1 : 0;
    for (const auto country : rule.countries.list()) {
        ++hosts.by_country[std::string(country.code())];
    }
    if (spans.back().end < report_.until) {
        host_durations_.push_back(length_of_union(spans));
    }
}

void ReportSums::finish_row(OrderFacts& order)
{
    auto& row = order.life.row;
    row.participants = People(order.participants);
    row.applied = length_of_union(order.spans);
    for (const auto meeting : order.meetings) {
        row.meetings.push_back("h:" + keyed_hash(key_, notes_.meeting_names[meeting]));
    }
    std::ranges::sort(row.meetings); // not in the order in which they came
    switch (row.decision) {
    case Decision::undecided:
        row.state = to_text(OrderState::recorded);
        break;
    case Decision::rejected:
        row.state = to_text(OrderState::rejected);
        break;
    case Decision::withdrawn:
        row.state = to_text(OrderState::withdrawn);
        break;
    case Decision::lapsed:
        row.state = to_text(OrderState::expired);
        break;
    default:
        row.state = row.ending == Ending::expired     ? to_text(OrderState::expired)
                    : row.ending == Ending::withdrawn ? to_text(OrderState::withdrawn)
                    : row.ending == Ending::suspended ? to_text(OrderState::suspended)
                    : order.in_force                  ? to_text(OrderState::active)
                                                      : to_text(OrderState::approved);
    }
}

// Those that were open at any moment of the period, or whose rules ended in it, as they were recorded.
std::vector<ReportSums::OrderFacts*> ReportSums::finish_orders()
{
    std::vector<OrderFacts*> concerned;
    for (auto& [id, order] : facts_) {
        if (!order.life.over || *order.life.over >= report_.since || order.rule_ended) {
            finish_row(order);
            concerned.push_back(&order);
        }
    }
    std::ranges::sort(concerned, {}, [](const OrderFacts* order) { return order->life.sequence; });
    return concerned;
}

void ReportSums::sum_groups(const std::vector<OrderFacts*>& concerned)
{
    std::map<std::string, Tally> by_jurisdiction, by_type;
    std::map<std::string, RejectionCount> by_reason;
    for (const auto* order : concerned) {
        const auto& life = order->life;
        add(report_.orders, life, report_.since, order->in_force);
        add(by_jurisdiction[life.row.jurisdiction], life, report_.since, order->in_force);
        add(by_type[life.row.authority_type], life, report_.since, order->in_force);
        if (life.row.decision == Decision::rejected && *life.over >= report_.since) {
            auto& rejections = by_reason[life.row.reason];
            ++rejections.orders;
            ++rejections.by_jurisdiction[life.row.jurisdiction];
        }
        if (life.gagged) {
            ++report_.withheld;
            report_.withheld_without_end += life.gag_without_end ? 1 : 0;
        } else {
            report_.rows.push_back(life.row);
        }
    }
    report_.by_jurisdiction.assign(by_jurisdiction.begin(), by_jurisdiction.end());
    std::ranges::stable_sort(report_.by_jurisdiction, std::greater{},
                             [](const auto& group) { return group.second.handled(); });
    for (const auto* type : {"court", "agency", "other"}) {
        report_.by_authority_type.emplace_back(type, by_type[type]);
    }
    for (const auto reason : reject_reasons()) {
        report_.rejections.emplace_back(reason, by_reason[std::string(reason)]);
    }
}

void ReportSums::sum_times(const std::vector<OrderFacts*>& concerned)
{
    std::vector<std::chrono::seconds> to_decide, asked, applied;
    for (const auto* order : concerned) {
        const auto& row = order->life.row;
        if (row.to_decide && *row.decided >= report_.since) {
            to_decide.push_back(*row.to_decide);
            auto& classes =
                order->life.granted() ? report_.decision_times.approved : report_.decision_times.rejected;
            ++classes.at(class_of(*row.to_decide));
        }
        if (row.ending == Ending::none || *order->life.over < report_.since) {
            continue;
        }
        applied.push_back(row.applied);
        ++report_.durations.applied_classes.at(class_of(row.applied));
        if (row.asked) {
            asked.push_back(*row.asked);
            ++report_.durations.asked_classes.at(class_of(*row.asked));
        } else {
            ++report_.durations.none_named;
        }
    }
    report_.decision_times.all = summarize(std::move(to_decide));
    report_.durations.asked = summarize(std::move(asked));
    report_.durations.applied = summarize(std::move(applied));
}

void ReportSums::finish_refusals()
{
    for (const auto& [what, count] : notes_.refusals) {
        report_.refusals.push_back({what.first, what.second, count});
    }
    std::ranges::stable_sort(report_.refusals, std::greater{}, &RefusalCount::count);
}

Report ReportSums::finish()
{
    notes_.undone.settle();
    report_.over_time = buckets_of(begin(), report_.until);
    for (const auto& [id, log] : notes_.orders) {
        if (auto life = life_of(id, log, notes_.undone, report_.until)) {
            facts_.emplace(id, OrderFacts{.life = std::move(*life)});
        }
    }
    for (const auto& [id, rule] : notes_.rules) {
        sum_rule(rule);
    }
    const auto concerned = finish_orders();
    sum_groups(concerned);
    sum_times(concerned);
    report_.meetings = order_meetings_.size();
    report_.hosts.meetings = host_meetings_.size();
    report_.hosts.durations = summarize(std::move(host_durations_));
    finish_refusals();
    return std::move(report_);
}

} // namespace meetfence::audit
