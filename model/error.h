// SPDX-License-Identifier: Apache-2.0
// What went wrong, as a value: a kind that decides exit status and HTTP status, and one sentence
// that names the object, the cause and, where there is one, the next step.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace meetfence {

enum class ErrorCode {
    invalid,     // the request itself is wrong
    not_found,   // it names something that does not exist
    conflict,    // it cannot be done in the present state
    forbidden,   // the asker may not
    refused,     // a guardrail forbids it, whoever asks
    exhausted,   // a limit or a table is full
    unreachable, // the daemon does not answer
    internal,    // kernel, disk or program
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
    std::string reason = {}; // of a guardrail's refusal: one word for programs (docs/handling-an-order.md)

    /// Puts what was being done in front: "loading F" + "no such file" → "loading F: no such file".
    [[nodiscard]] Error context(std::string_view what) &&
    {
        message.insert(0, ": ").insert(0, what);
        return std::move(*this);
    }
};

} // namespace meetfence
