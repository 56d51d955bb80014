// SPDX-License-Identifier: Apache-2.0
// One connection to Redis, which nothing here waits for but coroutines. hiredis reads and writes the
// protocol.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bridges/net/task.h"
#include "model/endpoint.h"
#include "model/result.h"

namespace meetfence::bridges::coturn {

struct RedisReply {
    bool nil = false;
    std::string text;              // of numbers too
    std::vector<RedisReply> items; // of a list
};

class Redis {
public:
    explicit Redis(boost::asio::any_io_executor executor);
    Redis(const Redis&) = delete;
    Redis& operator=(const Redis&) = delete;
    ~Redis();

    [[nodiscard]] Task<Result<>> open(SocketAddress address);
    /// One question at a time. What Redis itself refuses is ErrorCode::refused.
    [[nodiscard]] Task<Result<RedisReply>> ask(std::vector<std::string> words);
    /// What comes unasked, after a subscription; without a limit of time.
    [[nodiscard]] Task<Result<RedisReply>> next();
    /// Ends what is under way.
    void close();
    static constexpr std::chrono::seconds kPatience{2};

private:
    struct State;
    std::shared_ptr<State> state_; // shared with what is under way
};

} // namespace meetfence::bridges::coturn
