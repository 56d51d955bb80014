// SPDX-License-Identifier: Apache-2.0
// Lines on standard error, with syslog priorities where that is the journal (sd-daemon(3)). Never an address
// or a name of a person.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace meetfence::bridges {

enum class Severity : std::uint8_t { error = 3, warning = 4, info = 6 };

void log(Severity severity, const std::string& text);

/// Says each thing once until it is over: an alarm, not a flood.
class Changing {
public:
    void say(Severity severity, const std::string& text)
    {
        constexpr std::size_t kRemembered = 100;
        if (said_.size() >= kRemembered) {
            said_.clear();
        }
        if (said_.insert(text).second) {
            log(severity, text);
        }
    }
    /// What was said may be said again.
    void over(const std::string& text)
    {
        if (!said_.empty()) {
            log(Severity::info, text);
            said_.clear();
        }
    }

private:
    std::set<std::string> said_;
};

} // namespace meetfence::bridges
