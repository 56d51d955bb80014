// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/program.h"

namespace {

std::size_t stderr_columns()
{
    constexpr std::size_t kUsual = 80; // a serial console does not know its width
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : kUsual;
}

} // namespace

int main(int argc, char** argv)
{
    // `geo lookup -` reads and answers hundreds of thousands of lines.
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);

    meetfence::ctl::Console console{.in = std::cin, .out = std::cout, .err = std::cerr};
    console.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    console.can_ask = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (::isatty(STDERR_FILENO) == 1) {
        console.err_columns = stderr_columns;
    }
    return meetfence::ctl::run_program({argv + 1, argv + argc}, console);
}
