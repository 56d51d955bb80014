// SPDX-License-Identifier: Apache-2.0
// A change of the tables, store by store: what every packet meets in its midst, and what a daemon leaves that
// is killed there. A child process does the change, one instruction at a time.
#pragma once

#include <csignal>
#include <stdexcept>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "tests/unit/daemon/dataplane/memory_tables.h"

namespace meetfence::test {

/// Calls `look` after each instruction of `change` that wrote into the tables, and gives what they held each
/// time. The tables are then as the change leaves them; the process that called has not made it.
template <class Change, class Look>
std::vector<MemoryTables::Snapshot> in_steps(const MemoryTables& tables, Change change, Look look)
{
    auto held = tables.snapshot();
    std::vector<MemoryTables::Snapshot> stops;
    const auto child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        change();
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        throw std::runtime_error("a child to watch");
    }
    while (WIFSTOPPED(status)) {
        if (!tables.holds(held)) {
            held = tables.snapshot();
            stops.push_back(held);
            look();
        }
        if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0 || waitpid(child, &status, 0) != child ||
            (WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP)) {
            kill(child, SIGKILL);
            throw std::runtime_error("a step of the child");
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error("the child did not get to the end");
    }
    return stops;
}

} // namespace meetfence::test
