// SPDX-License-Identifier: Apache-2.0
// What the running check knows (docs/decisions/0011): the disk, the database files, and what changed so
// recently that a packet may have been dropped by what was before.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "daemon/check/judgement.h"
#include "daemon/geo/second_opinion.h"
#include "daemon/store/reader.h"
#include "kernel-headers/abi.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::service {

class RunningCheck {
public:
    struct Counts {
        std::uint64_t checked = 0, outside = 0;
    };

    [[nodiscard]] Result<> open(const std::string& database);

    /// What the country table of this generation was made of. Samples judged by any other are skipped.
    void use(geo::SecondOpinion opinion, std::uint32_t generation);
    [[nodiscard]] const geo::SecondOpinion* opinion() const { return opinion_ ? &*opinion_ : nullptr; }

    /// Times are the boot clock's: samples from before are of what was, and are skipped.
    void rule_changed(std::uint64_t rule, std::uint64_t now_ns);
    void everything_changed(std::uint64_t now_ns) { everything_changed_ = now_ns; }

    /// `wall_offset_ns`: CLOCK_REALTIME - CLOCK_BOOTTIME. Counts. An error where it cannot be judged for a
    /// cause that somebody should know.
    [[nodiscard]] Result<check::Judgement> judge(const mf_sample& sample, std::optional<check::Person> person,
                                                 std::int64_t wall_offset_ns,
                                                 std::span<const IpPrefix> exempt);
    void skip() { ++skipped_; }

    [[nodiscard]] Counts counts(std::uint64_t rule) const;
    [[nodiscard]] Json status() const;

private:
    [[nodiscard]] bool is_settled(const mf_sample& sample) const;
    [[nodiscard]] Result<check::Evidence> gather(const mf_sample& sample, const IpAddress& remote);

    std::optional<store::Reader> reader_;
    std::optional<geo::SecondOpinion> opinion_;
    std::uint32_t generation_ = 0; // of the table it is about
    std::uint64_t everything_changed_ = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> changed_;       // rules, of late
    std::deque<std::pair<std::uint64_t, std::uint64_t>> forgetting_; // when, and which: the same, in order
    std::unordered_map<std::uint64_t, Counts> counts_;               // by rule
    Counts all_;
    std::uint64_t skipped_ = 0;
};

} // namespace meetfence::service
