// SPDX-License-Identifier: Apache-2.0
#include "pins/unique_fd.h"

#include <unistd.h>

namespace meetfence {

UniqueFd::~UniqueFd()
{
    if (fd_ >= 0) {
        close(fd_);
    }
}

} // namespace meetfence
