// SPDX-License-Identifier: Apache-2.0
// What the kernel program tells through a ring buffer, element by element.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "model/result.h"

struct ring_buffer;

namespace meetfence::dataplane {

class Ring {
public:
    Ring() = default;
    [[nodiscard]] static Result<Ring> open(int map_fd, std::string name);

    /// For the event loop: readable when elements are waiting.
    [[nodiscard]] int fd() const;
    /// All that are waiting.
    template <class T> [[nodiscard]] Result<> read(const std::function<void(const T&)>& take)
    {
        return read_bytes([&](std::span<const std::byte> element) {
            if (element.size() >= sizeof(T)) {
                take(*reinterpret_cast<const T*>(element.data()));
            }
        });
    }

private:
    using Take = std::function<void(std::span<const std::byte>)>;
    struct Free {
        void operator()(ring_buffer* ring) const;
    };
    [[nodiscard]] Result<> read_bytes(const Take& take);

    std::string name_;
    std::unique_ptr<Take> take_; // where the callback finds it
    std::unique_ptr<ring_buffer, Free> ring_;
};

} // namespace meetfence::dataplane
