// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/settings.h"

#include <gtest/gtest.h>

namespace meetfence::bridges::janus {
namespace {

TEST(Filled, PutsValuesInTheirPlaces)
{
    const std::map<std::string, Json> places{
        {"{room}", 1234}, {"{participant}", "p"}, {"{notice}", "kept {room} out"}};
    const Json request{{"request", "announcement"},
                       {"room", "{room}"},
                       {"text", "{notice} of {room}"},
                       {"to", Json::array({"{participant}", 7, nullptr})}};
    EXPECT_EQ(filled(request, places).dump(),
              R"({"request":"announcement","room":1234,"text":"kept {room} out of 1234","to":["p",7,null]})");
}

} // namespace
} // namespace meetfence::bridges::janus
