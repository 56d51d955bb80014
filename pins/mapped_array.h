// SPDX-License-Identifier: Apache-2.0
// A BPF_F_MMAPABLE array in our own memory: reading and writing an element is reading and writing
// what packets see, at once and without a system call.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <utility>

#include "model/result.h"

namespace meetfence::pins {

enum class Access { read_only, read_write };

template <class T> class MappedArray {
    // The kernel rounds each element up to 8 bytes.
    static_assert(sizeof(T) % 8 == 0 || sizeof(T) == 4, "array elements are padded to 8 bytes");

public:
    /// A 4-byte element also takes 8 bytes in the kernel: use `stride`d access through operator[].
    static constexpr std::size_t kStride = (sizeof(T) + 7) / 8 * 8;

    MappedArray() = default;
    MappedArray(MappedArray&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0))
    {
    }
    MappedArray& operator=(MappedArray&& other) noexcept
    {
        std::swap(memory_, other.memory_);
        std::swap(size_, other.size_);
        return *this;
    }
    MappedArray(const MappedArray&) = delete;
    MappedArray& operator=(const MappedArray&) = delete;
    ~MappedArray()
    {
        if (memory_ != nullptr) {
            munmap(memory_, size_ * kStride);
        }
    }

    [[nodiscard]] static Result<MappedArray> map(int fd, std::size_t size, Access access,
                                                 std::string_view name)
    {
        MappedArray array;
        const int protection = access == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
        void* memory = mmap(nullptr, size * kStride, protection, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED) {
            return fail(ErrorCode::internal, "mapping the kernel's table '" + std::string(name) +
                                                 "' into memory: " + std::strerror(errno));
        }
        array.memory_ = static_cast<std::byte*>(memory);
        array.size_ = size;
        return array;
    }

    [[nodiscard]] T& operator[](std::size_t index) const
    {
        return *reinterpret_cast<T*>(memory_ + index * kStride);
    }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    std::byte* memory_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace meetfence::pins
