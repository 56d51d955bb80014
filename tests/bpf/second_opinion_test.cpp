// SPDX-License-Identifier: Apache-2.0
// The check's own look-up in the database in use, against the table that the kernel gets. (Here, where a
// database is at hand.)
#include <cstdlib>

#include "tests/support/two_opinions.h"

namespace meetfence::test {
namespace {

TEST(SecondOpinion, AgreesWithTheTableOnARealDatabase)
{
    const char* path = std::getenv("MEETFENCE_DATABASE");
    ASSERT_NE(path, nullptr) << "MEETFENCE_DATABASE names no country database; ./run test sets it";
    expect_one_opinion({path}, geo::Agreement::all, {}, 1'000'000);
}

} // namespace
} // namespace meetfence::test
