// SPDX-License-Identifier: Apache-2.0
// A variable of the environment, as it was before once the test ends.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace meetfence::test {

class Environment {
public:
    Environment(const char* name, const char* value) : name_(name)
    {
        if (const char* present = std::getenv(name)) {
            before_ = present;
        }
        set(value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { set(before_ ? before_->c_str() : nullptr); }

private:
    void set(const char* value) const { value == nullptr ? unsetenv(name_) : setenv(name_, value, 1); }
    const char* name_;
    std::optional<std::string> before_;
};

} // namespace meetfence::test
