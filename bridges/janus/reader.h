// SPDX-License-Identifier: Apache-2.0
// What Janus says, as facts: events of its event handlers (sampleevh, wsevh), answers of its Admin API.
// Addresses of participants, and the names that they show, are not read at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridges/janus/fact.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::bridges::janus {

/// One event; nothing where it is of a kind that says nothing about who is where. An error where it is not
/// what Janus sends.
[[nodiscard]] Result<std::optional<Fact>> read_event(const Json& event);

/// `info` of handle_info, true at some moment from `asked` on.
[[nodiscard]] Result<std::vector<Fact>> read_handle_info(HandleId who, const Json& info, Moment asked);

/// Numbers in a list: "sessions" of list_sessions, "handles" of list_handles.
[[nodiscard]] Result<std::vector<std::uint64_t>> read_numbers(const Json& answer, const char* key);

[[nodiscard]] Plugin plugin_named(std::string_view package);
[[nodiscard]] std::string_view package_of(Plugin plugin);
/// A room's or a participant's identifier: a number or a string, as Janus is configured.
[[nodiscard]] std::optional<std::string> identifier(const Json& value);

} // namespace meetfence::bridges::janus
