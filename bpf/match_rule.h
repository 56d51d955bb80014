/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 * What do the meeting's rules say about the country?
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

static __always_inline enum mf_reason judge_rule(const struct mf_rule *rule, const struct packet *packet,
                                                 __u64 now_ns)
{
    if (now_ns >= rule->until_ns)
        return MF_RULE_ENDED;
    if (now_ns < rule->from_ns)
        return MF_RULE_NOT_STARTED;
    if (in_prefix_set(rule->except_set, packet))
        return MF_EXCEPTED;
    return rule->mode == MF_MONITOR ? MF_MONITORED : MF_DROP_COUNTRY;
}

/* The strongest word of any rule that names the country; the packet is booked to that rule alone.
 * A global function: the verifier judges its loop once, not once for every way to reach it. */
__noinline int match_rules(__u32 policy_index, const struct packet *packet, struct finding *finding)
{
    const struct mf_policy *policy = bpf_map_lookup_elem(&policies, &policy_index);
    if (!policy || !packet || !finding)
        return MF_COUNTRY_NOT_CONCERNED;

    __u8 country = finding->country;
    /* In memory the verifier does not track: its value must not multiply the loop's states. */
    finding->reason = MF_COUNTRY_NOT_CONCERNED;
    finding->now_ns = bpf_ktime_get_boot_ns();
    for (__u32 i = 0; i < MF_RULES_PER_MEETING; i++) {
        if (i >= policy->rule_count || finding->reason >= MF_FIRST_DROP)
            break;
        __u32 index = policy->rules[i];
        const struct mf_rule *rule = bpf_map_lookup_elem(&rules, &index);
        if (!rule || !names_country(rule->countries, country))
            continue;
        enum mf_reason reason = judge_rule(rule, packet, finding->now_ns);
        if (reason <= finding->reason)
            continue;
        finding->reason = reason;
        finding->rule = index;
    }
    __u32 index = finding->rule;
    const struct mf_rule *rule = bpf_map_lookup_elem(&rules, &index);
    if (!index || !rule)
        return MF_COUNTRY_NOT_CONCERNED;
    finding->rule_number = rule->number;
    finding->rule_until_ns = rule->until_ns;
    finding->cell = rule->cells + country_rank(rule->countries, country);
    return finding->reason;
}
