// SPDX-License-Identifier: Apache-2.0
// What `doctor` found out about one thing.
#pragma once

#include <string>
#include <vector>

namespace meetfence::ctl {

enum class Judged {
    good,
    hint,   // it works, and could be better
    wrong,  // it does not do what it should
    unknown // the asker may not look
};

struct Finding {
    std::string check; // a stable name: "kernel.jit", "interface.eth0.mode"
    Judged state = Judged::good;
    std::string text;
    std::string remedy = {}; // "" where it is good
};

using Findings = std::vector<Finding>;

} // namespace meetfence::ctl
