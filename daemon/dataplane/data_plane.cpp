// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/data_plane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/random.h>

#include "daemon/dataplane/attachment.h"
#include "daemon/dataplane/counter_carrier.h"
#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/pin_directory.h"
#include "daemon/dataplane/prefix_sets.h"
#include "meetfence.skel.h"
#include "meetfence_egress.skel.h"
#include "pins/cells.h"

namespace meetfence::dataplane {
namespace {

using pins::Access;
using pins::MappedArray;
using pins::Path;

std::string last_libbpf_words;

int keep_words(enum libbpf_print_level level, const char* format, va_list arguments)
{
    if (level == LIBBPF_WARN) {
        std::array<char, 1024> line{};
        if (vsnprintf(line.data(), line.size(), format, arguments) > 0) {
            last_libbpf_words = line.data();
        }
    }
    return 0;
}

// Why the pinned maps cannot be used as they are; "" where they can.
Result<std::string> why_not_adopt(const Path& maps, const Capacities& wanted)
{
    const UniqueFd fd(bpf_obj_get((maps / "control").c_str()));
    if (!fd) {
        return std::string("none are pinned in ") + maps.parent_path().string();
    }
    // The layout comes first in every layout, whatever follows.
    const auto layout = TRY(MappedArray<std::uint64_t>::map(fd.get(), 1, Access::read_only, "control"));
    const auto number = static_cast<std::uint32_t>(layout[0]);
    if (number != MF_LAYOUT) {
        return "the pinned ones have layout " + std::to_string(number) + ", this version uses layout " +
               std::to_string(MF_LAYOUT);
    }
    const auto control = TRY(MappedArray<mf_control>::map(fd.get(), 1, Access::read_only, "control"));
    const auto& has = control[0];
    auto same = wanted; // what follows from the others is not told
    same.meetings = has.meetings;
    same.policies = has.policies;
    same.rules = has.rules;
    same.endpoints = has.endpoints;
    same.cells = has.cells;
    same.participants = has.participants;
    same.flow_slots = has.flow_slots;
    if (same != wanted) {
        return std::string("the configuration's limits have changed");
    }
    return std::string{};
}

void set_sizes(meetfence_bpf& skeleton, const Capacities& capacities)
{
    bpf_map__set_max_entries(skeleton.maps.meetings, capacities.meetings);
    bpf_map__set_max_entries(skeleton.maps.policies, capacities.policies);
    bpf_map__set_max_entries(skeleton.maps.rules, capacities.rules);
    bpf_map__set_max_entries(skeleton.maps.endpoints, capacities.endpoints);
    bpf_map__set_max_entries(skeleton.maps.cells, capacities.cells);
    bpf_map__set_max_entries(skeleton.maps.cell_times, capacities.cells);
    bpf_map__set_max_entries(skeleton.maps.participants, capacities.participants);
    bpf_map__set_max_entries(skeleton.maps.participant_ids, capacities.participant_ids);
    bpf_map__set_max_entries(skeleton.maps.ufrags, capacities.ufrags);
    bpf_map__set_max_entries(skeleton.maps.flows, capacities.flow_slots);
}

Result<> set_pin_paths(bpf_object* object, const Path& maps)
{
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object)
    {
        if (bpf_map__is_internal(map)) {
            continue;
        }
        if (const int error = bpf_map__set_pin_path(map, (maps / bpf_map__name(map)).c_str()); error != 0) {
            return kernel_error("naming the pin of map " + std::string(bpf_map__name(map)), -error);
        }
    }
    return {};
}

tl::unexpected<Error> loading_failed(const std::string& what, int error)
{
    auto result = kernel_error("loading " + what, -error);
    while (!last_libbpf_words.empty() && last_libbpf_words.back() == '\n') {
        last_libbpf_words.pop_back();
    }
    result.value().message += " (" + last_libbpf_words + ")";
    return result;
}

// The table of flows is as old as the secret it is hashed by.
Result<> make_secret(mf_control& control)
{
    auto& secret = control.flow_secret;
    if (secret[0] != 0) {
        return {};
    }
    if (getrandom(secret, sizeof(secret), 0) != static_cast<ssize_t>(sizeof(secret))) {
        return kernel_error("asking the kernel for random numbers");
    }
    for (auto& word : secret) {
        word |= 1U; // multiplying by an even number loses a bit
    }
    return {};
}

template <class T> Result<MappedArray<T>> map_array(bpf_map* map)
{
    return MappedArray<T>::map(bpf_map__fd(map), bpf_map__max_entries(map), Access::read_write,
                               bpf_map__name(map));
}

} // namespace

void DataPlane::DestroySkeleton::operator()(meetfence_bpf* skeleton) const
{
    meetfence_bpf__destroy(skeleton); // pinned objects stay
}

void DataPlane::DestroySkeleton::operator()(meetfence_egress_bpf* skeleton) const
{
    meetfence_egress_bpf__destroy(skeleton);
}

void DataPlane::RemovePins::operator()(const Path* bpf_dir) const
{
    std::error_code ignored;
    std::filesystem::remove_all(pins::new_maps(*bpf_dir), ignored);
    std::filesystem::remove(pins::links(*bpf_dir), ignored); // stays where a link is in it
    delete bpf_dir;
}

Result<DataPlane> DataPlane::open(const Settings& settings)
{
    libbpf_set_print(keep_words);
    TRY(prepare_pin_directory(settings.bpf_dir));
    TRY(check_interfaces(settings));

    DataPlane plane;
    plane.bpf_dir_ = settings.bpf_dir;
    const auto fresh = pins::new_maps(settings.bpf_dir);
    std::error_code error;
    std::filesystem::remove_all(fresh, error); // left by one that died while it made them

    plane.why_new_ = TRY(why_not_adopt(pins::maps(settings.bpf_dir), settings.capacities));
    if (plane.why_new_.empty()) {
        plane.adopted_ = true;
        TRY(plane.load(settings, pins::maps(settings.bpf_dir)));
        auto opened = plane.open_tables(settings);
        if (opened) {
            return plane;
        }
        if (opened.error().code != ErrorCode::conflict) {
            return fail(std::move(opened).error());
        }
        plane.why_new_ = opened.error().message;
    }
    plane.adopted_ = false;
    plane.participants_.reset();
    plane.tables_.reset();
    plane.not_in_force_yet_.reset(new Path(settings.bpf_dir));
    TRY(plane.load(settings, fresh));
    TRY(plane.open_tables(settings));
    return plane;
}

// Offers frames of several buffers where the kernel has them (5.18), and does without elsewhere.
Result<> DataPlane::load(const Settings& settings, const Path& maps)
{
    int error = 0;
    for (const bool multi_buffer : {true, false}) {
        skeleton_.reset(meetfence_bpf__open());
        if (!skeleton_) {
            return kernel_error("opening the embedded program");
        }
        set_sizes(*skeleton_, settings.capacities);
        TRY(set_pin_paths(skeleton_->obj, maps));
        skeleton_->rodata->multi_buffer = multi_buffer ? 1 : 0;
        if (!multi_buffer) {
            auto* program = skeleton_->progs.meetfence_xdp;
            bpf_program__set_flags(program,
                                   bpf_program__flags(program) & ~static_cast<__u32>(BPF_F_XDP_HAS_FRAGS));
        }
        std::error_code ignored;
        std::filesystem::create_directory(maps, ignored);
        error = meetfence_bpf__load(skeleton_.get());
        if (error == 0) {
            return load_egress();
        }
    }
    return loading_failed("the program", error);
}

// Over the same maps.
Result<> DataPlane::load_egress()
{
    egress_.reset(meetfence_egress_bpf__open());
    if (!egress_) {
        return kernel_error("opening the embedded egress program");
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, egress_->obj)
    {
        const auto* same = bpf_object__find_map_by_name(skeleton_->obj, bpf_map__name(map));
        if (same == nullptr || bpf_map__is_internal(map)) {
            continue;
        }
        if (const int error = bpf_map__reuse_fd(map, bpf_map__fd(same)); error != 0) {
            return kernel_error("sharing map " + std::string(bpf_map__name(map)), -error);
        }
    }
    if (const int error = meetfence_egress_bpf__load(egress_.get()); error != 0) {
        return loading_failed("the egress program", error);
    }
    return {};
}

Result<> DataPlane::open_tables(const Settings& settings)
{
    auto& maps = skeleton_->maps;
    KernelTables tables;
    tables.control = TRY(map_array<mf_control>(maps.control));
    tables.ports = TRY(map_array<std::uint32_t>(maps.ports));
    tables.endpoints = TRY(map_array<mf_endpoint>(maps.endpoints));
    tables.meetings = TRY(map_array<mf_meeting>(maps.meetings));
    tables.policies = TRY(map_array<mf_policy>(maps.policies));
    tables.rules = TRY(map_array<mf_rule>(maps.rules));
    tables.cell_times = TRY(map_array<mf_cell_times>(maps.cell_times));

    auto& control = tables.control[0];
    control.layout = MF_LAYOUT;
    control.meetings = bpf_map__max_entries(maps.meetings);
    control.policies = bpf_map__max_entries(maps.policies);
    control.rules = bpf_map__max_entries(maps.rules);
    control.endpoints = bpf_map__max_entries(maps.endpoints);
    control.cells = bpf_map__max_entries(maps.cells);
    control.participants = bpf_map__max_entries(maps.participants);
    control.flow_slots = bpf_map__max_entries(maps.flows);
    TRY(make_secret(control));

    geo_ = std::make_unique<GeoTables>(bpf_map__fd(maps.geo), control);
    const int cells_fd = bpf_map__fd(maps.cells);
    const int sets_fd = bpf_map__fd(maps.prefix_sets);
    tables.read_cell = [cells_fd](std::uint32_t cell) { return pins::read_cell(cells_fd, cell); };
    tables.zero_cell = [cells_fd](std::uint32_t cell) { return pins::zero_cell(cells_fd, cell); };
    tables.add_prefix = [sets_fd](auto set, const auto& prefix) { return add_prefix(sets_fd, set, prefix); };
    tables.remove_prefix = [sets_fd](auto set, const auto& prefix) { remove_prefix(sets_fd, set, prefix); };
    tables.list_prefixes = [sets_fd] { return list_prefixes(sets_fd); };
    tables.wait_for_packets = [geo = geo_.get()] { return geo->wait_for_packets(); };
    tables_ = std::make_unique<TableWriter>(TRY(TableWriter::adopt(std::move(tables))));
    set_flow_idle(settings.flow_idle);
    TRY(open_participants());
    events_ = TRY(Ring::open(bpf_map__fd(maps.events), "events"));
    samples_ = TRY(Ring::open(bpf_map__fd(maps.samples), "samples"));
    return {};
}

Result<> DataPlane::open_participants()
{
    auto& maps = skeleton_->maps;
    participants_ = std::make_unique<ParticipantTables>(
        ParticipantMaps{.participants = TRY(map_array<mf_participant>(maps.participants)),
                        .flows = TRY(map_array<mf_flow>(maps.flows)),
                        .ids_fd = bpf_map__fd(maps.participant_ids),
                        .ufrags_fd = bpf_map__fd(maps.ufrags),
                        .sightings_fd = bpf_map__fd(maps.sightings),
                        .strangers_fd = bpf_map__fd(maps.strangers),
                        .wait_for_packets = [geo = geo_.get()] { return geo->wait_for_packets(); }},
        tables_->control());
    return {};
}

Result<std::vector<LeftParticipant>> DataPlane::participants_left()
{
    if (!adopted_) {
        return read_old_participants(pins::maps(bpf_dir_));
    }
    std::map<std::uint32_t, std::uint64_t> numbers; // by slot
    for (const auto& [number, meeting] : tables_->meetings()) {
        numbers[meeting.shared_slot] = number;
    }
    std::vector<LeftParticipant> left;
    for (auto& held : TRY(participants_->adopt())) {
        const auto it = numbers.find(held.meeting_slot);
        left.push_back({it == numbers.end() ? 0 : it->second, std::move(held.entry), {}});
    }
    return left;
}

Result<std::uint64_t> DataPlane::tally(mf_tally what) const
{
    return pins::read_tally(bpf_map__fd(skeleton_->maps.tallies), what);
}

int DataPlane::program_fd() const
{
    return bpf_program__fd(skeleton_->progs.meetfence_xdp);
}

int DataPlane::egress_program_fd() const
{
    return bpf_program__fd(egress_->progs.meetfence_egress);
}

void DataPlane::carry_counters_over()
{
    if (!adopted_) {
        carry_counters(pins::maps(bpf_dir_), *tables_, bpf_map__fd(skeleton_->maps.reasons),
                       bpf_map__fd(skeleton_->maps.cells));
    }
}

void DataPlane::set_flow_idle(std::chrono::seconds idle)
{
    tables_->control().flow_idle =
        static_cast<std::uint32_t>(std::chrono::nanoseconds(idle).count() >> MF_TICK_SHIFT) + 1;
}

} // namespace meetfence::dataplane
