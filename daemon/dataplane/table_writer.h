// SPDX-License-Identifier: Apache-2.0
// Brings the kernel's tables from one state to the next so that packets see each meeting's change
// wholly or not at all. In two steps: `stage` does all that can fail, in elements no packet reaches;
// `publish` only stores indices and cannot fail. Between the two the caller writes to disk.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "daemon/dataplane/index_pool.h"
#include "daemon/dataplane/kernel_tables.h"
#include "daemon/dataplane/linked.h"
#include "daemon/policy/image.h"
#include "model/result.h"

namespace meetfence::dataplane {

/// A packet reads one port, one meeting's slot and one policy. So a change of rules alone is one store
/// in the meeting's slot; a change of endpoints is one store for each port, which gets a new chain;
/// and where both change, the new chains lead to a new slot, and old ones go on leading to the old.
class TableWriter {
public:
    /// A change that is ready. Give it to `publish` or to `discard`.
    struct Staged {
        struct OneMeeting {
            std::uint64_t number = 0;
            bool remove = false;
            LinkedMeeting next;              // of a meeting that stays: what it will be
            std::vector<LinkedRule> fresh;   // rule elements made for it
            std::vector<LinkedRule> retired; // rule elements it no longer uses
            bool new_slot = false;
            bool new_policy = false;
        };
        std::vector<OneMeeting> meetings;
        std::map<policy::EndpointImage, std::uint32_t> named;       // flags; 0 = no longer
        std::map<std::uint32_t, std::vector<LinkedEndpoint>> ports; // new chains, by port slot
    };

    /// Takes over whatever the tables hold; conflict where they make no sense.
    [[nodiscard]] static Result<TableWriter> adopt(KernelTables tables);

    [[nodiscard]] const std::map<std::uint64_t, LinkedMeeting>& meetings() const { return meetings_; }

    /// `images` replace or add meetings, `removed` are numbers, `named` says of endpoints how they are to
    /// be named from now on. exhausted where a table is full.
    [[nodiscard]] Result<Staged> stage(std::span<const policy::MeetingImage> images,
                                       std::span<const std::uint64_t> removed,
                                       std::span<const policy::NamedEndpoint> named = {});
    void publish(Staged staged);
    void discard(Staged staged);

    /// Where participants are known, as the kernel has it.
    [[nodiscard]] const std::map<policy::EndpointImage, std::uint32_t>& named() const { return named_; }

    /// Replaces the prefixes that are never filtered.
    [[nodiscard]] Result<> set_exempt(const std::vector<IpPrefix>& prefixes);

    /// Makes what was unlinked usable again; waits for packets, so not on every change.
    [[nodiscard]] Result<> reclaim();
    [[nodiscard]] bool has_garbage() const;

    /// The rule as it stands in the kernel, or null.
    [[nodiscard]] const LinkedRule* find_rule(std::uint64_t meeting, std::uint64_t rule) const;
    /// What it did so far. Good until the next `stage` after it left.
    [[nodiscard]] Result<std::vector<CountryCounts>> counts(const LinkedRule& rule) const;

    /// Elements in use, those that packets on their way may still see among them.
    struct InUse {
        std::size_t policies, rules, endpoints, cells;
    };
    [[nodiscard]] InUse in_use() const;

    [[nodiscard]] mf_control& control() { return tables_.control[0]; }
    [[nodiscard]] const mf_control& control() const { return tables_.control[0]; }

private:
    explicit TableWriter(KernelTables tables) : tables_(std::move(tables)) {}

    // Adopting (table_adoption.cpp).
    [[nodiscard]] Result<> adopt_meetings();
    [[nodiscard]] Result<> adopt_endpoints();
    [[nodiscard]] Result<std::vector<LinkedEndpoint>>
    adopt_chain(std::uint32_t port_slot, const std::map<std::uint32_t, std::uint64_t>& numbers);
    [[nodiscard]] Result<LinkedRule> adopt_rule(std::uint32_t index);
    [[nodiscard]] Result<> adopt_leftovers();

    // Staging.
    [[nodiscard]] Result<> stage_all(std::span<const policy::MeetingImage> images, Staged& staged);
    [[nodiscard]] Result<> stage_meeting(const policy::MeetingImage& image, Staged& all);
    // What the changes mean, by number and by port: looked up for each port that changes.
    struct Wanted {
        std::map<std::uint64_t, std::uint32_t> slots;               // of meetings that change
        std::map<std::uint32_t, std::vector<LinkedEndpoint>> ports; // what they want there
    };
    using Named = std::map<policy::EndpointImage, std::uint32_t>;
    [[nodiscard]] static Wanted wanted_of(std::span<const policy::MeetingImage> images, const Staged& staged);
    [[nodiscard]] Named named_on(const Staged& staged, std::uint32_t port_slot) const;
    [[nodiscard]] Result<> stage_port(const Wanted& changes, const Staged& staged, std::uint32_t port_slot,
                                      std::vector<LinkedEndpoint>& chain);
    [[nodiscard]] Result<> stage_rules(const policy::MeetingImage& image, const LinkedMeeting& before,
                                       Staged::OneMeeting& staged);
    [[nodiscard]] Result<LinkedRule> make_rule(const policy::RuleImage& image, const LinkedRule* before);
    [[nodiscard]] Result<> make_policy(Staged::OneMeeting& staged);
    [[nodiscard]] Result<> take_slots(Staged::OneMeeting& staged, bool is_new);
    static void add_shared(const Named& named, std::vector<LinkedEndpoint>& wanted);
    [[nodiscard]] static std::uint32_t flags_of(const IpAddress::Bytes& local, const Named& named);
    [[nodiscard]] Result<std::uint32_t> make_prefix_set(const std::vector<IpPrefix>& prefixes);
    [[nodiscard]] Result<std::uint32_t> take(IndexPool& pool, const char* what);
    [[nodiscard]] Result<std::uint32_t> take_cells(std::uint32_t count);
    void discard_one(Staged::OneMeeting& staged);
    void discard_rule(const LinkedRule& rule, bool with_cells);

    // Publishing.
    void publish_meeting(const Staged::OneMeeting& one);
    void publish_port(std::uint32_t port_slot, std::vector<LinkedEndpoint> chain);
    [[nodiscard]] bool loses_shared(std::uint32_t port_slot, const std::vector<LinkedEndpoint>& chain) const;
    void publish_concerned();
    void count_concerned(const std::vector<LinkedRule>& rules, int by);
    void retire_rule(const LinkedRule& rule, bool with_cells);
    [[nodiscard]] Result<> reclaim_rules();

    struct PrefixSet {
        std::uint32_t set;
        std::vector<IpPrefix> prefixes;
    };
    struct CellRun {
        std::uint32_t first;
        std::uint32_t count;
    };

    KernelTables tables_;
    std::map<std::uint64_t, LinkedMeeting> meetings_;
    std::map<std::uint32_t, std::vector<LinkedEndpoint>> ports_; // chains that are not empty
    std::map<policy::EndpointImage, std::uint32_t> named_;       // flags
    std::array<std::uint32_t, std::size_t{MF_COUNTRY_WORDS} * 64>
        concerned_{}; // rules that name each country
    IndexPool endpoint_pool_, meeting_pool_, policy_pool_, rule_pool_;
    RunPool cell_pool_;
    std::vector<CellRun> retired_cells_;
    std::vector<PrefixSet> retired_sets_;
    PrefixSet exempt_{};
    std::uint32_t last_set_ = 0;
};

} // namespace meetfence::dataplane
