// SPDX-License-Identifier: Apache-2.0
// Reading the bodies of entries for the report: whatever stands there, a report comes out. Missing and
// mistyped members are absent; texts are made harmless, since they are shown to strangers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/json.h"
#include "model/time.h"

namespace meetfence::audit {

/// Valid UTF-8 without characters that steer the display (each becomes U+FFFD), cut after 500 characters.
[[nodiscard]] std::string harmless(std::string_view text);

/// The member as harmless text, "" where it is absent or none.
[[nodiscard]] std::string text_of(const Json& body, std::string_view key);
/// 0 where it is absent, negative or none.
[[nodiscard]] std::uint64_t number_of(const Json& body, std::string_view key);
[[nodiscard]] bool flag_of(const Json& body, std::string_view key);
[[nodiscard]] std::optional<Time> time_of(const Json& body, std::string_view key);
[[nodiscard]] std::vector<std::string> texts_of(const Json& body, std::string_view key);
/// The member, or a null.
[[nodiscard]] const Json& member_of(const Json& body, std::string_view key);
inline constexpr std::string_view kUnknownCountry = "unknown";
/// The code of a country, or kUnknownCountry.
[[nodiscard]] std::string country_of(const Json& body, std::string_view key);
/// The member where it is one of the words, else the last of them.
[[nodiscard]] std::string word_of(const Json& body, std::string_view key,
                                  std::span<const std::string_view> words);

} // namespace meetfence::audit
