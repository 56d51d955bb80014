// SPDX-License-Identifier: Apache-2.0
// Lines on standard error, with syslog priorities where that is the journal (sd-daemon(3)). Never an address
// or a name of a person.
#pragma once

#include <cstdint>
#include <string>

namespace meetfence::bridges {

enum class Severity : std::uint8_t { error = 3, warning = 4, info = 6 };

void log(Severity severity, const std::string& text);

/// Says something when it changes: an alarm once, not a flood.
class Changing {
public:
    void say(Severity severity, const std::string& text)
    {
        if (text != last_) {
            log(severity, text);
            last_ = text;
        }
    }
    /// It is over; what was said last may be said again.
    void over(const std::string& text)
    {
        if (!last_.empty()) {
            log(Severity::info, text);
            last_.clear();
        }
    }

private:
    std::string last_;
};

} // namespace meetfence::bridges
