// SPDX-License-Identifier: Apache-2.0
// Hears of network devices that come, go and change their names (rtnetlink(7), group RTNLGRP_LINK).
#pragma once

#include "model/result.h"
#include "pins/unique_fd.h"

namespace meetfence::dataplane {

class LinkWatch {
public:
    [[nodiscard]] static Result<LinkWatch> open();

    /// Readable when something has changed.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Takes in all there is to read. What has changed has to be looked up: messages may have been lost.
    void drain();

private:
    explicit LinkWatch(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

} // namespace meetfence::dataplane
