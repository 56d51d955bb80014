// SPDX-License-Identifier: Apache-2.0
// The real programs in the real kernel, with its maps, attached to nothing: packets come by
// BPF_PROG_TEST_RUN. Everything here throws where the kernel refuses; a test without the privilege
// to load programs fails.
#pragma once

#include <array>
#include <bpf/libbpf.h>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/geo/address_range.h"
#include "kernel-headers/abi.h"
#include "model/country.h"
#include "model/rule.h"
#include "pins/mapped_array.h"
#include "pins/unique_fd.h"
#include "tests/support/outcome.h"
#include "tests/support/packet.h"

struct meetfence_bpf;
struct meetfence_egress_bpf;

namespace meetfence::test {

struct Settings {
    bool multi_buffer = true;
    std::chrono::nanoseconds event_interval = std::chrono::seconds(10);
    std::chrono::nanoseconds sample_interval = std::chrono::milliseconds(100);
    std::uint32_t cells = 64;
    std::uint32_t flow_slots = 1024; // a power of two
};

/// A rule as it goes into the kernel. Times are the boot clock's.
struct KernelRule {
    std::vector<std::string_view> countries; // or those that a rule of all_but lets in, or those to
                                             // which one about a participant is limited
    Mode mode = Mode::enforce;
    std::uint64_t from_ns = 0;
    std::uint64_t until_ns = MF_NO_END;
    std::vector<std::string_view> except;
    Whom whom = Whom::countries;
    std::uint64_t participant = 0; // owner
};

/// Where it went.
struct PlacedRule {
    std::uint32_t index = 0;
    std::uint64_t number = 0;
    std::uint32_t first_cell = 0;
};

struct Explanation {
    Verdict verdict = Verdict::pass;
    mf_explain answer{};
    Bytes packet; // as the program left it
};

/// Now, by the clock rules are judged by.
[[nodiscard]] std::uint64_t boot_clock_ns();
/// Throws where a test mistypes a code.
[[nodiscard]] Country country(std::string_view code);

class LoadedProgram {
public:
    static constexpr std::uint32_t kEndpoints = 64, kMeetings = 64, kRules = 64, kParticipants = 64;
    static constexpr std::uint32_t kFlowIdle = 56; // ticks

    explicit LoadedProgram(const Settings& settings = {});
    ~LoadedProgram();
    LoadedProgram(const LoadedProgram&) = delete;
    LoadedProgram& operator=(const LoadedProgram&) = delete;

    // Setting up, in the domain's words. A meeting is called by its index; its number is 100 more,
    // a rule's 1000 more than its index, so that no test takes one for the other.
    std::uint32_t add_meeting();
    /// Meeting 0: shared. `flags`: MF_ENDPOINT_…
    void add_endpoint(std::uint32_t meeting, std::string_view endpoint, std::uint32_t flags = 0);
    /// Returns the owner word.
    std::uint64_t add_participant(std::uint32_t meeting);
    void remove_participant(std::uint64_t owner);
    void bind(std::uint64_t owner, std::string_view endpoint, std::string_view ufrag);
    /// A confirmed flow, as the daemon puts one that it is told of.
    mf_flow& add_flow(std::uint64_t owner, Transport transport, const SocketAddress& remote,
                      const SocketAddress& local);
    PlacedRule add_rule(std::uint32_t meeting, const KernelRule& rule);
    void place(std::string_view prefix, std::string_view country_code, std::uint32_t geo_slot = 0);
    void exempt(std::string_view prefix);

    /// Sends a frame; the kernel takes none shorter than an Ethernet header.
    Outcome run(const Bytes& frame);
    /// Sends a frame out.
    Outcome run_egress(const Bytes& frame);
    /// Sends it so many times, as fast as the kernel can; what that changes is for `counters`. Any
    /// thread may do it. Returns the last verdict.
    Verdict send(const Bytes& frame, std::uint32_t times) const;
    /// Sends it with these bytes as XDP metadata in front.
    Outcome run_with_metadata(const Bytes& frame, const Bytes& metadata);
    /// Asks for the verdict as the daemon does.
    Explanation explain(const Bytes& frame);

    [[nodiscard]] Counters counters() const;
    [[nodiscard]] std::uint64_t tally(mf_tally what) const;
    /// The element of the flow, or null.
    [[nodiscard]] mf_flow* find_flow(Transport transport, const SocketAddress& remote,
                                     const SocketAddress& local) const;
    [[nodiscard]] std::optional<mf_sighting> find_sighting(std::string_view endpoint,
                                                           std::string_view ufrag) const;
    /// Unattributed media ran so many ticks longer ago.
    void age_media(std::uint32_t ticks);
    [[nodiscard]] std::size_t flows_with_media() const;
    /// Now, by the clock flows are judged by.
    [[nodiscard]] static std::uint32_t tick();
    [[nodiscard]] std::vector<mf_event> take_events();
    [[nodiscard]] std::vector<mf_sample> take_samples();
    [[nodiscard]] std::vector<std::pair<mf_fragment_key, mf_fragment>> fragments() const;
    void write_fragment(const mf_fragment_key& key, const mf_fragment& value);
    void forget_fragments();
    [[nodiscard]] std::uint32_t verified_instructions(mf_direction direction = MF_INGRESS) const;
    [[nodiscard]] const bpf_object* object() const;
    [[nodiscard]] int geo_fd() const;

    // The kernel's tables themselves.
    pins::MappedArray<mf_control> control;
    pins::MappedArray<std::uint32_t> ports;
    pins::MappedArray<mf_endpoint> endpoints;
    pins::MappedArray<mf_meeting> meetings;
    pins::MappedArray<mf_policy> policies;
    pins::MappedArray<mf_rule> rules;
    pins::MappedArray<mf_cell_times> cell_times;
    pins::MappedArray<mf_participant> participants;
    pins::MappedArray<mf_flow> flows;

private:
    struct Unload {
        void operator()(meetfence_bpf* skeleton) const;
        void operator()(meetfence_egress_bpf* skeleton) const;
    };
    struct FreeRing {
        void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
    };
    struct GeoSlot {
        std::vector<geo::PlacedPrefix> places;
        bool written = true; // what the kernel has is what `places` say
        pins::MappedArray<mf_geo_chunk> memory;
    };
    struct TestRun {
        Verdict verdict;
        Bytes output; // metadata and packet
    };
    [[nodiscard]] TestRun test_run(Bytes input, std::size_t metadata_bytes);
    [[nodiscard]] int fd(const bpf_map* map) const { return bpf_map__fd(map); }
    void load_egress();
    void map_tables();
    void write_geo_slots();
    [[nodiscard]] std::vector<std::uint64_t> read_running() const;
    void put_prefix(std::uint32_t set, std::string_view prefix);

    std::unique_ptr<meetfence_bpf, Unload> skeleton_;
    std::unique_ptr<meetfence_egress_bpf, Unload> egress_;
    std::unique_ptr<ring_buffer, FreeRing> ring_, sample_ring_;
    std::vector<mf_event> events_;
    std::vector<mf_sample> samples_;
    std::array<GeoSlot, MF_GEO_BARRIER_SLOT> geo_slots_;
    std::uint32_t cells_;
    std::uint32_t last_meeting_ = 0, last_endpoint_ = 0, last_rule_ = 0, last_set_ = 0, last_participant_ = 0;
    std::uint32_t next_cell_ = 1; // cell 0 belongs to no rule, so that a lost number shows
};

} // namespace meetfence::test
