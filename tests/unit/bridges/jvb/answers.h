// SPDX-License-Identifier: Apache-2.0
// The answers of tests/data/bridges/jvb/: reconstructed from Jitsi Videobridge's documents, see the README
// there.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace meetfence::bridges::jvb {

inline std::string answer(const std::string& name)
{
    std::ifstream file(std::string(MEETFENCE_SOURCE_DIR) + "/tests/data/bridges/jvb/" + name + ".json");
    return {std::istreambuf_iterator<char>(file), {}};
}

inline constexpr auto kStandup = "beccf2ed-5441-4bfe-96d6-f0f3a6796378";
inline constexpr auto kReview = "0c8f3f0e-1b1d-4c58-9a5e-3a4b2d0b6f11";

inline std::string repeated(const std::string& text, std::size_t times)
{
    std::string result;
    for (std::size_t i = 0; i < times; ++i) {
        result += text;
    }
    return result;
}

} // namespace meetfence::bridges::jvb
