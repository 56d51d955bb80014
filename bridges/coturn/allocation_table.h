// SPDX-License-Identifier: Apache-2.0
// The allocations of one coturn as Redis holds them, in the ledger. Pure; the time is a parameter.
//   - The value in Redis counts, not the message: messages of one allocation come late, twice or not at all.
//   - One flow has one allocation. Of two that claim it, the one heard of later has it; of two that were
//     found together, after messages were missed, neither (the ledger sees to that).
//   - A killed coturn leaves its keys, and they have no time to live: what is not refreshed within its
//     lifetime is bound no longer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bridges/coturn/allocation.h"
#include "bridges/ledger/ledger.h"
#include "bridges/ledger/reasons.h"

namespace meetfence::bridges::coturn {

/// All that Redis holds.
struct Listing {
    std::map<std::string, std::string> values;
    std::set<std::string> changing; // keys of which a message came meanwhile: theirs are told by `heard`
    bool after_gap = false;         // messages may have been missed before it
    bool new_server = false;        // Redis was started anew, and may have forgotten
};

class AllocationTable {
public:
    AllocationTable(Ledger& ledger, AllocationRules rules, std::string prefix);

    /// A message named the key; `value` is what it has now, nothing where it is gone.
    void heard(const std::string& key, const std::optional<std::string>& value, Moment at);
    void found(const Listing& listing, Moment at);
    /// Those that outlived their lifetime.
    void forget_old(Moment at);

    /// How many are bound to nobody, by reason.
    [[nodiscard]] Reasons unbound() const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

    /// A refresh may be told that much late.
    static constexpr std::chrono::seconds kMargin{30};

private:
    struct Entry {
        std::string value;
        std::vector<Flow> flows; // empty where it is bound to nobody
        std::chrono::seconds lifetime{0};
        Moment until;
        std::string_view unbound; // why
        bool forgotten = false;   // by Redis
    };

    void put(const std::string& key, const std::string& value, Moment at);
    void find(const std::string& key, const std::string& value, bool after_gap, Moment at);
    void remove(const std::string& key, Moment at);
    void release(const std::string& key, Entry& entry, std::string_view why, Moment at);
    [[nodiscard]] std::vector<std::string> rivals(const std::string& key) const;

    Ledger& ledger_;
    AllocationRules rules_;
    std::string prefix_;
    std::map<std::string, Entry> entries_; // by Redis' key, which is the ledger's too
    std::map<Flow, std::set<std::string>> keys_of_;
};

} // namespace meetfence::bridges::coturn
