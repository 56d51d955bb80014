// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/table_writer.h"

#include <algorithm>

namespace meetfence::dataplane {

void TableWriter::publish(Staged staged)
{
    // What adopts the tables takes a meeting for one by its first element, which nothing leads to yet.
    for (const auto& one : staged.meetings) {
        if (!one.remove && one.new_slot) {
            tables_.meetings[one.next.shared_slot].number = one.number;
            std::atomic_ref(tables_.meetings[one.next.slot].number)
                .store(one.number, std::memory_order_release);
        }
    }
    // What is shared no more is let go before rules change, and what is shared anew taken after: in
    // between, such a packet finds no rule that neither state has for it.
    for (auto it = staged.ports.begin(); it != staged.ports.end();) {
        if (loses_shared(it->first, it->second)) {
            publish_port(it->first, std::move(it->second));
            it = staged.ports.erase(it);
        } else {
            ++it;
        }
    }
    for (const auto& one : staged.meetings) {
        publish_meeting(one);
    }
    for (auto& [port_slot, chain] : staged.ports) {
        publish_port(port_slot, std::move(chain));
    }
    for (const auto& [at, flags] : staged.named) {
        if (flags == 0) {
            named_.erase(at);
        } else {
            named_[at] = flags;
        }
    }
    for (auto& one : staged.meetings) {
        auto& linked = meetings_[one.number];
        count_concerned(linked.rules, -1);
        count_concerned(one.next.rules, one.remove ? 0 : 1);
        if (linked.slot != 0 && (one.remove || one.new_slot)) {
            tables_.meetings[linked.slot].retired = 1;
            meeting_pool_.retire(linked.slot);
        }
        if (one.remove && linked.shared_slot != 0) {
            tables_.meetings[linked.shared_slot].retired = 1;
            meeting_pool_.retire(linked.shared_slot);
        }
        if (linked.policy != 0 && (one.remove || one.new_policy)) {
            policy_pool_.retire(linked.policy);
        }
        for (const auto& rule : one.retired) {
            retire_rule(rule, one.remove || !one.next.uses_cells(rule));
        }
        if (one.remove) {
            meetings_.erase(one.number);
        } else {
            linked = std::move(one.next);
        }
    }
    publish_concerned();
}

void TableWriter::publish_meeting(const Staged::OneMeeting& one)
{
    if (one.remove) {
        return; // its ports no longer lead there
    }
    auto& meeting = tables_.meetings[one.next.slot];
    auto& shared = tables_.meetings[one.next.shared_slot];
    if (!one.new_slot && one.new_policy) {
        dataplane::publish(meeting.policy, one.next.policy);
    }
    if (one.new_policy) {
        dataplane::publish(shared.policy, one.next.policy);
    }
}

bool TableWriter::loses_shared(std::uint32_t port_slot, const std::vector<LinkedEndpoint>& chain) const
{
    const auto it = ports_.find(port_slot);
    if (it == ports_.end() || std::ranges::none_of(it->second, &LinkedEndpoint::shared)) {
        return false;
    }
    const auto is_in = [](const std::vector<LinkedEndpoint>& endpoints, const LinkedEndpoint& wanted) {
        return std::ranges::any_of(endpoints, [&](const LinkedEndpoint& endpoint) {
            return endpoint.shared == wanted.shared && endpoint.local == wanted.local;
        });
    };
    return std::ranges::any_of(it->second,
                               [&](const auto& before) { return before.shared && !is_in(chain, before); }) ||
           std::ranges::any_of(chain,
                               [&](const auto& after) { return !after.shared && !is_in(it->second, after); });
}

void TableWriter::count_concerned(const std::vector<LinkedRule>& rules, int by)
{
    for (const auto& rule : rules) {
        for (std::size_t country = 0; country < concerned_.size(); ++country) {
            const bool named = (rule.image.countries.at(country / 64) >> (country % 64) & 1) != 0;
            concerned_.at(country) += named ? static_cast<std::uint32_t>(by) : 0;
        }
    }
}

void TableWriter::publish_concerned()
{
    for (std::size_t word = 0; word < MF_COUNTRY_WORDS; ++word) {
        std::uint64_t bits = 0;
        for (std::size_t bit = 0; bit < 64; ++bit) {
            bits |= std::uint64_t{concerned_.at(word * 64 + bit) != 0} << bit;
        }
        std::atomic_ref(control().concerned[word]).store(bits, std::memory_order_release);
    }
}

void TableWriter::publish_port(std::uint32_t port_slot, std::vector<LinkedEndpoint> chain)
{
    dataplane::publish(tables_.ports[port_slot], chain.empty() ? 0 : chain.back().index);
    auto& linked = ports_[port_slot];
    for (const auto& endpoint : linked) {
        endpoint_pool_.retire(endpoint.index);
    }
    linked = std::move(chain);
    if (linked.empty()) {
        ports_.erase(port_slot);
    }
}

void TableWriter::discard(Staged staged)
{
    for (auto& one : staged.meetings) {
        discard_one(one);
    }
    for (const auto& [port_slot, chain] : staged.ports) {
        for (const auto& endpoint : chain) {
            endpoint_pool_.give_back(endpoint.index);
        }
    }
}

void TableWriter::discard_one(Staged::OneMeeting& staged)
{
    const auto it = meetings_.find(staged.number);
    for (const auto& rule : staged.fresh) {
        discard_rule(rule, it == meetings_.end() || !it->second.uses_cells(rule));
    }
    if (staged.new_policy && staged.next.policy != 0) {
        policy_pool_.give_back(staged.next.policy);
    }
    if (staged.new_slot) {
        tables_.meetings[staged.next.slot] = {};
        meeting_pool_.give_back(staged.next.slot);
        if (it == meetings_.end()) {
            tables_.meetings[staged.next.shared_slot] = {};
            meeting_pool_.give_back(staged.next.shared_slot);
        }
    }
}

void TableWriter::discard_rule(const LinkedRule& rule, bool with_cells)
{
    tables_.rules[rule.index] = {};
    rule_pool_.give_back(rule.index);
    if (with_cells) {
        cell_pool_.give_back(rule.cells, rule.image.cell_count());
    }
    for (const auto& prefix : rule.image.except) {
        tables_.remove_prefix(rule.except_set, prefix);
    }
}

void TableWriter::retire_rule(const LinkedRule& rule, bool with_cells)
{
    rule_pool_.retire(rule.index);
    if (with_cells) {
        retired_cells_.push_back({rule.cells, rule.image.cell_count()});
    }
    if (rule.except_set != 0) {
        retired_sets_.push_back({rule.except_set, rule.image.except});
    }
}

Result<> TableWriter::set_exempt(const std::vector<IpPrefix>& prefixes)
{
    if (prefixes == exempt_.prefixes) {
        return {};
    }
    const auto set = TRY(make_prefix_set(prefixes));
    dataplane::publish(control().exempt_set, set);
    if (exempt_.set != 0) {
        retired_sets_.push_back(std::move(exempt_));
    }
    exempt_ = {set, prefixes};
    return {};
}

bool TableWriter::has_garbage() const
{
    return !endpoint_pool_.limbo().empty() || !meeting_pool_.limbo().empty() ||
           !policy_pool_.limbo().empty() || !rule_pool_.limbo().empty() || !retired_sets_.empty();
}

Result<> TableWriter::reclaim()
{
    if (!has_garbage()) {
        return {};
    }
    TRY(tables_.wait_for_packets());
    TRY(reclaim_rules());
    for (const auto& [set, prefixes] : retired_sets_) {
        for (const auto& prefix : prefixes) {
            tables_.remove_prefix(set, prefix);
        }
    }
    retired_sets_.clear();
    for (const auto slot : meeting_pool_.limbo()) {
        tables_.meetings[slot] = {};
    }
    endpoint_pool_.recycle();
    meeting_pool_.recycle();
    policy_pool_.recycle();
    return {};
}

// The drops of a rule that is gone stay in the sum before its cells are used again. All are read
// before anything is given back, so that a failure can be tried again.
Result<> TableWriter::reclaim_rules()
{
    std::uint64_t drops = 0;
    for (const auto& [first, count] : retired_cells_) {
        for (std::uint32_t cell = first; cell < first + count; ++cell) {
            drops += TRY(tables_.read_cell(cell)).total().dropped_packets;
        }
    }
    control().retired_drops += drops;
    for (const auto& [first, count] : retired_cells_) {
        cell_pool_.give_back(first, count);
    }
    retired_cells_.clear();
    for (const auto index : rule_pool_.limbo()) {
        tables_.rules[index] = {};
    }
    rule_pool_.recycle();
    return {};
}

TableWriter::InUse TableWriter::in_use() const
{
    const auto of = [](std::uint32_t size, const IndexPool& pool) { return size - 1 - pool.available(); };
    return {.policies = of(control().policies, policy_pool_),
            .rules = of(control().rules, rule_pool_),
            .endpoints = of(control().endpoints, endpoint_pool_),
            .cells = control().cells - cell_pool_.available()};
}

const LinkedRule* TableWriter::find_rule(std::uint64_t meeting, std::uint64_t rule) const
{
    const auto it = meetings_.find(meeting);
    return it == meetings_.end() ? nullptr : it->second.find_rule(rule);
}

Result<std::vector<CountryCounts>> TableWriter::counts(const LinkedRule& rule) const
{
    std::vector<CountryCounts> result;
    auto cell = rule.cells;
    for (const auto country : rule.image.cell_countries()) {
        result.push_back(TRY(tables_.read_cell(cell++)));
        result.back().country = country;
    }
    return result;
}

} // namespace meetfence::dataplane
