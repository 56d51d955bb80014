// SPDX-License-Identifier: Apache-2.0
// A line is `{"seq":…,"time":…,"actor":{"uid":…,"user":…},"what":…,"body":{…},"prev":"…","hash":"…"}`; the
// hash is that of all bytes before `,"hash":`, which stand at a fixed distance from the line's end.
#include "audit/entry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <vector>

#include "audit/sha256.h"

namespace meetfence::audit {
namespace {

constexpr std::size_t kHashDigits = 64;
constexpr std::string_view kBeginning = R"({"seq":)";
constexpr std::string_view kBeforeHash = R"(,"hash":")";
constexpr std::string_view kEnd = R"("})";
constexpr std::size_t kTailBytes = kBeforeHash.size() + kHashDigits + kEnd.size();

constexpr auto kKeys =
    std::to_array<std::string_view>({"seq", "time", "actor", "what", "body", "prev", "hash"});
constexpr auto kActorKeys = std::to_array<std::string_view>({"uid", "user"});

std::string plain(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// No entry of ours is deeper; what a forger nests deeper is cut, and so is not what was read.
constexpr int kDeepest = 32;

// Keys in the order of their bytes, nothing between the tokens.
void write(std::string& out, const Json& value, int depth = 0)
{
    if (depth > kDeepest) {
        out += "null";
    } else if (value.is_array()) {
        std::string_view between = "[";
        for (const auto& item : value) {
            out += between;
            write(out, item, depth + 1);
            between = ",";
        }
        out += value.empty() ? "[]" : "]";
    } else if (value.is_object()) {
        std::vector<std::pair<std::string_view, const Json*>> members;
        for (const auto& item : value.items()) {
            members.emplace_back(item.key(), &item.value());
        }
        std::ranges::sort(members);
        std::string_view between = "{";
        for (const auto& [key, member] : members) {
            out.append(between).append(plain(key)).append(":");
            write(out, *member, depth + 1);
            between = ",";
        }
        out += value.empty() ? "{}" : "}";
    } else {
        // Programs differ in how they write one and the same fraction.
        out += value.is_number_float() ? plain(Json(plain(value))) : plain(value);
    }
}

// All that the hash is of.
std::string hashed_part(const Entry& entry)
{
    auto text = fmt::format(R"({}{},"time":"{}","actor":{{"uid":{},"user":{}}},"what":{},"body":)",
                            kBeginning, entry.sequence, format_time(entry.time), entry.actor.uid,
                            plain(entry.actor.user), plain(entry.what));
    static const Json kEmpty = Json::object();
    write(text, entry.body.is_null() ? kEmpty : entry.body);
    return text.append(R"(,"prev":")").append(entry.prev).append("\"");
}

bool is_hash(std::string_view text)
{
    return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Error wrong(std::string what)
{
    return {ErrorCode::invalid, std::move(what)};
}

Error lacks(std::string_view key)
{
    return wrong(fmt::format("'{}' is missing, or not of its kind", key));
}

Result<Actor> read_actor(const Json& value)
{
    const auto reader = TRY(ObjectReader::open(value, "actor", kActorKeys));
    const auto uid = TRY(reader.number("uid"));
    if (!uid || *uid > UINT32_MAX) {
        return fail(lacks("actor.uid"));
    }
    const auto user = TRY(reader.text("user")).value_or("");
    return Actor{static_cast<std::uint32_t>(*uid), user};
}

Result<Entry> read_entry(Json value)
{
    const auto reader = TRY(ObjectReader::open(value, "", kKeys));
    const auto* const actor = reader.find("actor");
    const auto body = value.find("body");
    const auto time = TRY(reader.time("time"));
    if (!time || actor == nullptr || body == value.end() || !body->is_object()) {
        return fail(lacks(!time ? "time" : actor == nullptr ? "actor" : "body"));
    }
    Entry entry;
    entry.sequence = TRY(reader.number("seq")).value_or(0);
    entry.time = *time;
    entry.actor = TRY(read_actor(*actor));
    entry.what = TRY(reader.text("what")).value_or("");
    entry.body = std::move(*body);
    entry.prev = TRY(reader.text("prev")).value_or("");
    entry.hash = TRY(reader.text("hash")).value_or("");
    return entry;
}

} // namespace

std::string make_line(Head& head, Time time, const Draft& draft)
{
    const Entry entry{.sequence = head.sequence + 1,
                      .time = time,
                      .actor = draft.actor,
                      .what = draft.what,
                      .body = draft.body,
                      .prev = head.hash};
    auto line = hashed_part(entry);
    head = {entry.sequence, sha256_hex(line)};
    return line.append(kBeforeHash).append(head.hash).append(kEnd);
}

Result<Entry> parse_line(std::string_view line)
{
    if (line.empty()) {
        return fail(wrong("it is empty"));
    }
    const auto hashed = line.substr(0, line.size() - std::min(line.size(), kTailBytes));
    const auto tail = line.substr(hashed.size());
    if (!line.starts_with(kBeginning) || !tail.starts_with(kBeforeHash) || !tail.ends_with(kEnd) ||
        !is_hash(tail.substr(kBeforeHash.size(), kHashDigits))) {
        return fail(wrong("it is no whole entry: it was changed or cut"));
    }
    if (sha256_hex(hashed) != tail.substr(kBeforeHash.size(), kHashDigits)) {
        return fail(wrong("it was changed: its content has another hash than the one it carries"));
    }
    // A key that stands twice is written once below.
    auto json = Json::parse(line, nullptr, false);
    if (json.is_discarded()) {
        return fail(wrong("it is not valid JSON, though its hash is right: something else wrote it"));
    }
    auto entry = TRY(read_entry(std::move(json)));
    if (!is_hash(entry.prev) || hashed_part(entry) != hashed) {
        return fail(wrong("it is not written as the audit log writes entries: something else wrote it"));
    }
    return entry;
}

std::uint64_t sequence_of(std::string_view line)
{
    if (!line.starts_with(kBeginning)) {
        return 0;
    }
    const auto rest = line.substr(kBeginning.size());
    std::uint64_t sequence = 0;
    const auto [end, error] = std::from_chars(rest.begin(), rest.end(), sequence);
    return error == std::errc{} && end != rest.end() && *end == ',' ? sequence : 0;
}

} // namespace meetfence::audit
