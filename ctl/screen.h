// SPDX-License-Identifier: Apache-2.0
// The terminal of a command that stays: signals and keys to wait for, and a page that is drawn over. Both
// put back what they found, on every way out.
#pragma once

#include <chrono>
#include <csignal>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <termios.h>
#include <vector>

#include "pins/unique_fd.h"

namespace meetfence::ctl {

/// What happened since the last time somebody asked.
struct Happened {
    bool end = false; // SIGINT, SIGTERM, SIGHUP
    bool suspend = false;
    bool resized = false;
    std::string keys;
};

/// Signals, and the keys where somebody sits at stdin, as one descriptor.
class Attention {
public:
    explicit Attention(bool keys);
    Attention(const Attention&) = delete;
    Attention& operator=(const Attention&) = delete;
    ~Attention();

    [[nodiscard]] int descriptor() const { return all_.get(); }
    [[nodiscard]] Happened take();
    /// False where the time is over and nothing happened.
    [[nodiscard]] bool wait(std::chrono::milliseconds most) const;

private:
    void take_keys(Happened& happened);
    sigset_t before_{};
    UniqueFd all_, signals_;
    bool keys_;
};

struct TerminalSize {
    std::size_t columns = 80, rows = 24;
};

/// The terminal's other page, from `enter` to `leave`: what stood there before comes back.
class Screen {
public:
    explicit Screen(std::ostream& out);
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen() { leave(); }

    void enter();
    void leave();
    /// Over the last one, without a moment in between where nothing is there.
    void draw(const std::vector<std::string>& lines);
    [[nodiscard]] static TerminalSize size();
    /// Until the shell lets us go on.
    void suspend();

private:
    std::ostream& out_;
    std::optional<termios> before_;
    bool entered_ = false;
};

} // namespace meetfence::ctl
