// SPDX-License-Identifier: Apache-2.0
#include "tests/support/outcome.h"

#include <algorithm>
#include <cstring>

#include "pins/reason.h"

namespace meetfence::test {
namespace {

// Counters are nothing but 64-bit numbers.
template <class T> T minus(const T& after, const T& before)
{
    constexpr std::size_t kNumbers = sizeof(T) / sizeof(std::uint64_t);
    std::uint64_t a[kNumbers];
    std::uint64_t b[kNumbers];
    std::memcpy(a, &after, sizeof(a));
    std::memcpy(b, &before, sizeof(b));
    for (std::size_t i = 0; i < kNumbers; ++i) {
        a[i] -= b[i];
    }
    T result;
    std::memcpy(&result, a, sizeof(result));
    return result;
}

template <class T> bool same(const T& a, const T& b)
{
    return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
std::map<std::uint32_t, T> minus(const std::map<std::uint32_t, T>& after,
                                 const std::map<std::uint32_t, T>& before)
{
    std::map<std::uint32_t, T> moved;
    for (const auto& [index, value] : after) {
        const auto old = before.find(index);
        const T difference = minus(value, old == before.end() ? T{} : old->second);
        if (!same(difference, T{})) {
            moved.emplace(index, difference);
        }
    }
    return moved;
}

template <class T> bool same(const std::map<std::uint32_t, T>& a, const std::map<std::uint32_t, T>& b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& left, const auto& right) {
        return left.first == right.first && same(left.second, right.second);
    });
}

void print(std::ostream& out, const char* name, std::uint64_t packets, std::uint64_t bytes)
{
    if (packets != 0 || bytes != 0) {
        out << ' ' << name << ' ' << packets << " packets " << bytes << " bytes";
    }
}

} // namespace

Counters operator-(const Counters& after, const Counters& before)
{
    return {minus(after.reasons, before.reasons), minus(after.cells, before.cells)};
}

bool operator==(const Counters& a, const Counters& b)
{
    return same(a.reasons, b.reasons) && same(a.cells, b.cells);
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome)
{
    out << (outcome.verdict == Verdict::drop ? "DROP" : outcome.verdict == Verdict::pass ? "PASS" : "OTHER");
    for (const auto& [reason, traffic] : outcome.moved.reasons) {
        out << (reason < MF_REASONS ? "; in: " : "; out: ") << reason_name(reason % MF_REASONS);
        print(out, "counted", traffic.packets, traffic.bytes);
    }
    for (const auto& [index, cell] : outcome.moved.cells) {
        for (const auto direction : {MF_INGRESS, MF_EGRESS}) {
            const auto& counts = cell.by_direction[direction];
            out << "; cell " << index << (direction == MF_INGRESS ? " in:" : " out:");
            print(out, "dropped", counts.dropped_packets, counts.dropped_bytes);
            print(out, "would drop", counts.would_drop_packets, counts.would_drop_bytes);
            print(out, "passed", counts.passed_packets, counts.passed_bytes);
        }
    }
    return out;
}

Outcome counted(mf_reason reason, const Bytes& frame, mf_direction direction)
{
    Outcome outcome{reason >= MF_FIRST_DROP ? Verdict::drop : Verdict::pass, {}};
    outcome.moved.reasons[static_cast<unsigned>(direction) * MF_REASON_ENTRIES / 2 + reason] = {1,
                                                                                                frame.size()};
    return outcome;
}

Outcome booked(mf_reason reason, const Bytes& frame, std::uint32_t cell, mf_direction direction)
{
    auto outcome = counted(reason, frame, direction);
    auto& counts = outcome.moved.cells[cell].by_direction[direction];
    if (reason >= MF_FIRST_DROP) {
        counts = {.dropped_packets = 1, .dropped_bytes = frame.size()};
    } else if (reason == MF_MONITORED) {
        counts = {.would_drop_packets = 1, .would_drop_bytes = frame.size()};
    } else {
        counts = {.passed_packets = 1, .passed_bytes = frame.size()};
    }
    return outcome;
}

} // namespace meetfence::test
