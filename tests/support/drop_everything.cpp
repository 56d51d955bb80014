// SPDX-License-Identifier: Apache-2.0
#include "tests/support/drop_everything.h"

#include <array>
#include <memory>

#include "tests/support/addresses.h"
#include "tests/support/reference_parser.h"

namespace meetfence::test {

DropEverything::DropEverything(bool multi_buffer) : LoadedProgram({.multi_buffer = multi_buffer})
{
    place("0.0.0.0/0", "CN");
    place("::/0", "CN");
    const auto meeting = add_meeting();
    add_endpoint(meeting, "udp:*:" + std::to_string(kMeetingPort));
    add_endpoint(meeting, "tcp:*:" + std::to_string(kMeetingPort));
    rule_ = add_rule(meeting, {.countries = {"CN"}});
}

Outcome DropEverything::expected(const Bytes& frame) const
{
    const auto reading = read_frame(frame);
    if (reading.reason != MF_UNDECIDED) {
        return counted(reading.reason, frame);
    }
    if (reading.fragment == FragmentKind::later) {
        return counted(MF_LATER_FRAGMENT, frame);
    }
    return reading.local_port == kMeetingPort ? dropped(frame) : counted(MF_OTHER_TRAFFIC, frame);
}

Outcome DropEverything::dropped(const Bytes& frame) const
{
    return booked(MF_DROP_COUNTRY, frame, rule_.first_cell);
}

DropEverything& DropEverything::shared(bool multi_buffer)
{
    static std::array<std::unique_ptr<DropEverything>, 2> programs;
    auto& program = programs.at(multi_buffer ? 1 : 0);
    if (!program) {
        program = std::make_unique<DropEverything>(multi_buffer);
    }
    return *program;
}

} // namespace meetfence::test
