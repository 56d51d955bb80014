// SPDX-License-Identifier: Apache-2.0
// How a bridge is: as JSON, as metrics, as lines for a person.
#pragma once

#include <string>

#include "bridges/ledger/ledger.h"
#include "bridges/net/daemon_link.h"
#include "bridges/source.h"
#include "model/exposition.h"

namespace meetfence::bridges {

struct Status {
    std::string kind;
    SourceFigures server;
    DaemonLink::Figures daemon;
    std::size_t meetings = 0, participants = 0, transports = 0, bindings = 0, contested = 0, waiting = 0;
};

[[nodiscard]] Status status_of(std::string_view kind, const SourceFigures& server,
                               const DaemonLink::Figures& daemon, const Ledger& ledger);
[[nodiscard]] Json to_json(const Status& status);
[[nodiscard]] std::string to_metrics(const Status& status, Format format);
/// Of what `to_json` made.
[[nodiscard]] std::string to_lines(const Json& status);
/// Server and daemon answer, and nothing waits.
[[nodiscard]] bool is_well(const Json& status);

} // namespace meetfence::bridges
