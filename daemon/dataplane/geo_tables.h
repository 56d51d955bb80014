// SPDX-License-Identifier: Apache-2.0
// The country tables in the kernel: built aside, put in force by one write.
#pragma once

#include "daemon/geo/place_table.h"
#include "kernel-headers/abi.h"
#include "model/result.h"
#include "pins/unique_fd.h"

namespace meetfence::dataplane {

class GeoTables {
public:
    /// `v4_fd`, `v6_fd`: the maps `geo_v4` and `geo_v6`; they and `control` outlive the object.
    GeoTables(int v4_fd, int v6_fd, mf_control& control) : v4_fd_(v4_fd), v6_fd_(v6_fd), control_(&control) {}

    /// On failure the old tables stay in force.
    [[nodiscard]] Result<> put_in_force(const geo::PlaceTable& table);

    /// Returns when every packet that was on its way before the call is through: the kernel waits for
    /// an RCU grace period after an update of a map of maps.
    [[nodiscard]] Result<> wait_for_packets();

private:
    int v4_fd_;
    int v6_fd_;
    mf_control* control_;
    UniqueFd barrier_;
};

} // namespace meetfence::dataplane
