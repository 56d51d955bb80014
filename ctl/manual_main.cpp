// SPDX-License-Identifier: Apache-2.0
// Runs while meetfence is built: puts what the table of commands says into the manual page on stdin.
#include <iostream>
#include <map>

#include "ctl/command_table.h"
#include "ctl/manual.h"

int main()
{
    using namespace meetfence::ctl;
    std::map<std::string, std::string> parts{{"@COMMANDS@", manual_commands(commands())},
                                             {"@OPTIONS@", manual_options(global_options())}};
    for (std::string line; std::getline(std::cin, line);) {
        const auto part = parts.extract(line);
        std::cout << (part.empty() ? line + '\n' : part.mapped());
    }
    for (const auto& [mark, text] : parts) {
        std::cerr << "meetfence-manual: the page has no line " << mark << '\n';
    }
    return std::cout.flush() && parts.empty() ? 0 : 1;
}
