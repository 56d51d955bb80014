// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. The only file that names the library behind it, so that
// std::expected can take its place once the compiler of the oldest supported Debian has it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "model/error.h"

namespace meetfence {

template <class T = void> using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message)
{
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string reason)
{
    return tl::unexpected<Error>(Error{code, std::move(message), std::move(reason)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error)
{
    return tl::unexpected<Error>(std::move(error));
}

namespace detail {
template <class T> T&& unwrap(tl::expected<T, Error>&& result)
{
    return std::move(*result);
}
inline void unwrap(tl::expected<void, Error>&&) {}
} // namespace detail

} // namespace meetfence

// Yields the value of a Result, or returns its error from the enclosing function. The name inside is
// new each time, so that one TRY may stand within another.
#define TRY(expression) MEETFENCE_TRY_NAMED(expression, __COUNTER__)
#define MEETFENCE_TRY_NAMED(expression, number) MEETFENCE_TRY(expression, number)
#define MEETFENCE_TRY(expression, number)                                                                    \
    __extension__({                                                                                          \
        auto result_##number = (expression);                                                                 \
        if (!result_##number) {                                                                              \
            return ::meetfence::fail(std::move(result_##number).error());                                    \
        }                                                                                                    \
        ::meetfence::detail::unwrap(std::move(result_##number));                                             \
    })
