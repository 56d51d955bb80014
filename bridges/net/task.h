// SPDX-License-Identifier: Apache-2.0
// What the bridges' coroutines are made of. All run on one thread: nothing changes between two co_awaits.
#pragma once

#include <utility> // Boost 1.74's awaitable.hpp needs it, and does not say so

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>

namespace meetfence::bridges {

template <class T = void> using Task = boost::asio::awaitable<T>;

/// Errors of an awaited operation as a value.
inline auto into(boost::system::error_code& error)
{
    return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

inline Task<> pause(boost::asio::any_io_executor executor, std::chrono::milliseconds time)
{
    boost::asio::steady_timer timer(executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(into(ignored));
}

/// Somebody sleeps until something happens, or for at most so long.
class Bell {
public:
    explicit Bell(const boost::asio::any_io_executor& executor) : timer_(executor) {}

    void ring()
    {
        rung_ = true;
        timer_.cancel();
    }

    /// True where it was rung, now or since the last time somebody waited.
    Task<bool> wait(std::chrono::milliseconds at_most)
    {
        if (!rung_) {
            boost::system::error_code cancelled;
            timer_.expires_after(at_most);
            co_await timer_.async_wait(into(cancelled));
        }
        co_return std::exchange(rung_, false);
    }

private:
    boost::asio::steady_timer timer_;
    bool rung_ = false;
};

} // namespace meetfence::bridges
