// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/participant_carrier.h"

#include <bpf/bpf.h>

#include "pins/unique_fd.h"

namespace meetfence::dataplane {
namespace {

using pins::Access;
using pins::MappedArray;

constexpr std::uint32_t kOldestLayout = 3; // of what is read here, nothing has changed since

} // namespace

Result<std::vector<LeftParticipant>> read_old_participants(const pins::Path& maps)
{
    const auto get = [&](const char* name) { return UniqueFd(bpf_obj_get((maps / name).c_str())); };
    const auto control_fd = get("control");
    const auto meetings_fd = get("meetings");
    const auto participants_fd = get("participants");
    const auto flows_fd = get("flows");
    const auto ids_fd = get("participant_ids");
    const auto ufrags_fd = get("ufrags");
    std::vector<LeftParticipant> left;
    if (!control_fd || !meetings_fd || !participants_fd || !flows_fd || !ids_fd || !ufrags_fd) {
        return left;
    }
    const auto layout =
        TRY(MappedArray<std::uint64_t>::map(control_fd.get(), 1, Access::read_only, "control"));
    const auto number = static_cast<std::uint32_t>(layout[0]);
    if (number < kOldestLayout || number > MF_LAYOUT) {
        return left;
    }
    const auto control = TRY(MappedArray<mf_control>::map(control_fd.get(), 1, Access::read_only, "control"));
    auto copy = control[0]; // the old program goes on with the original
    const auto meetings =
        TRY(MappedArray<mf_meeting>::map(meetings_fd.get(), copy.meetings, Access::read_only, "meetings"));
    ParticipantMaps old_maps{.ids_fd = ids_fd.get(), .ufrags_fd = ufrags_fd.get()};
    old_maps.participants = TRY(MappedArray<mf_participant>::map(participants_fd.get(), copy.participants,
                                                                 Access::read_write, "participants"));
    old_maps.flows =
        TRY(MappedArray<mf_flow>::map(flows_fd.get(), copy.flow_slots, Access::read_write, "flows"));
    ParticipantTables old(std::move(old_maps), copy);
    std::map<std::uint64_t, std::size_t> by_owner;
    for (auto& held : TRY(old.adopt())) {
        by_owner[held.entry.owner] = left.size();
        const bool known = held.meeting_slot < meetings.size();
        left.push_back({known ? meetings[held.meeting_slot].number : 0, std::move(held.entry), {}});
    }
    old.for_each_flow([&](const mf_flow& flow) {
        if (const auto it = by_owner.find(flow.owner);
            it != by_owner.end() && flow.proven != MF_TICK_ALWAYS) {
            left[it->second].learned.push_back(flow);
        }
    });
    return left;
}

} // namespace meetfence::dataplane
