// SPDX-License-Identifier: Apache-2.0
#include "ctl/progress.h"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

#include "model/fields.h"

namespace meetfence::ctl {
namespace {

constexpr std::size_t kBar = 12;
constexpr std::size_t kLeastForStep = 16; // less of it would say less than the bar does

std::string bar(std::uint64_t percent)
{
    std::string text;
    for (std::size_t i = 0; i < kBar; ++i) {
        text += (i + 1) * 100 <= percent * kBar ? "█" : "░";
    }
    return text;
}

} // namespace

std::string progress_line(const Json& working, std::size_t columns)
{
    if (!working.is_object() || columns == 0) {
        return {};
    }
    const auto percent = std::min<std::uint64_t>(number_of(working, "percent"), 100);
    const auto amount = fmt::format("{:>3} %", percent);
    const auto room = columns - 1; // the last column makes some terminals begin a new line
    const auto with_bar = kBar + 2 + amount.size() + 2;
    const auto step = printable(text_of(working, "step"));
    if (room >= with_bar + kLeastForStep) {
        return fmt::format("{}  {}  {}", shorten(step, room - with_bar), bar(percent), amount);
    }
    if (room > amount.size() + 2) {
        return fmt::format("{}  {}", shorten(step, room - amount.size() - 2), amount);
    }
    return {};
}

Progress::Progress(const Context& context)
    : console_(context.console),
      wanted_(context.console.err_columns != nullptr && !context.json && understands_escapes())
{
}

Watch Progress::watch()
{
    if (!wanted_) {
        return {};
    }
    return {"/v1/geo", [this](const Json& geo) {
                show(progress_line(member_of(geo, "working"), console_.err_columns()));
            }};
}

void Progress::show(const std::string& line)
{
    if (line == shown_) {
        return;
    }
    constexpr auto kEraseLine = "\r\033[K";
    console_.err << kEraseLine + line << std::flush;
    shown_ = line;
}

Result<Json> call_with_progress(Context& context, Method method, std::string_view target, Content content)
{
    Progress progress(context);
    return TRY(context.client.call_watched(method, target, content, progress.watch())).body;
}

} // namespace meetfence::ctl
