// SPDX-License-Identifier: Apache-2.0
// The running check, and Service: a dropped packet that no rule accounts for stops its rule at once.
#include "daemon/service/running_check.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fmt/format.h>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kSettled = kSecond; // packets that were on their way are through
constexpr std::uint64_t kSettledFragments =
    3 * kSecond; // they follow what was for two seconds (packet-path.md)
constexpr std::int64_t kSameClock = 500'000'000;

} // namespace

Result<> RunningCheck::open(const std::string& database)
{
    reader_.emplace(TRY(store::Reader::open(database)));
    return {};
}

void RunningCheck::use(geo::SecondOpinion opinion, std::uint32_t generation)
{
    opinion_ = std::move(opinion);
    generation_ = generation;
}

void RunningCheck::rule_changed(std::uint64_t rule, std::uint64_t now_ns)
{
    while (!forgetting_.empty() && forgetting_.front().first + 2 * kSettledFragments < now_ns) {
        const auto [when, which] = forgetting_.front();
        if (const auto it = changed_.find(which); it != changed_.end() && it->second == when) {
            changed_.erase(it);
        }
        forgetting_.pop_front();
    }
    changed_[rule] = now_ns;
    forgetting_.emplace_back(now_ns, rule);
}

bool RunningCheck::is_settled(const mf_sample& sample) const
{
    const auto it = changed_.find(sample.rule);
    const auto changed = std::max(everything_changed_, it == changed_.end() ? 0 : it->second);
    return sample.time_ns >= changed + (sample.reason == MF_DROP_FRAGMENT ? kSettledFragments : kSettled);
}

Result<check::Evidence> RunningCheck::gather(const mf_sample& sample, const IpAddress& remote)
{
    check::Evidence evidence;
    evidence.rule = TRY(reader_->rule(sample.rule));
    evidence.meeting = TRY(reader_->meeting(sample.meeting));
    evidence.opinion = TRY(opinion_->of(remote));
    return evidence;
}

Result<check::Judgement> RunningCheck::judge(const mf_sample& sample, std::optional<check::Person> person,
                                             std::int64_t wall_offset_ns, std::span<const IpPrefix> exempt)
{
    const check::Judgement skipped{check::Verdict::unknown, "it was dropped by what was before"};
    if (!reader_ || !opinion_ || sample.geo_generation != generation_ || !is_settled(sample)) {
        skip();
        return skipped;
    }
    const std::chrono::nanoseconds wall_ns(static_cast<std::int64_t>(sample.time_ns) + wall_offset_ns);
    auto drop = check::to_drop(sample, check::WallTime(wall_ns));
    drop.person = std::move(person);
    auto evidence = gather(sample, drop.remote.address);
    if (!evidence) {
        skip();
        return fail(std::move(evidence).error());
    }
    auto judgement = check::judge(drop, *evidence, exempt);
    if (judgement.verdict == check::Verdict::unknown) {
        skip();
        return judgement;
    }
    const std::uint64_t outside = judgement.verdict == check::Verdict::outside ? 1 : 0;
    for (auto* counts : {&all_, &counts_[sample.rule]}) {
        ++counts->checked;
        counts->outside += outside;
    }
    return judgement;
}

RunningCheck::Counts RunningCheck::counts(std::uint64_t rule) const
{
    const auto it = counts_.find(rule);
    return it == counts_.end() ? Counts{} : it->second;
}

Json RunningCheck::status() const
{
    return {{"checked", all_.checked}, {"outside", all_.outside}, {"skipped", skipped_}};
}

Service::Checked Service::checked(std::uint64_t rule) const
{
    const auto counts = check_.counts(rule);
    return {counts.checked, counts.outside};
}

std::optional<geo::Opinion> Service::opinion_of(const IpAddress& address) const
{
    const auto* opinion = check_.opinion();
    if (opinion == nullptr) {
        return std::nullopt;
    }
    const auto answer = opinion->of(address);
    return answer ? std::optional(*answer) : std::nullopt;
}

// On the thread for long work, which the archive belongs to.
Result<geo::SecondOpinion> Service::ask_archive(const Config& config,
                                                const std::vector<geo::Database>& files) const
{
    if (!files.empty() && !archive_.holds(files)) {
        return fail(ErrorCode::conflict, "the copies that are kept are not of the databases in force");
    }
    return geo::SecondOpinion::open(files.empty() ? std::vector<std::string>() : archive_.current(),
                                    config.agreement, config.overrides);
}

void Service::use_second_opinion(Result<geo::SecondOpinion> opinion, std::uint32_t generation)
{
    if (generation != plane_.tables().control().geo_active) {
        return; // another table is in force by now
    }
    if (!opinion) {
        listener_.log(Severity::warning, opinion.error().message + "; drops are not checked meanwhile",
                      {.message_id = message_id::kCheckBlind});
        return;
    }
    check_.use(std::move(*opinion), generation);
}

// New rules have no before.
void Service::note_changed_rules(const store::Changes& changes)
{
    const auto now = boot_now_ns();
    const auto note_all = [&](std::uint64_t meeting) {
        const auto* entry = registry_.meeting_by_number(meeting);
        for (const auto* rule : entry == nullptr ? std::vector<const Rule*>() : registry_.rules_of(*entry)) {
            check_.rule_changed(rule->number, now);
        }
    };
    for (const auto number : changes.removed_meetings) {
        note_all(number);
    }
    for (const auto& stored : changes.put_meetings) {
        note_all(stored.number);
    }
    for (const auto& rule : changes.put_rules) {
        if (registry_.find_rule(rule.number)) {
            check_.rule_changed(rule.number, now);
        }
    }
}

void Service::on_samples()
{
    std::vector<mf_sample> samples;
    const auto read =
        plane_.samples().read<mf_sample>([&](const auto& sample) { samples.push_back(sample); });
    if (!read) {
        listener_.log(Severity::error, read.error().message);
    }
    // The rules' times follow a clock that was just set in a moment.
    const auto offset = wall_offset_ns();
    const auto now = boot_now_ns();
    const bool clock_was_set = std::abs(offset - wall_offset_ns_) > kSameClock;
    for (const auto& sample : samples) {
        // What changed since is remembered for twice as long.
        const bool is_old = sample.time_ns + kSettledFragments < now;
        if (clock_was_set || is_old) {
            check_.skip();
        } else {
            check_drop(sample, offset);
        }
    }
}

void Service::check_drop(const mf_sample& sample, std::int64_t offset)
{
    std::optional<check::Person> person;
    if (const auto* place = roster_.find(sample.participant)) {
        person = {place->meeting, place->id};
    }
    const auto judgement = check_.judge(sample, std::move(person), offset, config_->exempt);
    if (!judgement) {
        if (judgement.error().message != check_problem_) {
            check_problem_ = judgement.error().message;
            listener_.log(Severity::warning, "a drop could not be checked: " + check_problem_,
                          {.message_id = message_id::kCheckBlind});
        }
        return;
    }
    if (judgement->verdict == check::Verdict::outside) {
        on_drop_outside(sample, judgement->why);
    }
}

// Whoever is kept out wrongly is let in first, and then it is told.
void Service::on_drop_outside(const mf_sample& sample, const std::string& why)
{
    std::atomic_ref(plane_.tables().control().outside_scope).fetch_add(1, std::memory_order_relaxed);
    const auto done = suspend_rule(sample.rule, why);
    tidy(); // empties the rule's element: whatever leads there by mistake finds nothing
    if (check_.counts(sample.rule).outside > 1) {
        return; // is told already
    }
    const auto* meeting = registry_.meeting_by_number(sample.meeting);
    const auto rule = "r" + std::to_string(sample.rule);
    listener_.log(Severity::error,
                  fmt::format("the running check found a packet that rule {} of meeting {} should not have "
                              "dropped: {}; {}",
                              rule, meeting == nullptr ? "(gone)" : meeting->meeting.id, why,
                              done ? "the rule is suspended"
                                   : "the rule could not be suspended: " + done.error().message),
                  {.message_id = message_id::kDropOutside,
                   .rule = rule,
                   .meeting = meeting == nullptr ? "" : meeting->meeting.id});
    listener_.event({{"event", "rule_suspended"},
                     {"rule", rule},
                     {"meeting", meeting == nullptr ? Json(nullptr) : Json(meeting->meeting.id)},
                     {"why", why}});
}

} // namespace meetfence::service
