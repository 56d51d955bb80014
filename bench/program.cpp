// SPDX-License-Identifier: Apache-2.0
#include "bench/program.h"

#include <algorithm>
#include <barrier>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstring>
#include <ctime>
#include <linux/bpf.h>
#include <numeric>
#include <random>
#include <sched.h>
#include <stdexcept>
#include <thread>

#include "bench.skel.h"
#include "bench/frames.h"
#include "bench/kernel.h"
#include "bench/traffic.h"
#include "bench_egress.skel.h"
#include "daemon/dataplane/settings.h"

namespace meetfence::bench {
namespace {

constexpr std::uint32_t kMostMeetings = 131072;
constexpr std::uint64_t kSeed = 20200611;

template <class T> pins::MappedArray<T> map_array(bpf_map* map)
{
    return value_of(pins::MappedArray<T>::map(bpf_map__fd(map), bpf_map__max_entries(map),
                                              pins::Access::read_write, bpf_map__name(map)));
}

// The maps of both directions are the same, as in the daemon.
void share_maps(bpf_object& with, const bpf_object& from)
{
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, &with)
    {
        if (const auto* same = bpf_object__find_map_by_name(&from, bpf_map__name(map)); same != nullptr) {
            check(bpf_map__reuse_fd(map, bpf_map__fd(same)), "sharing maps");
        }
    }
}

template <class T> std::uint64_t sum(int fd, std::uint32_t index, std::uint64_t (*number)(const T&))
{
    std::vector<T> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    check(bpf_map_lookup_elem(fd, &index, values.data()), "reading counters");
    return std::accumulate(values.begin(), values.end(), std::uint64_t{0},
                           [number](std::uint64_t so_far, const T& value) { return so_far + number(value); });
}

Verdict verdict_of(const std::string& name, std::uint32_t returned)
{
    constexpr std::uint32_t kShot = 2;   // TC_ACT_SHOT
    constexpr std::uint32_t kNext = ~0U; // TC_ACT_UNSPEC
    if (returned == BENCH_NO_PACKET) {
        throw std::runtime_error(name + " had no packet to send");
    }
    const bool egress = name.starts_with("egress_");
    if (returned == (egress ? kNext : std::uint32_t{XDP_PASS})) {
        return Verdict::pass;
    }
    if (returned != (egress ? kShot : std::uint32_t{XDP_DROP})) {
        throw std::runtime_error(name + " returned " + std::to_string(returned));
    }
    return Verdict::drop;
}

void pin_to(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    check(sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno, "choosing CPU " + std::to_string(cpu));
}

} // namespace

double cpu_time_ns()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void Program::Unload::operator()(bench_bpf* skeleton) const
{
    bench_bpf::destroy(skeleton);
}

void Program::Unload::operator()(bench_egress_bpf* skeleton) const
{
    bench_egress_bpf::destroy(skeleton);
}

Program::Program() : skeleton_(bench_bpf::open()), egress_(bench_egress_bpf::open())
{
    libbpf_set_print(nullptr); // its errors come as exceptions
    if (!skeleton_ || !egress_) {
        throw std::runtime_error("opening the embedded programs");
    }
    load_programs();
    map_tables();
    fill_ufrags();
    geo_ = std::make_unique<dataplane::GeoTables>(bpf_map__fd(skeleton_->maps.geo), tables_.control[0]);
}

void Program::load_programs()
{
    constexpr const char* kLoading = "loading the programs (it takes root, or CAP_BPF, CAP_NET_ADMIN and "
                                     "CAP_PERFMON)";
    const auto capacities = dataplane::Capacities::for_limits(kMostMeetings, kFlows, kFlows);
    const auto& maps = skeleton_->maps;
    const auto size = [](bpf_map* map, std::uint32_t entries) {
        check(bpf_map__set_max_entries(map, entries), "sizing maps");
    };
    for (auto* map : {maps.endpoints, maps.meetings, maps.policies, maps.rules}) {
        size(map, kMostMeetings);
    }
    for (auto* map : {maps.cells, maps.cell_times}) {
        size(map, 1024);
    }
    size(maps.participants, capacities.participants);
    size(maps.participant_ids, 1);
    size(maps.ufrags, capacities.ufrags);
    size(maps.flows, capacities.flow_slots);
    skeleton_->rodata->multi_buffer = 1;
    check(bench_bpf::load(skeleton_.get()), kLoading);
    share_maps(*egress_->obj, *skeleton_->obj);
    check(bench_egress_bpf::load(egress_.get()), kLoading);
}

void Program::map_tables()
{
    const auto& maps = skeleton_->maps;
    tables_.control = map_array<mf_control>(maps.control);
    tables_.ports = map_array<std::uint32_t>(maps.ports);
    tables_.endpoints = map_array<mf_endpoint>(maps.endpoints);
    tables_.meetings = map_array<mf_meeting>(maps.meetings);
    tables_.policies = map_array<mf_policy>(maps.policies);
    tables_.rules = map_array<mf_rule>(maps.rules);
    participants_ = map_array<mf_participant>(maps.participants);
    flows_ = map_array<mf_flow>(maps.flows);
    packets_ = map_array<bench_packet>(maps.bench_packets);
    settings_ = map_array<bench_settings>(maps.bench_settings);

    auto& control = tables_.control[0];
    control.flow_slots = bpf_map__max_entries(maps.flows);
    control.flow_idle = 56; // a minute
    std::mt19937_64 random(kSeed);
    for (auto& word : control.flow_secret) {
        word = random() | 1U;
    }
    participant_tables_.emplace(dataplane::ParticipantMaps{map_array<mf_participant>(maps.participants),
                                                           map_array<mf_flow>(maps.flows)},
                                control);
}

Program::~Program() = default;

void Program::load(std::span<const bench_packet> packets)
{
    std::memcpy(&packets_[0], packets.data(), packets.size_bytes());
    settings_[0] = {.mask = static_cast<std::uint32_t>(packets.size() - 1),
                    .geo_active = tables_.control[0].geo_active};
}

double Program::run(const std::string& name, std::uint32_t packets, Verdict* last)
{
    const auto* object = name.starts_with("egress_") ? egress_->obj : skeleton_->obj;
    const auto* program = bpf_object__find_program_by_name(object, name.c_str());
    const bool is_v4 = name.ends_with("v4");
    const auto one_end = local_address(is_v4, 9);
    const auto frame =
        name.starts_with("stun_") ? stun_frame(one_end, one_end) : media_frame(one_end, one_end);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .repeat = static_cast<int>(packets));
    const double begin = cpu_time_ns();
    check(bpf_prog_test_run_opts(bpf_program__fd(program), &options), "running " + name);
    const double taken = cpu_time_ns() - begin;
    const auto verdict = verdict_of(name, options.retval);
    if (last != nullptr) {
        *last = verdict;
    }
    return taken / packets;
}

double Program::rate(const std::string& name, std::uint32_t packets, unsigned cpus)
{
    std::barrier together(static_cast<std::ptrdiff_t>(cpus));
    std::vector<double> rates(cpus);
    std::vector<std::thread> threads;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        threads.emplace_back([&, cpu] {
            pin_to(cpu);
            together.arrive_and_wait();
            rates[cpu] = 1 / run(name, packets);
        });
    }
    double total = 0;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        threads[cpu].join();
        total += rates[cpu];
    }
    return total;
}

std::uint64_t Program::count(mf_direction direction, mf_reason reason) const
{
    return sum<mf_traffic>(bpf_map__fd(skeleton_->maps.reasons),
                           std::uint32_t{MF_REASONS} * direction + reason,
                           [](const mf_traffic& traffic) -> std::uint64_t { return traffic.packets; });
}

std::uint64_t Program::tally(mf_tally what) const
{
    return sum<std::uint64_t>(bpf_map__fd(skeleton_->maps.tallies), what,
                              [](const std::uint64_t& number) { return number; });
}

} // namespace meetfence::bench
