// SPDX-License-Identifier: Apache-2.0
#include "bridges/coturn/redis.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <hiredis/hiredis.h>
#include <sys/socket.h>

namespace meetfence::bridges::coturn {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

template <auto Free> struct Freed {
    template <class T> void operator()(T* object) const { Free(object); }
};
using OwnedContext = std::unique_ptr<redisContext, Freed<redisFree>>;
using OwnedReply = std::unique_ptr<void, Freed<freeReplyObject>>;

RedisReply value_of(const redisReply& reply)
{
    RedisReply value;
    switch (reply.type) {
    case REDIS_REPLY_NIL:
        value.nil = true;
        break;
    case REDIS_REPLY_INTEGER:
        value.text = std::to_string(reply.integer);
        break;
    case REDIS_REPLY_ARRAY:
        for (std::size_t i = 0; i < reply.elements; ++i) {
            value.items.push_back(value_of(*reply.element[i]));
        }
        break;
    default:
        value.text.assign(reply.str, reply.len);
    }
    return value;
}

} // namespace

struct Redis::State {
    explicit State(const asio::any_io_executor& executor) : descriptor(executor), timer(executor) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (descriptor.is_open()) {
            descriptor.release(); // the context closes it
        }
    }

    [[nodiscard]] Error lost(const std::string& why) const
    {
        return {ErrorCode::unreachable, "redis on " + address.text() + ": " + why};
    }
    [[nodiscard]] Error lost() const
    {
        return lost(context && context->err != 0 ? context->errstr : "the connection is closed");
    }

    SocketAddress address;
    OwnedContext context;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    std::uint64_t waits = 0; // a timer that comes late belongs to an earlier one
    bool closed = false;
    using Wait = asio::posix::stream_descriptor::wait_type;

    static Task<Result<>> ready(std::shared_ptr<State> state, Wait what, bool limited);
    static Task<Result<>> send(std::shared_ptr<State> state);
    static Task<Result<RedisReply>> receive(std::shared_ptr<State> state, bool limited);
};

Redis::Redis(asio::any_io_executor executor) : state_(std::make_shared<State>(executor)) {}

Redis::~Redis()
{
    close();
}

void Redis::close()
{
    state_->closed = true;
    error_code ignored;
    state_->descriptor.cancel(ignored);
}

Task<Result<>> Redis::State::ready(std::shared_ptr<State> state, Wait what, bool limited)
{
    if (state->closed) {
        co_return fail(state->lost());
    }
    bool late = false;
    if (limited) {
        state->timer.expires_after(kPatience);
        state->timer.async_wait([state, &late, mine = state->waits](const error_code& cancelled) {
            if (!cancelled && mine == state->waits) {
                late = true;
                error_code ignored;
                state->descriptor.cancel(ignored);
            }
        });
    }
    error_code error;
    co_await state->descriptor.async_wait(what, into(error));
    ++state->waits;
    state->timer.cancel();
    if (late) {
        co_return fail(state->lost("no answer within " + std::to_string(kPatience.count()) + " s"));
    }
    if (error || state->closed) {
        co_return fail(state->lost(error ? error.message() : "the connection is closed"));
    }
    co_return Result<>();
}

Task<Result<>> Redis::open(SocketAddress address)
{
    const auto state = state_;
    state->address = address;
    auto ip = address.address.text();
    state->context.reset(redisConnectNonBlock(ip.c_str(), address.port));
    if (!state->context || state->context->err != 0) {
        co_return fail(state->lost());
    }
    error_code error;
    state->descriptor.assign(state->context->fd, error);
    if (error) {
        co_return fail(state->lost(error.message()));
    }
    if (auto connected = co_await State::ready(state, State::Wait::wait_write, true); !connected) {
        co_return connected;
    }
    int trouble = 0;
    socklen_t size = sizeof(trouble);
    if (getsockopt(state->context->fd, SOL_SOCKET, SO_ERROR, &trouble, &size) != 0 || trouble != 0) {
        co_return fail(state->lost(std::strerror(trouble != 0 ? trouble : errno)));
    }
    co_return Result<>();
}

Task<Result<>> Redis::State::send(std::shared_ptr<State> state)
{
    for (int done = 0;;) {
        if (redisBufferWrite(state->context.get(), &done) != REDIS_OK) {
            co_return fail(state->lost());
        }
        if (done != 0) {
            co_return Result<>();
        }
        if (auto writable = co_await ready(state, Wait::wait_write, true); !writable) {
            co_return writable;
        }
    }
}

Task<Result<RedisReply>> Redis::State::receive(std::shared_ptr<State> state, bool limited)
{
    for (;;) {
        void* raw = nullptr;
        if (redisGetReplyFromReader(state->context.get(), &raw) != REDIS_OK) {
            co_return fail(state->lost());
        }
        if (raw != nullptr) {
            const OwnedReply owned(raw);
            const auto& reply = *static_cast<const redisReply*>(raw);
            if (reply.type == REDIS_REPLY_ERROR) {
                co_return fail(ErrorCode::refused, "redis on " + state->address.text() + ": " +
                                                       std::string(reply.str, reply.len));
            }
            co_return value_of(reply);
        }
        if (auto readable = co_await ready(state, Wait::wait_read, limited); !readable) {
            co_return fail(readable.error());
        }
        if (redisBufferRead(state->context.get()) != REDIS_OK) {
            co_return fail(state->lost());
        }
    }
}

Task<Result<RedisReply>> Redis::ask(std::vector<std::string> words)
{
    const auto state = state_;
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const auto& word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(state->context.get(), static_cast<int>(words.size()), texts.data(),
                               sizes.data()) != REDIS_OK) {
        co_return fail(state->lost());
    }
    if (auto sent = co_await State::send(state); !sent) {
        co_return fail(sent.error());
    }
    co_return co_await State::receive(state, true);
}

Task<Result<RedisReply>> Redis::next()
{
    return State::receive(state_, false);
}

} // namespace meetfence::bridges::coturn
