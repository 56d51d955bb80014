// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/figures.h"

#include <algorithm>

#include "daemon/service/service.h"

namespace meetfence::service {

void Durations::add(std::chrono::duration<double> took)
{
    const auto* const bound = std::ranges::lower_bound(kBounds, took.count());
    ++counts.at(static_cast<std::size_t>(bound - kBounds.begin()));
    sum += took.count();
}

void Service::record(const Answered& answered)
{
    if (answered.status >= 400) {
        ++(answered.status < 500 ? requests_.refused : requests_.failed);
    } else if (answered.change) {
        requests_.in_force.at(static_cast<std::size_t>(*answered.change)).add(answered.took);
    }
}

Result<Figures> Service::figures(FlowCount flow_count) const
{
    const auto& people = plane_.participants();
    Figures figures;
    figures.pinned = TRY(read_pinned_status(config_->bpf_dir));
    const auto of_late = people.swept_flows();
    if (flow_count == FlowCount::of_late && of_late) {
        figures.flows = *of_late;
    } else {
        people.for_each_flow([&](const mf_flow&) { ++figures.flows; });
    }
    figures.flows_waiting = TRY(people.count_waiting());
    figures.flows_contested = TRY(plane_.tally(MF_TALLY_CONTESTED));
    figures.flows_refused = TRY(plane_.tally(MF_TALLY_NO_ROOM));

    // Of meetings, participants and flows what the limits say: the tables have more room than that.
    const auto in_use = plane_.tables().in_use();
    const auto& control = plane_.tables().control();
    figures.tables = {{{"meetings", registry_.meetings().size(), config_->max_meetings},
                       {"rules", in_use.rules, control.rules - 1},
                       {"policies", in_use.policies, control.policies - 1},
                       {"endpoints", in_use.endpoints, control.endpoints - 1},
                       {"cells", in_use.cells, control.cells},
                       {"participants", roster_.size(), config_->max_participants},
                       {"ufrags", roster_.ufrags(), 2 * config_->max_participants},
                       {"flows", figures.flows, config_->max_flows}}};
    return figures;
}

// Beside what a rule counts now, there is what it counted before its meeting went and came back.
RuleCounts Service::total(const Rule& rule, const Figures& figures) const
{
    RuleCounts sum;
    if (const auto before = counted_.find(rule.number); before != counted_.end()) {
        for (const auto& cell : before->second) {
            sum += cell.total();
        }
    }
    const auto meeting = registry_.meetings().find(rule.meeting);
    if (meeting == registry_.meetings().end()) {
        return sum;
    }
    const auto* linked = plane_.tables().find_rule(meeting->second.number, rule.number);
    const auto now = figures.pinned.rule_counts.find(linked == nullptr ? 0 : linked->cells);
    if (linked != nullptr && now != figures.pinned.rule_counts.end()) {
        sum += now->second;
    }
    return sum;
}

} // namespace meetfence::service
