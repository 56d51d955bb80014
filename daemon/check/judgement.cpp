// SPDX-License-Identifier: Apache-2.0
#include "daemon/check/judgement.h"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>

namespace meetfence::check {
namespace {

using store::MeetingRow;
using store::RuleRow;

constexpr std::chrono::seconds kTolerance{1};

IpAddress address_of(std::span<const __u8, 16> bytes)
{
    IpAddress::Bytes copy{};
    std::ranges::copy(bytes, copy.begin());
    return IpAddress(copy);
}

bool is_in(std::span<const IpPrefix> prefixes, const IpAddress& address)
{
    return std::ranges::any_of(prefixes, [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

// Each of these says what is wrong; "" where nothing is.

std::string wrong_meeting(const Drop& drop, const RuleRow& rule, const std::optional<MeetingRow>& meeting)
{
    if (!meeting) {
        return "there is no such meeting";
    }
    if (rule.meeting != meeting->id) {
        return "the rule is another meeting's";
    }
    if (drop.person && drop.person->meeting != drop.meeting) {
        return "the participant is in another meeting";
    }
    return {};
}

std::string wrong_time(const Drop& drop, const RuleRow& rule)
{
    if (drop.time < rule.from - kTolerance) {
        return "the rule had not begun";
    }
    if (drop.time >= rule.until + kTolerance) {
        return "the rule had ended";
    }
    if (rule.withdrawn && drop.time >= *rule.withdrawn + kTolerance) {
        return "the rule was withdrawn";
    }
    return {};
}

bool holds(const Endpoint& endpoint, const Drop& drop)
{
    const bool address = !endpoint.address || *endpoint.address == drop.local.address;
    const bool port = drop.local.port >= endpoint.first_port && drop.local.port <= endpoint.last_port;
    return endpoint.transport == drop.transport && address && port;
}

// On a shared endpoint the flow says which meeting it is: the disk knows of neither.
std::string wrong_endpoint(const Drop& drop, const MeetingRow& meeting)
{
    const auto held = [&](const Endpoint& endpoint) { return holds(endpoint, drop); };
    if (drop.dedicated && !drop.fragment && std::ranges::none_of(meeting.endpoints, held)) {
        return "the packet was on no endpoint of the meeting";
    }
    return {};
}

std::string named(Country country, const geo::Opinion& opinion)
{
    if (!country.none()) {
        return "the databases place it in " + std::string(country.code());
    }
    return opinion.disputed ? "the databases disagree on where it is" : "no database places it";
}

std::string wrong_country(const RuleRow& rule, const geo::Opinion& opinion)
{
    const auto country = opinion.country;
    if (rule.whom == Whom::all_but) {
        const bool let_in = country.none() || rule.countries.contains(country);
        return let_in ? named(country, opinion) + ", and the rule lets that in" : "";
    }
    if (rule.countries.empty()) { // about a participant, wherever placed
        return rule.whom == Whom::participant ? "" : "the rule names no country";
    }
    const bool kept_out = !country.none() && rule.countries.contains(country);
    return kept_out ? "" : named(country, opinion) + ", and the rule is about " + rule.countries.text();
}

std::string wrong_participant(const Drop& drop, const RuleRow& rule)
{
    if (rule.whom != Whom::participant || drop.fragment) {
        return {};
    }
    if (!drop.has_participant) {
        return "the rule is about one participant, and nobody knows whose the packet was";
    }
    return drop.person && drop.person->id != rule.participant ? "the rule is about another participant" : "";
}

std::string wrong_rule(const RuleRow& rule)
{
    if (rule.pending) {
        return "the rule's order is not approved";
    }
    return rule.mode == Mode::enforce ? "" : "the rule only monitors";
}

std::string whats_wrong(const Drop& drop, const Evidence& evidence, std::span<const IpPrefix> exempt)
{
    if (is_in(exempt, drop.remote.address)) {
        return "its remote address is exempt";
    }
    if (!evidence.rule) {
        return "there is no such rule";
    }
    const auto& rule = *evidence.rule;
    if (is_in(rule.except, drop.remote.address)) {
        return "the rule excepts its remote address";
    }
    for (auto why : {wrong_meeting(drop, rule, evidence.meeting), wrong_rule(rule), wrong_time(drop, rule),
                     wrong_participant(drop, rule), wrong_country(rule, evidence.opinion)}) {
        if (!why.empty()) {
            return why;
        }
    }
    return wrong_endpoint(drop, *evidence.meeting);
}

} // namespace

Drop to_drop(const mf_sample& sample, WallTime time)
{
    return {.meeting = sample.meeting,
            .rule = sample.rule,
            .time = time,
            .remote = {address_of(sample.remote), ntohs(sample.remote_port)},
            .local = {address_of(sample.local), ntohs(sample.local_port)},
            .transport = sample.protocol == IPPROTO_TCP ? Transport::tcp : Transport::udp,
            .fragment = sample.reason == MF_DROP_FRAGMENT,
            .dedicated = sample.dedicated != 0,
            .has_participant = sample.participant != 0,
            .person = {}};
}

Judgement judge(const Drop& drop, const Evidence& evidence, std::span<const IpPrefix> exempt)
{
    if (auto why = whats_wrong(drop, evidence, exempt); !why.empty()) {
        return {Verdict::outside, std::move(why)};
    }
    if (evidence.rule->whom == Whom::participant && !drop.person) {
        return {Verdict::unknown,
                drop.fragment ? "a later fragment does not say whose it is" : "the participant has left"};
    }
    return {};
}

} // namespace meetfence::check
