// SPDX-License-Identifier: Apache-2.0
#include "audit/report_rules.h"

#include <algorithm>

#include "audit/report_body.h"

namespace meetfence::audit {
namespace {

void note_whom(RuleLog& rule, const Json& body)
{
    rule.order = text_of(body, "order");
    rule.all_but = !texts_of(body, "allow_only").empty();
    rule.participant = !text_of(body, "participant").empty();
    for (const auto& code : texts_of(body, "countries")) {
        if (const auto country = Country::from_database(code); !country.none()) {
            rule.countries.add(country);
        }
    }
}

RuleStep terms_of(const Entry& entry)
{
    const auto& body = entry.body;
    return {.sequence = entry.sequence,
            .time = entry.time,
            .enforced = !flag_of(body, "pending") && text_of(body, "mode") != "monitor",
            .from = time_of(body, "from").value_or(entry.time),
            .until = time_of(body, "until").value_or(entry.time)};
}

RuleEnd end_of(const Entry& entry)
{
    const auto& body = entry.body;
    return {.sequence = entry.sequence,
            .time = entry.time,
            .ended = time_of(body, "ended").value_or(entry.time),
            .packets_dropped = number_of(body, "packets_dropped"),
            .bytes_dropped = number_of(body, "bytes_dropped"),
            .participants = number_of(body, "participants_affected"),
            .drops_checked = number_of(body, "drops_checked"),
            .drops_outside_scope = number_of(body, "drops_outside_scope")};
}

void join(std::vector<Span>& spans, Span next)
{
    if (next.begin >= next.end) {
        return;
    }
    if (!spans.empty() && next.begin <= spans.back().end) { // a clock set back makes them overlap
        spans.back().end = std::max(spans.back().end, next.end);
        return;
    }
    spans.push_back(next);
}

} // namespace

void Undone::add(std::uint64_t first, std::uint64_t last)
{
    if (first <= last) {
        spans_.emplace_back(first, last);
    }
}

void Undone::settle()
{
    std::ranges::sort(spans_);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> apart;
    for (const auto& span : spans_) {
        if (!apart.empty() && span.first <= apart.back().second) {
            apart.back().second = std::max(apart.back().second, span.second);
        } else {
            apart.push_back(span);
        }
    }
    spans_ = std::move(apart);
}

bool Undone::contains(std::uint64_t sequence) const
{
    const auto it =
        std::ranges::upper_bound(spans_, sequence, {}, &std::pair<std::uint64_t, std::uint64_t>::first);
    return it != spans_.begin() && sequence <= std::prev(it)->second;
}

void note(RuleLog& rule, const Entry& entry)
{
    if (entry.what == "rule_ended") {
        rule.ends.push_back(end_of(entry));
    } else if (entry.what == "rule_withdrawn" || entry.what == "rule_suspended") {
        rule.steps.push_back(
            {.sequence = entry.sequence,
             .time = entry.time,
             .kind = entry.what == "rule_withdrawn" ? RuleStep::Kind::withdrawn : RuleStep::Kind::suspended});
    } else {
        rule.steps.push_back(terms_of(entry));
    }
    if (entry.what == "rule_added") {
        note_whom(rule, entry.body);
    } else if (rule.order.empty()) {
        rule.order = text_of(entry.body, "order");
    }
}

std::vector<Span> spans_in_force(const RuleLog& rule, const Undone& undone, Time until)
{
    auto limit = until;
    for (const auto& end : rule.ends) {
        if (!undone.contains(end.sequence)) {
            limit = std::min(limit, end.ended);
        }
    }
    std::vector<Span> spans;
    const RuleStep* before = nullptr;
    const auto close = [&](Time stop) {
        if (before != nullptr && before->enforced) {
            join(spans, {std::max(before->from, before->time), std::min({before->until, stop, limit})});
        }
    };
    for (const auto& step : rule.steps) {
        if (!undone.contains(step.sequence)) {
            close(step.time);
            before = &step;
        }
    }
    close(limit);
    return spans;
}

} // namespace meetfence::audit
