// SPDX-License-Identifier: Apache-2.0
// The kernel half, as one object: maps, program, links. Opening it finds what an earlier daemon left
// in force and goes on with it, or makes everything new beside it; `go` switches the interfaces over.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/dataplane/geo_tables.h"
#include "daemon/dataplane/participant_carrier.h"
#include "daemon/dataplane/ring.h"
#include "daemon/dataplane/settings.h"
#include "daemon/dataplane/table_writer.h"
#include "kernel-headers/abi.h"
#include "model/result.h"

struct meetfence_bpf;
struct meetfence_egress_bpf;

namespace meetfence::dataplane {

class DataPlane {
public:
    /// Nothing that packets see changes yet.
    [[nodiscard]] static Result<DataPlane> open(const Settings& settings);

    /// Whether the tables of an earlier daemon are in use; else they are empty, and `why_new` says why.
    [[nodiscard]] bool adopted() const { return adopted_; }
    [[nodiscard]] const std::string& why_new() const { return why_new_; }

    [[nodiscard]] TableWriter& tables() { return *tables_; }
    [[nodiscard]] const TableWriter& tables() const { return *tables_; }
    [[nodiscard]] GeoTables& geo() { return *geo_; }
    [[nodiscard]] ParticipantTables& participants() { return *participants_; }
    [[nodiscard]] const ParticipantTables& participants() const { return *participants_; }

    /// Who took part when an earlier daemon ended. In tables that are made anew they have to be put again.
    [[nodiscard]] Result<std::vector<LeftParticipant>> participants_left();
    [[nodiscard]] int program_fd() const;

    /// Brings the counters of replaced maps over, where they can be read; once tables are filled.
    void carry_counters_over();

    /// Puts program and maps in force on every interface, each in one step, and pins them. Returns
    /// what the log should know.
    [[nodiscard]] Result<std::vector<std::string>> go(const Settings& settings);

    /// Once it is in force: puts it on the interfaces of other settings, takes it off those that are not in
    /// them. All or nothing, as `go`.
    [[nodiscard]] Result<std::vector<std::string>> attach(const Settings& settings);

    /// Puts the programs where they are missing: on devices that have come, or were made anew. Returns the
    /// interfaces that are not filtered, and why.
    [[nodiscard]] std::map<std::string, std::string> follow(const Settings& settings);

    void set_flow_idle(std::chrono::seconds idle);

    [[nodiscard]] Result<std::uint64_t> tally(mf_tally what) const;

    /// Of struct mf_event.
    [[nodiscard]] Ring& events() { return events_; }
    [[nodiscard]] const Ring& events() const { return events_; }
    /// Of struct mf_sample.
    [[nodiscard]] Ring& samples() { return samples_; }
    [[nodiscard]] const Ring& samples() const { return samples_; }

private:
    struct DestroySkeleton {
        void operator()(meetfence_bpf* skeleton) const;
        void operator()(meetfence_egress_bpf* skeleton) const;
    };
    // Pins of a start that comes to nothing are taken away again.
    struct RemovePins {
        void operator()(const pins::Path* bpf_dir) const;
    };
    DataPlane() = default;
    [[nodiscard]] Result<> load(const Settings& settings, const pins::Path& maps);
    [[nodiscard]] Result<> load_egress();
    [[nodiscard]] Result<> open_tables(const Settings& settings);
    [[nodiscard]] Result<> open_participants();
    [[nodiscard]] int egress_program_fd() const;

    std::unique_ptr<const pins::Path, RemovePins> not_in_force_yet_;
    std::unique_ptr<meetfence_bpf, DestroySkeleton> skeleton_;
    std::unique_ptr<meetfence_egress_bpf, DestroySkeleton> egress_;
    std::unique_ptr<GeoTables> geo_;
    std::unique_ptr<TableWriter> tables_;
    std::unique_ptr<ParticipantTables> participants_;
    Ring events_, samples_;
    pins::Path bpf_dir_;
    bool adopted_ = false;
    std::string why_new_;
};

/// Takes links, program and maps out of the kernel, where there are any.
[[nodiscard]] Result<> remove_from_kernel(const pins::Path& bpf_dir);

} // namespace meetfence::dataplane
