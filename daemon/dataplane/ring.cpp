// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/ring.h"

#include <bpf/libbpf.h>

#include "daemon/dataplane/kernel_error.h"

namespace meetfence::dataplane {

void Ring::Free::operator()(ring_buffer* ring) const
{
    ring_buffer__free(ring);
}

Result<Ring> Ring::open(int map_fd, std::string name)
{
    Ring ring;
    ring.name_ = std::move(name);
    ring.take_ = std::make_unique<Take>();
    const auto callback = [](void* context, void* data, std::size_t size) noexcept {
        if (const auto& take = *static_cast<Take*>(context)) {
            take({static_cast<const std::byte*>(data), size});
        }
        return 0;
    };
    ring.ring_.reset(ring_buffer__new(map_fd, callback, ring.take_.get(), nullptr));
    if (!ring.ring_) {
        return kernel_error("opening the ring of " + ring.name_);
    }
    return ring;
}

int Ring::fd() const
{
    return ring_buffer__epoll_fd(ring_.get());
}

Result<> Ring::read_bytes(const Take& take)
{
    *take_ = take;
    const int read = ring_buffer__consume(ring_.get());
    *take_ = nullptr;
    if (read < 0) {
        return kernel_error("reading the ring of " + name_, -read);
    }
    return {};
}

} // namespace meetfence::dataplane
