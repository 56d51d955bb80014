// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "bridges/janus/handles.h"
#include "bridges/net/http_connection.h"
#include "model/json.h"

namespace meetfence::bridges::janus {

struct Settings {
    Url admin;
    std::string admin_secret;
    std::chrono::seconds interval{2};
    std::string authorization; // of who posts events: "Basic …", or "" for everybody on this host
    Naming naming;
    LocalAddresses addresses;
    bool kick = false; // whoever is kept out, of the room as well
    std::string room_secret;
    struct Message {
        std::string plugin;
        Json request; // "{room}", "{participant}", "{country}" and "{notice}" stand for themselves
    };
    std::optional<Message> notice;
};

[[nodiscard]] std::span<const std::string_view> setting_keys();
[[nodiscard]] Result<Settings> read_settings(const ObjectReader& reader);

/// The request with its places filled in: a string that is a place and nothing else becomes the value itself,
/// a number where it is one.
[[nodiscard]] Json filled(const Json& request, const std::map<std::string, Json>& places);

} // namespace meetfence::bridges::janus
