// SPDX-License-Identifier: Apache-2.0
// The configuration file: one JSON object, every key checked, defaults for all but `interfaces`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/dataplane/settings.h"
#include "daemon/geo/admission.h"
#include "daemon/geo/place_table.h"
#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence {

struct Config {
    std::vector<dataplane::Interface> interfaces;
    std::vector<std::string> databases{"/var/lib/meetfence/country.mmdb"};
    geo::Agreement agreement = geo::Agreement::all;
    std::vector<geo::PlacedPrefix> overrides;
    std::uint64_t min_countries = 150;                          // a database with fewer is refused
    std::chrono::seconds max_age = std::chrono::hours(24 * 45); // of a database
    bool refuse_old = false;                                    // else an older one is only warned about
    std::vector<IpPrefix> exempt;                               // sorted, none twice
    std::string socket = "/run/meetfence/control.sock";
    std::string operators = "meetfence";    // Unix group that may change things
    std::string viewers = "meetfence-view"; // Unix group that may look
    std::optional<SocketAddress> metrics_listen =
        SocketAddress{IpAddress::v4(0x7f000001), 9435}; // none: nowhere
    std::uint64_t approvals = 1;                        // 0–3
    std::chrono::seconds max_duration = std::chrono::hours(24 * 30);
    bool named_meetings = false; // orders must name their meetings
    std::uint64_t max_meetings = 65536;
    std::uint64_t max_participants = 1048576;
    std::uint64_t max_flows = 1048576;
    std::chrono::seconds flow_idle{60};
    std::string state_dir = "/var/lib/meetfence";
    std::string bpf_dir = "/sys/fs/bpf/meetfence";

    [[nodiscard]] dataplane::Settings dataplane_settings() const;
    [[nodiscard]] geo::AdmissionPolicy admission_policy() const;
};

[[nodiscard]] Result<Config> parse_config(std::string_view text);
[[nodiscard]] Result<Config> read_config(const std::string& path);

} // namespace meetfence
