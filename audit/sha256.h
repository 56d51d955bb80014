// SPDX-License-Identifier: Apache-2.0
// What the audit log is chained by, documents are known by, and names are hidden behind.
#pragma once

#include <string>
#include <string_view>

namespace meetfence::audit {

/// As sha256sum prints it: 64 hex digits in lower case.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// The same for the same text as long as the key is, and tells nothing of the text to who lacks the key:
/// the first 16 hex digits of HMAC-SHA256.
[[nodiscard]] std::string keyed_hash(std::string_view key, std::string_view text);

} // namespace meetfence::audit
