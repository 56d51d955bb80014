// SPDX-License-Identifier: Apache-2.0
// From a request to the function that answers it: one table, with who may ask.
#pragma once

#include <functional>
#include <string>

#include "daemon/control/message.h"
#include "daemon/service/service.h"

namespace meetfence::control {

/// Who is told of every change that was asked for, with who asked; and what to tell them who may not.
struct Witness {
    std::function<void(const service::LogLine&)> log;
    std::function<void(const service::Refusal&)>
        refused;                    // for the audit log; changes stand there by themselves
    std::function<Groups()> groups; // who may do what, now: a refusal names them
    std::function<void(const service::Answered&)> answered = {}; // every request, for what is counted
};

/// Answers, at once or when long work is done.
void answer(service::Service& service, const Request& request, const Witness& witness,
            const std::function<void(Response)>& reply);

} // namespace meetfence::control
