/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * What do the meeting's rules say about the country, and about the participant?
 */
#pragma once

static __always_inline bool names_country(const __u64 *countries, __u8 country)
{
    return countries[(country >> 6) & (MF_COUNTRY_WORDS - 1)] >> (country & 63) & 1;
}

/* How many of the rule's countries come before this one: its place among the rule's cells. */
static __always_inline __u32 country_rank(const __u64 *countries, __u8 country)
{
    __u32 rank = 0;
    __u32 last = (country >> 6) & (MF_COUNTRY_WORDS - 1);
#pragma unroll
    for (__u32 word = 0; word < MF_COUNTRY_WORDS; word++) {
        __u64 bits = countries[word];
        if (word == last)
            bits &= (1ull << (country & 63)) - 1;
        if (word <= last)
            rank += (__u32)__builtin_popcountll(bits);
    }
    return rank;
}

static __always_inline bool keeps_out(const struct mf_rule *rule, const struct finding *finding)
{
    if (!names_country(rule->countries, finding->country))
        return false;
    if (rule->whom == MF_WHOM_PARTICIPANT)
        return finding->participant && rule->participant == finding->participant;
    return true;
}

static __always_inline enum mf_reason drop_reason(const struct mf_rule *rule)
{
    if (rule->whom == MF_WHOM_PARTICIPANT)
        return MF_DROP_PARTICIPANT;
    return rule->whom == MF_WHOM_ALL_BUT ? MF_DROP_NOT_ALLOWED : MF_DROP_COUNTRY;
}

static __always_inline enum mf_reason judge_rule(const struct mf_rule *rule, const struct packet *packet,
                                                 __u64 now_ns)
{
    if (now_ns >= rule->until_ns)
        return MF_RULE_ENDED;
    if (now_ns < rule->from_ns)
        return MF_RULE_NOT_STARTED;
    if (in_prefix_set(rule->except_set, packet))
        return MF_EXCEPTED;
    return rule->mode == MF_MONITOR ? MF_MONITORED : drop_reason(rule);
}

static __always_inline enum mf_reason not_concerned(__u8 country)
{
    return country ? MF_COUNTRY_NOT_CONCERNED : MF_UNPLACED;
}

/* The strongest word of any rule that is about this packet, which is booked to that rule alone.
 * A global function: the verifier judges its loop once, not once for every way to reach it. */
__noinline int match_rules(__u32 policy_index, const struct packet *packet, struct finding *finding)
{
    const struct mf_policy *policy = bpf_map_lookup_elem(&policies, &policy_index);
    if (!policy || !packet || !finding)
        return MF_COUNTRY_NOT_CONCERNED;

    /* In memory the verifier does not track: its value must not multiply the loop's states. */
    finding->reason = not_concerned(finding->country);
    finding->rule = 0;
    finding->now_ns = recent_boot_ns(finding);
    for (__u32 i = 0; i < MF_RULES_PER_MEETING; i++) {
        if (i >= policy->rule_count || finding->reason >= MF_FIRST_DROP)
            break;
        __u32 index = policy->rules[i];
        const struct mf_rule *rule = bpf_map_lookup_elem(&rules, &index);
        if (!rule || !keeps_out(rule, finding))
            continue;
        if (is_close(rule->until_ns, finding->now_ns) || is_close(rule->from_ns, finding->now_ns))
            finding->now_ns = bpf_ktime_get_boot_ns(); /* not one packet beyond its time */
        enum mf_reason reason = judge_rule(rule, packet, finding->now_ns);
        if (reason <= finding->reason)
            continue;
        finding->reason = reason;
        finding->rule = index;
    }
    __u32 index = finding->rule;
    const struct mf_rule *rule = bpf_map_lookup_elem(&rules, &index);
    if (!index || !rule)
        return not_concerned(finding->country);
    finding->rule_number = rule->number;
    finding->rule_until_ns = rule->until_ns;
    finding->cell = rule->cells;
    if (rule->whom == MF_WHOM_COUNTRIES)
        finding->cell += country_rank(rule->countries, finding->country);
    return finding->reason;
}

/* By the rules of the meeting. */
static __always_inline enum mf_reason judge_by_rules(__u32 meeting_index, const struct packet *packet,
                                                     struct finding *finding)
{
    const struct mf_meeting *meeting = bpf_map_lookup_elem(&meetings, &meeting_index);
    if (!meeting)
        return MF_OTHER_TRAFFIC;
    finding->meeting_number = meeting->number;
    __u32 policy_index = *(const volatile __u32 *)&meeting->policy;
    const struct mf_policy *policy = bpf_map_lookup_elem(&policies, &policy_index);
    if (!policy || !names_country(policy->countries, finding->country))
        return not_concerned(finding->country);
    return match_rules(policy_index, packet, finding);
}
