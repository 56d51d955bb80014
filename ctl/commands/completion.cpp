// SPDX-License-Identifier: Apache-2.0
#include "ctl/completion.h"

#include <ostream>

#include "ctl/command.h"
#include "ctl/command_table.h"
#include "ctl/commands/commands.h"

namespace meetfence::ctl {

Result<int> run_completion_bash(Context& context)
{
    context.console.out << bash_completion(commands(), global_options());
    return kDone;
}

} // namespace meetfence::ctl
