// SPDX-License-Identifier: Apache-2.0
#include "bridges/net/log.h"

#include <cstdio>
#include <cstdlib>

namespace meetfence::bridges {

void log(Severity severity, const std::string& text)
{
    static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    std::string line = journal ? "<" + std::to_string(static_cast<int>(severity)) + ">" : "";
    for (const char c : text) { // a hostile name must not begin a line of its own
        line += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    }
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

} // namespace meetfence::bridges
