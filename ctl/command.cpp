// SPDX-License-Identifier: Apache-2.0
#include "ctl/command.h"

#include <iostream>

namespace meetfence::ctl {

void say(Console& console, std::string_view message)
{
    console.out.flush(); // keeps the order where both go to one place
    console.err << "meetfencectl: " << printable(message) << std::endl;
}

int refuse_usage(Console& console, std::string_view command, std::string_view message)
{
    say(console, message);
    console.err << "Try 'meetfencectl " << command << (command.empty() ? "" : " ") << "--help'." << std::endl;
    return kUsage;
}

void print_json(Console& console, const Json& value)
{
    const int indent = console.out_is_terminal ? 2 : -1;
    console.out << printable_json(value.dump(indent, ' ', false, Json::error_handler_t::replace)) << '\n';
}

bool confirm(Console& console, std::string_view question)
{
    console.out.flush();
    console.err << question << " [y/N] " << std::flush;
    std::string answer;
    if (!std::getline(console.in, answer)) {
        console.err << std::endl; // end of input leaves the cursor behind the question
    }
    return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace meetfence::ctl
