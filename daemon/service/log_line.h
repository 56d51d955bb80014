// SPDX-License-Identifier: Apache-2.0
// One line for the log: words for people, and beside them what the journal can be searched by
// (systemd.journal-fields(7)). Neither ever holds an address or a name of a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meetfence::service {

enum class Severity : std::uint8_t { info, notice, warning, error };

/// Empty ones are left out.
struct LogFields {
    std::string_view message_id; // one of message_id::…
    std::string rule, meeting, country, reason, order, interface;
};

struct LogLine {
    Severity severity = Severity::info;
    std::string text;
    LogFields fields;
    std::string once = {}; // lines with the same word here are told once an hour; empty: always
};

/// MESSAGE_ID of what somebody may want to be woken by; systemd/meetfence.catalog explains each.
namespace message_id {
inline constexpr std::string_view kFiltering = "498f094c9fa4478ab64e679d57a38717";
inline constexpr std::string_view kStopped = "66b70a9c162d43f49a2213fe4d3c7e8d";
inline constexpr std::string_view kReloaded = "70acec65ec264f8ea2fe20f4a7d46af8";
inline constexpr std::string_view kReloadRefused = "f6932b51bd1d41c7b233167c8d681bb0";
inline constexpr std::string_view kInterfaceLost = "b290779b0b2f40339e0ffe8ae4364701";
inline constexpr std::string_view kInterfaceFiltered = "5bb6dbbc0b0342ffa9feb53513cac3aa";
inline constexpr std::string_view kRuleDrops = "d217711d62ac46f9b735bf78afc73f18";
inline constexpr std::string_view kRuleEnded = "b9de8a8efa7248528ce5e6b86fef0403";
inline constexpr std::string_view kFlowContested = "1cb95ec7da694bea988ebc8197068993";
inline constexpr std::string_view kDropOutside = "7976952c8fb247e8976b087a69d03ccc";
inline constexpr std::string_view kCheckBlind = "f6490d72c12943668cc6ea1378781ef6";
inline constexpr std::string_view kGeoLoaded = "186733e3b85f4c489c6d9a0f83778af9";
inline constexpr std::string_view kGeoRefused = "b5da5e59475e4a039c07aa5fcfa611db";
inline constexpr std::string_view kOrderReview = "1238812fff334c7ab40f45d5e9379d73";
inline constexpr std::string_view kOrderEnded = "95f78cac905c483ca9b7f76fdaf9bce6";
inline constexpr std::string_view kChange = "781c69e5501449db81d66ed9cc92b53f";
inline constexpr std::string_view kRefused = "092d1d21ccdf4ef7b3f309cfeacb9ac3";
inline constexpr std::string_view kAuditAlarm = "3f1f905c37b3490d974088958eb24367";
} // namespace message_id

} // namespace meetfence::service
