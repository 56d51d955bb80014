// SPDX-License-Identifier: Apache-2.0
// The kernel half of the bench: the filter itself with its maps, and programs around it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/bpf/packets.h"
#include "daemon/dataplane/geo_tables.h"
#include "daemon/dataplane/kernel_tables.h"
#include "kernel-headers/abi.h"
#include "model/country.h"
#include "model/ip.h"
#include "pins/mapped_array.h"

struct bench_bpf;

namespace meetfence::bench {

/// Meetings, each on an endpoint of its own, all with one rule that blocks these countries.
struct World {
    geo::Family family = geo::Family::v4;
    std::uint32_t meetings = 1;
    CountrySet countries;

    friend bool operator==(const World&, const World&) = default;
};

inline constexpr std::uint16_t kFirstPort = 10000;
inline constexpr std::uint16_t kUnregisteredPort = 9;

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
    [[nodiscard]] double run(const std::string& name, std::uint32_t packets, std::uint32_t* last = nullptr);
    /// The same on several CPUs at once: packets a nanosecond of all together.
    [[nodiscard]] double rate(const std::string& name, std::uint32_t packets, unsigned cpus);
    /// Drops counted since loading.
    [[nodiscard]] std::uint64_t drops() const;

private:
    struct Unload {
        void operator()(bench_bpf* skeleton) const;
    };
    std::unique_ptr<bench_bpf, Unload> skeleton_;
    std::unique_ptr<dataplane::GeoTables> geo_;
    dataplane::KernelTables tables_;
    pins::MappedArray<bench_packet> packets_;
    pins::MappedArray<bench_settings> settings_;
};

/// To the meeting of this number (from 0), or to a port of no meeting.
[[nodiscard]] bench_packet packet_to_meeting(const IpAddress& remote, std::uint32_t meeting);
[[nodiscard]] bench_packet packet_to_nobody(const IpAddress& remote);

} // namespace meetfence::bench
