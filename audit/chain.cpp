// SPDX-License-Identifier: Apache-2.0
#include "audit/chain.h"

#include <fmt/format.h>

namespace meetfence::audit {
namespace {

std::string numbers(std::uint64_t first, std::uint64_t last)
{
    return first == last ? fmt::format("entry {} is missing", first)
                         : fmt::format("entries {} to {} are missing", first, last);
}

} // namespace

void Chain::begin_file(std::string name)
{
    file_ = std::move(name);
    lines_ = 0;
}

Result<> Chain::check_place(const Entry& entry) const
{
    const auto expected = head_.sequence + 1;
    if (entry.sequence > expected) {
        return fail(ErrorCode::invalid,
                    fmt::format("{} here, where entry {} stands: removed, or moved to another place",
                                numbers(expected, entry.sequence - 1), entry.sequence));
    }
    if (entry.sequence < expected) {
        return fail(
            ErrorCode::invalid,
            fmt::format("entry {} stands here, behind entry {}: repeated, or moved from another place",
                        entry.sequence, head_.sequence));
    }
    if (entry.prev != head_.hash) {
        return fail(
            ErrorCode::invalid,
            fmt::format("it follows an entry {} with the hash {}, and not the one with the hash {} that "
                        "stands before it: one of the two was replaced",
                        head_.sequence, entry.prev, head_.hash));
    }
    return {};
}

Result<Entry> Chain::take(std::string_view line)
{
    ++lines_;
    const auto located = [&](Error error) {
        return std::move(error).context(fmt::format("{}line {} (entry {})", file_.empty() ? "" : file_ + ", ",
                                                    lines_, head_.sequence + 1));
    };
    auto entry = TRY(parse_line(line).map_error(located));
    TRY(check_place(entry).map_error(located));
    head_ = {entry.sequence, entry.hash};
    return entry;
}

} // namespace meetfence::audit
