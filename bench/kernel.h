// SPDX-License-Identifier: Apache-2.0
// What the kernel refuses is thrown: a bench has nothing to fall back on.
#pragma once

#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "model/result.h"

namespace meetfence::bench {

inline void check(int result, const std::string& what)
{
    if (result < 0) {
        throw std::runtime_error(what + ": " + std::strerror(-result));
    }
}

template <class T> T value_of(Result<T> result)
{
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    return std::move(*result);
}

// A fresh table may be short of memory for a moment (6.16 and later refill in the background).
template <class Key, class Value> void put(int fd, const Key& key, const Value& value, const char* what)
{
    int error = -ENOMEM;
    while (error == -ENOMEM) {
        error = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
    }
    check(error, what);
}

} // namespace meetfence::bench
