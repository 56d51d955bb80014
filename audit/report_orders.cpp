// SPDX-License-Identifier: Apache-2.0
#include "audit/report_orders.h"

#include <algorithm>

#include "audit/report_body.h"
#include "model/order.h"

namespace meetfence::audit {
namespace {

bool is_granted(Decision decision)
{
    return decision == Decision::approved || decision == Decision::narrowed;
}

// What the record of the order says.
void fill_terms(OrderLife& life, const OrderStep& step, Time until)
{
    auto& row = life.row;
    const auto& body = step.body;
    row.authority = text_of(body, "authority");
    row.authority_type =
        to_text(parse_authority_type(text_of(body, "authority_type")).value_or(AuthorityType::other));
    row.office = text_of(body, "office");
    row.jurisdiction = country_of(body, "jurisdiction");
    row.legal_basis = text_of(body, "legal_basis");
    row.category = text_of(body, "category");
    row.channel = to_text(parse_channel(text_of(body, "channel")).value_or(Channel::other));
    row.issued = time_of(body, "issued");
    row.received = time_of(body, "received");
    row.recorded = step.time;
    row.from = time_of(body, "from").value_or(step.time);
    row.asked_until = time_of(body, "requested_until");
    row.expires = time_of(body, "expires");
    row.gag = flag_of(body, "gag");
    const auto gag_until = time_of(body, "gag_until");
    life.gagged = row.gag && (!gag_until || *gag_until > until);
    life.gag_without_end = life.gagged && !gag_until;
    if (row.asked_until && *row.asked_until > *row.from) {
        row.asked = *row.asked_until - *row.from;
    }
}

class Life {
public:
    Life(const std::string& id, Time until) : until_(until)
    {
        life_.row.order = id;
        life_.row.authority_type = to_text(AuthorityType::other);
        life_.row.jurisdiction = kUnknownCountry;
        life_.row.channel = to_text(Channel::other);
    }

    void take(const OrderStep& step)
    {
        if (!begun_) {
            begun_ = true;
            life_.sequence = step.sequence;
            life_.recorded = now_ = step.time;
        }
        now_ = std::max(now_, step.time);    // a clock that was set back reorders nothing
        if (step.what != "order_extended") { // extended in time, whatever the clock says now
            run_out(now_);
        }
        apply(step);
    }

    std::optional<OrderLife> finish()
    {
        if (!begun_) {
            return std::nullopt;
        }
        run_out(until_);
        return std::move(life_);
    }

private:
    OrderRow& row() { return life_.row; }

    void apply(const OrderStep& step)
    {
        const auto state = text_of(step.body, "state");
        if (step.what == "order_recorded" && !row().recorded) {
            fill_terms(life_, step, until_);
            narrowing_ = !text_of(step.body, "narrowing").empty();
            if (state == "approved" || state == "active") {
                approve();
            }
        } else if (step.what == "order_approved" && state != "recorded" && !flag_of(step.body, "extension")) {
            approve();
        } else if (step.what == "order_rejected" && !is_granted(row().decision) && !life_.over) {
            row().reason = word_of(step.body, "reason", reject_reasons());
            decide(Decision::rejected);
            life_.over = now_;
        } else if (step.what == "order_withdrawn") {
            end(Decision::withdrawn, Ending::withdrawn, now_);
        } else if (step.what == "order_suspended") {
            end(Decision::withdrawn, Ending::suspended, now_);
        } else if (step.what == "order_expired") {
            end(Decision::lapsed, Ending::expired, now_);
        } else if (step.what == "order_extended") {
            extend(step);
        }
    }

    // What is in the log was done: an end by time that came before is taken back.
    void approve()
    {
        if (is_granted(row().decision) || row().decision == Decision::rejected ||
            row().decision == Decision::withdrawn) {
            return;
        }
        const bool shorter = row().asked_until && row().expires && *row().expires < *row().asked_until;
        decide(narrowing_ || shorter ? Decision::narrowed : Decision::approved);
        life_.over.reset();
        row().ended.reset();
    }

    void decide(Decision decision)
    {
        row().decision = decision;
        row().decided = now_;
        const auto received = row().received.value_or(life_.recorded);
        row().to_decide = now_ - (received > now_ ? life_.recorded : received);
    }

    // The first end counts.
    void end(Decision undecided, Ending granted, Time time)
    {
        if (life_.over) {
            return;
        }
        life_.over = row().ended = std::max(time, row().decided.value_or(life_.recorded));
        if (is_granted(row().decision)) {
            row().ending = granted;
        } else {
            row().decision = undecided;
        }
    }

    void extend(const OrderStep& step)
    {
        ++row().extensions;
        life_.extended.push_back(now_);
        row().expires = time_of(step.body, "expires").value_or(row().expires.value_or(now_));
        if (row().ending == Ending::expired) {
            row().ending = Ending::none;
            row().ended.reset();
            life_.over.reset();
        }
    }

    // Ends by time are the order's own: they need no daemon that notices.
    void run_out(Time now)
    {
        if (row().expires && *row().expires < now) {
            end(Decision::lapsed, Ending::expired, *row().expires);
        }
    }

    Time until_, now_;
    OrderLife life_;
    bool begun_ = false, narrowing_ = false;
};

} // namespace

bool OrderLife::granted() const
{
    return is_granted(row.decision);
}

std::optional<OrderLife> life_of(const std::string& id, const OrderLog& log, const Undone& undone, Time until)
{
    Life life(id, until);
    for (const auto& step : log) {
        if (!undone.contains(step.sequence)) {
            life.take(step);
        }
    }
    return life.finish();
}

} // namespace meetfence::audit
