// SPDX-License-Identifier: Apache-2.0
// The message of a result that should be an error.
#pragma once

#include <string>

#include "model/result.h"

namespace meetfence::test {

template <class T> std::string error_of(const Result<T>& result)
{
    return result ? "(no error)" : result.error().message;
}

inline bool mentions(const std::string& text, std::string_view word)
{
    return text.find(word) != std::string::npos;
}

} // namespace meetfence::test

#define EXPECT_MENTIONS(text, word)                                                                          \
    EXPECT_TRUE(::meetfence::test::mentions(text, word)) << "'" << (text) << "' does not mention " << (word)
