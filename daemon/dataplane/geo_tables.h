// SPDX-License-Identifier: Apache-2.0
// The country tables in the kernel: built aside, put in force by one write.
#pragma once

#include <mutex>

#include "daemon/geo/country_table.h"
#include "kernel-headers/abi.h"
#include "model/result.h"
#include "pins/unique_fd.h"

namespace meetfence::dataplane {

/// A table in the kernel that no packet reads yet.
struct StagedTable {
    UniqueFd map;
    std::size_t bytes = 0;
    std::size_t prefixes_v4 = 0, prefixes_v6 = 0;
    Time build;
};

/// Copies the table into a kernel map of its own. Touches nothing else: any thread may do it.
[[nodiscard]] Result<StagedTable> stage_table(const geo::CountryTable& table, const geo::PlaceTable& places);

class GeoTables {
public:
    /// `geo_fd`: the map `geo`; it and `control` outlive the object.
    GeoTables(int geo_fd, mf_control& control) : geo_fd_(geo_fd), control_(&control) {}

    /// One write. Returns when no packet can see the old table any more, and its memory is given
    /// back. On failure the old table stays in force.
    [[nodiscard]] Result<> put_in_force(StagedTable table);

    /// Returns when every packet that was on its way before the call is through: the kernel waits for
    /// an RCU grace period after an update of a map of maps.
    [[nodiscard]] Result<> wait_for_packets();

private:
    [[nodiscard]] Result<> make_barrier();

    int geo_fd_;
    mf_control* control_;
    std::mutex making_barrier_; // two threads wait for packets
    UniqueFd barrier_;
};

} // namespace meetfence::dataplane
