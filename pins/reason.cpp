// SPDX-License-Identifier: Apache-2.0
#include "pins/reason.h"

#include <algorithm>
#include <array>

namespace meetfence {
namespace {

struct Words {
    std::uint32_t reason;
    std::string_view name;
    std::string_view text;
};

constexpr auto kReasons = std::to_array<Words>({
    {MF_NOT_IP, "not_ip", "the frame carries neither IPv4 nor IPv6"},
    {MF_TRUNCATED_ETHERNET, "truncated_ethernet", "the frame ends inside the Ethernet header"},
    {MF_TRUNCATED_VLAN, "truncated_vlan", "the frame ends inside a VLAN tag"},
    {MF_VLAN_TOO_DEEP, "vlan_too_deep", "the frame has more than four VLAN tags"},
    {MF_TRUNCATED_IPV4, "truncated_ipv4", "the frame ends inside the IPv4 header"},
    {MF_BAD_IPV4, "bad_ipv4", "the IPv4 header is nonsense, or the frame is shorter than it says"},
    {MF_TRUNCATED_IPV6, "truncated_ipv6", "the frame ends inside the IPv6 header"},
    {MF_BAD_IPV6, "bad_ipv6", "the IPv6 header is nonsense, or the frame is shorter than it says"},
    {MF_TRUNCATED_EXTENSION, "truncated_extension", "the packet ends inside an IPv6 extension header"},
    {MF_TOO_MANY_EXTENSIONS, "too_many_extensions", "the packet has more than eight IPv6 extension headers"},
    {MF_OTHER_PROTOCOL, "other_protocol", "the packet is neither UDP nor TCP"},
    {MF_TRUNCATED_L4, "truncated_l4", "the packet ends inside the UDP or TCP header"},
    {MF_BAD_L4, "bad_l4", "the UDP or TCP header's length is nonsense"},
    {MF_LATER_FRAGMENT, "later_fragment", "a later fragment, and its first one was not dropped here"},
    {MF_OTHER_TRAFFIC, "other_traffic", "the local address is no registered endpoint"},
    {MF_EXEMPT, "exempt", "the remote address is exempt: own infrastructure"},
    {MF_UNPLACED, "unplaced", "no database places the remote address in a country"},
    {MF_COUNTRY_NOT_CONCERNED, "country_not_concerned", "no rule of the meeting names the country"},
    {MF_UNATTRIBUTED, "unattributed", "a shared endpoint, and no confirmed flow says which meeting it is"},
    {MF_CONTESTED, "contested", "two meetings claim the flow: nobody is blocked on doubt"},
    {MF_UNKNOWN_UFRAG, "unknown_ufrag", "an ICE check that names nobody who was handed over"},
    {MF_STUN_UNREADABLE, "stun_unreadable", "an ICE check whose attributes cannot be read"},
    {MF_PROVING, "proving", "an ICE check of somebody kept out, whose answer will prove the running flow"},
    {MF_RULE_ENDED, "rule_ended", "the rule that names the country has ended"},
    {MF_RULE_NOT_STARTED, "rule_not_started", "the rule that names the country has not started yet"},
    {MF_EXCEPTED, "excepted", "the rule that names the country excepts the remote address"},
    {MF_MONITORED, "monitored", "the rule that names the country only monitors: it would drop"},
    {MF_DROP_COUNTRY, "drop_country", "an enforced rule of the meeting names the country"},
    {MF_DROP_NOT_ALLOWED, "drop_not_allowed", "an enforced rule of the meeting lets in other countries only"},
    {MF_DROP_PARTICIPANT, "drop_participant", "an enforced rule of the meeting names the participant"},
    {MF_DROP_FRAGMENT, "drop_fragment", "a later fragment of a packet whose first fragment was dropped"},
});

constexpr auto kNumbers = [] {
    std::array<std::uint32_t, kReasons.size()> numbers{};
    std::ranges::transform(kReasons, numbers.begin(), &Words::reason);
    return numbers;
}();

const Words* find(std::uint32_t reason)
{
    const auto* const it = std::ranges::find(kReasons, reason, &Words::reason);
    return it == kReasons.end() ? nullptr : &*it;
}

} // namespace

std::string_view reason_name(std::uint32_t reason)
{
    const auto* words = find(reason);
    return words == nullptr ? std::string_view{} : words->name;
}

std::span<const std::uint32_t> reasons()
{
    return kNumbers;
}

std::string_view reason_text(std::uint32_t reason)
{
    const auto* words = find(reason);
    return words == nullptr ? std::string_view{} : words->text;
}

} // namespace meetfence
