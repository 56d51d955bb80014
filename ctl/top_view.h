// SPDX-License-Identifier: Apache-2.0
// How `top` looks: a page for a terminal, lines for a pipe, objects for programs.
#pragma once

#include <string>
#include <vector>

#include "ctl/render.h"
#include "ctl/screen.h"
#include "ctl/top_rates.h"
#include "model/json.h"

namespace meetfence::ctl {

struct TopPage {
    const Sample* sample = nullptr;
    const Interval* interval = nullptr; // none yet: one moment tells no rates
    const History* history = nullptr;
    Order order = Order::packets;
    std::string clock; // "14:05:07Z"
    std::string pace;  // "every 1s"
    bool paused = false;
    std::chrono::seconds silent{0}; // for so long the daemon has not answered
};

/// Fits: no line is wider than the terminal, and there are no more of them than it has rows.
[[nodiscard]] std::vector<std::string> top_page(const TopPage& page, TerminalSize size, const Style& style,
                                                bool utf8);

/// Each line stands for itself: when, what kind, whose, and what is not nothing. The first one, of all
/// traffic, is always there.
[[nodiscard]] std::vector<std::string> top_text(const Interval& interval, const std::string& time);

[[nodiscard]] Json top_json(const Interval& interval, const std::string& time);

} // namespace meetfence::ctl
