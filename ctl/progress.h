// SPDX-License-Identifier: Apache-2.0
// One line at the terminal that tells how far the daemon is with something long. Gone when it is.
#pragma once

#include <cstddef>
#include <string>

#include "ctl/command.h"

namespace meetfence::ctl {

/// `working` of `GET /v1/geo` within so many columns; "" where nothing is being done, or no room is.
[[nodiscard]] std::string progress_line(const Json& working, std::size_t columns);

class Progress {
public:
    explicit Progress(const Context& context);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { show({}); }

    /// Watches nothing where nobody would see it: in a pipe, with --json, on a dumb terminal.
    [[nodiscard]] Watch watch();

private:
    void show(const std::string& line);

    Console& console_;
    bool wanted_;
    std::string shown_;
};

/// `call_watched`, with progress drawn and erased again.
[[nodiscard]] Result<Json> call_with_progress(Context& context, Method method, std::string_view target,
                                              Content content = {});

} // namespace meetfence::ctl
