// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <unistd.h>

#include "ctl/program.h"

int main(int argc, char** argv)
{
    // `geo lookup -` reads and answers hundreds of thousands of lines.
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);

    meetfence::ctl::Console console{.in = std::cin, .out = std::cout, .err = std::cerr};
    console.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    console.can_ask = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    return meetfence::ctl::run_program({argv + 1, argv + argc}, console);
}
