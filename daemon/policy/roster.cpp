// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy/roster.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>

namespace meetfence::policy {
namespace {

template <class Key> std::string bytes_of(const Key& key)
{
    std::string bytes(sizeof(Key), '\0');
    std::memcpy(bytes.data(), &key, sizeof(Key));
    return bytes;
}

std::vector<UfragBinding> one_port_each(const std::vector<UfragBinding>& bindings)
{
    std::vector<UfragBinding> result;
    for (const auto& binding : bindings) {
        std::vector<EndpointImage> images;
        expand(binding.endpoint, images);
        for (const auto& image : images) {
            result.push_back({to_endpoint(image), binding.ufrag});
        }
    }
    std::ranges::sort(result);
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

IpAddress address_of(const std::uint8_t (&bytes)[16])
{
    IpAddress::Bytes copy{};
    std::ranges::copy(bytes, copy.begin());
    return IpAddress(copy);
}

} // namespace

mf_ufrag_key to_key(const UfragBinding& binding)
{
    mf_ufrag_key key{};
    const auto place = place_of(binding);
    std::ranges::copy(place.local, key.local);
    key.port_slot = place.port_slot;
    std::ranges::copy(binding.ufrag, key.ufrag);
    return key;
}

mf_flow_key to_key(const Flow& flow)
{
    mf_flow_key key{};
    std::ranges::copy(flow.remote.address.bytes(), key.remote);
    std::ranges::copy(flow.local.address.bytes(), key.local);
    key.remote_port = htons(flow.remote.port);
    key.local_port = htons(flow.local.port);
    key.protocol = flow.transport == Transport::tcp ? IPPROTO_TCP : IPPROTO_UDP;
    return key;
}

UfragBinding to_binding(const mf_ufrag_key& key)
{
    const auto* text = reinterpret_cast<const char*>(key.ufrag);
    return {to_endpoint({key.port_slot, address_of(key.local).bytes()}),
            std::string(text, strnlen(text, sizeof(key.ufrag)))};
}

Flow to_flow(const mf_flow_key& key)
{
    return {key.protocol == IPPROTO_TCP ? Transport::tcp : Transport::udp,
            {address_of(key.local), ntohs(key.local_port)},
            {address_of(key.remote), ntohs(key.remote_port)}};
}

EndpointImage place_of(const UfragBinding& binding)
{
    std::vector<EndpointImage> images;
    expand(binding.endpoint, images);
    return images.front();
}

EndpointImage place_of(const Flow& flow)
{
    return place_of(UfragBinding{{flow.transport, flow.local.address, flow.local.port, flow.local.port}, ""});
}

const Roster::Meeting& Roster::of(std::uint64_t meeting) const
{
    static const Meeting kNobody;
    const auto it = meetings_.find(meeting);
    return it == meetings_.end() ? kNobody : it->second;
}

const RosterEntry* Roster::find(std::uint64_t meeting, std::string_view id) const
{
    const auto& entries = of(meeting);
    const auto it = entries.find(id);
    return it == entries.end() ? nullptr : &it->second;
}

const Roster::Place* Roster::find(std::uint64_t owner) const
{
    const auto it = places_.find(owner);
    return it == places_.end() ? nullptr : &it->second;
}

Result<> Roster::check_free(const Owners& owners, const std::string& key, std::uint64_t owner,
                            std::uint64_t meeting, const std::string& what) const
{
    const auto it = owners.find(key);
    if (it == owners.end() || it->second == owner) {
        return {};
    }
    // Nobody is named: the log has no persons in it.
    const bool here = places_.at(it->second).meeting == meeting;
    return fail(ErrorCode::conflict, what + " is another participant's already, in " +
                                         (here ? "this" : "another") +
                                         " meeting: remove that one first, or what it is known by");
}

Result<RosterEntry> Roster::check(std::uint64_t meeting, const Participant& participant) const
{
    const auto* known = find(meeting, participant.id);
    if (known == nullptr && places_.size() >= limit_) {
        return fail(ErrorCode::exhausted, "all " + std::to_string(limit_) +
                                              " participants of the configuration's limits.participants are "
                                              "in use: remove one, or raise the limit");
    }
    RosterEntry entry{.owner = known == nullptr ? 0 : known->owner,
                      .id = participant.id,
                      .ufrags = one_port_each(participant.ufrags),
                      .flows = participant.flows,
                      .handed_over = true};
    for (const auto& binding : entry.ufrags) {
        TRY(check_free(ufrags_, bytes_of(to_key(binding)), entry.owner, meeting,
                       "ufrag " + binding.ufrag + " at " + binding.endpoint.text()));
    }
    for (const auto& flow : entry.flows) {
        TRY(check_free(flows_, bytes_of(to_key(flow)), entry.owner, meeting,
                       "a flow that the request names"));
    }
    return entry;
}

void Roster::put(std::uint64_t meeting, RosterEntry entry)
{
    auto& entries = meetings_[meeting];
    if (const auto it = entries.find(entry.id); it != entries.end()) {
        forget(it->second);
    }
    for (const auto& binding : entry.ufrags) {
        ufrags_[bytes_of(to_key(binding))] = entry.owner;
    }
    for (const auto& flow : entry.flows) {
        flows_[bytes_of(to_key(flow))] = entry.owner;
    }
    places_.insert_or_assign(entry.owner, Place{meeting, entry.id});
    auto id = entry.id;
    entries.insert_or_assign(std::move(id), std::move(entry));
}

void Roster::remove(std::uint64_t meeting, std::string_view id)
{
    const auto it = meetings_.find(meeting);
    if (it == meetings_.end()) {
        return;
    }
    if (const auto entry = it->second.find(id); entry != it->second.end()) {
        forget(entry->second);
        it->second.erase(entry);
    }
    if (it->second.empty()) {
        meetings_.erase(it);
    }
}

void Roster::forget(const RosterEntry& entry)
{
    for (const auto& binding : entry.ufrags) {
        ufrags_.erase(bytes_of(to_key(binding)));
    }
    for (const auto& flow : entry.flows) {
        flows_.erase(bytes_of(to_key(flow)));
    }
    places_.erase(entry.owner);
}

} // namespace meetfence::policy
