// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/linked.h"

#include <algorithm>

namespace meetfence::dataplane {

const LinkedRule* LinkedMeeting::find_rule(std::uint64_t number) const
{
    const auto it =
        std::ranges::find(rules, number, [](const LinkedRule& rule) { return rule.image.number; });
    return it == rules.end() ? nullptr : &*it;
}

bool LinkedMeeting::uses_cells(const LinkedRule& rule) const
{
    return std::ranges::find(rules, rule.cells, &LinkedRule::cells) != rules.end();
}

bool LinkedMeeting::has_rules_of(const policy::MeetingImage& image) const
{
    return std::ranges::equal(rules, image.rules, {}, &LinkedRule::image);
}

} // namespace meetfence::dataplane
