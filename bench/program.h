// SPDX-License-Identifier: Apache-2.0
// The kernel half of the bench: the filter itself with its maps, and programs around it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/bpf/packets.h"
#include "daemon/dataplane/geo_tables.h"
#include "daemon/dataplane/kernel_tables.h"
#include "daemon/dataplane/participant_tables.h"
#include "kernel-headers/abi.h"
#include "model/country.h"
#include "model/ip.h"
#include "pins/mapped_array.h"

struct bench_bpf;
struct bench_egress_bpf;

namespace meetfence::bench {

using Packets = std::shared_ptr<const std::vector<bench_packet>>;

/// Meetings, each on an endpoint of its own, all with one rule that blocks these countries.
struct World {
    geo::Family family = geo::Family::v4;
    std::uint32_t meetings = 1;
    CountrySet countries;
    Packets flows; // confirmed, of one participant each, on the endpoint that the meetings share

    friend bool operator==(const World&, const World&) = default;
};

/// The tables are as large as the daemon makes them for so many.
inline constexpr std::uint32_t kFlows = 1'000'000;

/// What the tables of flows and of participants take, as the kernel tells it.
struct FlowFigure {
    std::size_t flows = 0;
    double ns = 0; // to put one in
    std::size_t without_room = 0;
    std::size_t bytes = 0;
};

enum class Verdict : std::uint8_t { pass, drop };

/// Errors of the kernel are thrown: a bench has nothing to fall back on.
class Program {
public:
    Program();
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void fill_tries(std::span<const geo::PlacedPrefix> v4, std::span<const geo::PlacedPrefix> v6);
    [[nodiscard]] dataplane::GeoTables& geo() { return *geo_; }
    void build(const World& world);
    /// What is sent, in turn; as many as a power of two.
    void load(std::span<const bench_packet> packets);

    /// Nanoseconds a packet of the program of this name, over so many packets, on this CPU. `last`
    /// becomes the last packet's verdict.
    [[nodiscard]] double run(const std::string& name, std::uint32_t packets, Verdict* last = nullptr);
    /// The same on several CPUs at once: packets a nanosecond of all together.
    [[nodiscard]] double rate(const std::string& name, std::uint32_t packets, unsigned cpus);
    /// Packets of this direction counted for this reason since loading.
    [[nodiscard]] std::uint64_t count(mf_direction direction, mf_reason reason) const;
    [[nodiscard]] std::uint64_t tally(mf_tally what) const;

    /// Empties the table of flows, and puts so many random ones into it by the daemon's own code.
    [[nodiscard]] FlowFigure fill_flows(std::size_t count);

private:
    void load_programs();
    void map_tables();
    void fill_ufrags();
    void clear_flows();
    void confirm(const std::vector<bench_packet>& flows, std::uint32_t meetings);

    struct Unload {
        void operator()(bench_bpf* skeleton) const;
        void operator()(bench_egress_bpf* skeleton) const;
    };
    std::unique_ptr<bench_bpf, Unload> skeleton_;
    std::unique_ptr<bench_egress_bpf, Unload> egress_;
    std::unique_ptr<dataplane::GeoTables> geo_;
    dataplane::KernelTables tables_;
    std::optional<dataplane::ParticipantTables> participant_tables_;
    pins::MappedArray<mf_participant> participants_;
    pins::MappedArray<mf_flow> flows_;
    bool has_flows_ = false;
    pins::MappedArray<bench_packet> packets_;
    pins::MappedArray<bench_settings> settings_;
};

/// This thread's own time: what others do on the same CPU in between does not count.
[[nodiscard]] double cpu_time_ns();

} // namespace meetfence::bench
