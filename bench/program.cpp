// SPDX-License-Identifier: Apache-2.0
#include "bench/program.h"

#include <arpa/inet.h>
#include <barrier>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstring>
#include <ctime>
#include <linux/bpf.h>
#include <sched.h>
#include <stdexcept>
#include <thread>

#include "bench.skel.h"
#include "daemon/dataplane/explain.h"

namespace meetfence::bench {
namespace {

constexpr std::uint32_t kMostMeetings = 131072;
constexpr std::uint32_t kMeetingsPerAddress = 50000; // ports from kFirstPort on

void check(int result, const std::string& what)
{
    if (result < 0) {
        throw std::runtime_error(what + ": " + std::strerror(-result));
    }
}

template <class T> T value_of(Result<T> result)
{
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    return std::move(*result);
}

template <class T> pins::MappedArray<T> map_array(bpf_map* map)
{
    return value_of(pins::MappedArray<T>::map(bpf_map__fd(map), bpf_map__max_entries(map),
                                              pins::Access::read_write, bpf_map__name(map)));
}

IpAddress local_address(bool is_v4, std::uint8_t number)
{
    auto bytes = value_of(IpAddress::parse(is_v4 ? "198.18.0.0" : "2001:db8::")).bytes();
    bytes.back() = number;
    return IpAddress(bytes);
}

std::uint8_t address_number(std::uint32_t meeting)
{
    return static_cast<std::uint8_t>(1 + meeting / kMeetingsPerAddress);
}

std::uint16_t port_of(std::uint32_t meeting)
{
    return static_cast<std::uint16_t>(kFirstPort + meeting % kMeetingsPerAddress);
}

bench_packet packet(const IpAddress& remote, std::uint16_t port, std::uint8_t local)
{
    bench_packet packet{.local_port = htons(port), .local_number = local};
    std::ranges::copy(remote.bytes(), packet.remote);
    return packet;
}

// This thread's own time: what others do on the same CPU in between does not count.
double cpu_time_ns()
{
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void pin_to(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    check(sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno, "choosing CPU " + std::to_string(cpu));
}

} // namespace

void Program::Unload::operator()(bench_bpf* skeleton) const
{
    bench_bpf::destroy(skeleton);
}

Program::Program() : skeleton_(bench_bpf::open())
{
    libbpf_set_print(nullptr); // its errors come as exceptions
    if (!skeleton_) {
        throw std::runtime_error("opening the embedded program");
    }
    skeleton_->rodata->multi_buffer = 1;
    auto& maps = skeleton_->maps;
    for (auto* map : {maps.endpoints, maps.meetings, maps.policies, maps.rules}) {
        check(bpf_map__set_max_entries(map, kMostMeetings), "sizing maps");
    }
    check(bpf_map__set_max_entries(maps.cells, 1024), "sizing maps");
    check(bpf_map__set_max_entries(maps.cell_events, 1024), "sizing maps");
    check(bench_bpf::load(skeleton_.get()),
          "loading the program (it takes root, or CAP_BPF, CAP_NET_ADMIN and "
          "CAP_PERFMON)");
    tables_.control = map_array<mf_control>(maps.control);
    tables_.ports = map_array<std::uint32_t>(maps.ports);
    tables_.endpoints = map_array<mf_endpoint>(maps.endpoints);
    tables_.meetings = map_array<mf_meeting>(maps.meetings);
    tables_.policies = map_array<mf_policy>(maps.policies);
    tables_.rules = map_array<mf_rule>(maps.rules);
    packets_ = map_array<bench_packet>(maps.bench_packets);
    settings_ = map_array<bench_settings>(maps.bench_settings);
    geo_ = std::make_unique<dataplane::GeoTables>(bpf_map__fd(maps.geo), tables_.control[0]);
}

Program::~Program() = default;

void Program::fill_tries(std::span<const geo::PlacedPrefix> v4, std::span<const geo::PlacedPrefix> v6)
{
    const auto fill = [](int fd, std::span<const geo::PlacedPrefix> prefixes, std::size_t skip) {
        for (const auto& placed : prefixes) {
            std::array<std::uint8_t, 20> key{};
            const std::uint32_t bits = placed.prefix.bits;
            std::memcpy(key.data(), &bits, sizeof(bits));
            std::copy(placed.prefix.address.bytes().begin() + static_cast<std::ptrdiff_t>(skip),
                      placed.prefix.address.bytes().end(), key.begin() + sizeof(bits));
            const std::uint32_t country = placed.country.number();
            // A fresh trie may be short of memory for a moment (6.16 and later refill in the background).
            int error = -ENOMEM;
            while (error == -ENOMEM) {
                error = bpf_map_update_elem(fd, key.data(), &country, BPF_ANY);
            }
            check(error, "filling the kernel's trie");
        }
    };
    fill(bpf_map__fd(skeleton_->maps.bench_lpm_v4), v4, 12);
    fill(bpf_map__fd(skeleton_->maps.bench_lpm_v6), v6, 0);
}

void Program::build(const World& world)
{
    std::memset(&tables_.ports[0], 0, tables_.ports.size() * decltype(tables_.ports)::kStride);
    // One rule for all: what grows is what a packet's way leads through, not what it ends at.
    mf_rule rule{.number = 1, .until_ns = MF_NO_END, .cells = 0};
    for (const auto country : world.countries.list()) {
        rule.countries[country.number() / 64] |= 1ULL << (country.number() % 64);
        ++rule.cell_count;
    }
    tables_.rules[1] = rule;
    for (std::uint32_t i = 0; i < world.meetings; ++i) {
        mf_policy policy{.rule_count = 1};
        std::ranges::copy(rule.countries, policy.countries);
        policy.rules[0] = 1;
        tables_.policies[i + 1] = policy;
        tables_.meetings[i + 1] = {.number = i + 1, .policy = i + 1};
        auto& head = tables_.ports[port_of(i)];
        auto& endpoint = tables_.endpoints[i + 1];
        endpoint = {.meeting = i + 1, .next = head};
        std::ranges::copy(local_address(world.family == geo::Family::v4, address_number(i)).bytes(),
                          endpoint.local);
        head = i + 1;
    }
}

void Program::load(std::span<const bench_packet> packets)
{
    std::memcpy(&packets_[0], packets.data(), packets.size_bytes());
    settings_[0] = {.mask = static_cast<std::uint32_t>(packets.size() - 1),
                    .geo_active = tables_.control[0].geo_active};
}

double Program::run(const std::string& name, std::uint32_t packets, std::uint32_t* last)
{
    const auto* program = bpf_object__find_program_by_name(skeleton_->obj, name.c_str());
    const bool is_v4 = name.ends_with("v4");
    auto frame = dataplane::build_frame({local_address(is_v4, 9), 9}, Transport::udp,
                                        {local_address(is_v4, 1), kFirstPort});
    frame.resize(frame.size() + 22);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .repeat = static_cast<int>(packets));
    const double begin = cpu_time_ns();
    check(bpf_prog_test_run_opts(bpf_program__fd(program), &options), "running " + name);
    const double taken = cpu_time_ns() - begin;
    if (options.retval == XDP_ABORTED) {
        throw std::runtime_error(name + " had no packet to send");
    }
    if (last != nullptr) {
        *last = options.retval;
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

std::uint64_t Program::drops() const
{
    std::vector<mf_traffic> counters(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const std::uint32_t reason = MF_DROP_COUNTRY;
    check(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.reasons), &reason, counters.data()),
          "reading counters");
    std::uint64_t sum = 0;
    for (const auto& counter : counters) {
        sum += counter.packets;
    }
    return sum;
}

bench_packet packet_to_meeting(const IpAddress& remote, std::uint32_t meeting)
{
    return packet(remote, port_of(meeting), address_number(meeting));
}

bench_packet packet_to_nobody(const IpAddress& remote)
{
    return packet(remote, kUnregisteredPort, 1);
}

} // namespace meetfence::bench
