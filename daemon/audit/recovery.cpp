// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit/recovery.h"

#include <algorithm>
#include <optional>

#include "audit/chain.h"
#include "audit/sha256.h"

namespace meetfence::audit {
namespace {

// Where in the log something begins.
struct Position {
    std::size_t file = 0;
    std::size_t byte = 0;
};

struct Anchor {
    Position position; // of the first line that follows `head`
    Head head;
};

// One file is in memory at a time; of the last one, only its whole lines are looked at.
class Reader {
public:
    explicit Reader(std::span<const LogFile> files) : files_(files) {}

    [[nodiscard]] std::size_t count() const { return files_.size(); }
    [[nodiscard]] bool is_last(std::size_t file) const { return file + 1 == files_.size(); }

    Result<std::string_view> load(std::size_t file)
    {
        if (loaded_ != file) {
            text_ = TRY(read_whole(files_[file].path));
            loaded_ = file;
        }
        return std::string_view(text_);
    }
    Result<std::string_view> lines(std::size_t file)
    {
        const auto text = TRY(load(file));
        return is_last(file) ? text.substr(0, text.rfind('\n') + 1) : text;
    }

private:
    std::span<const LogFile> files_;
    std::optional<std::size_t> loaded_;
    std::string text_;
};

std::string_view line_at(std::string_view text, std::size_t begin)
{
    return text.substr(begin, text.find('\n', begin) - begin);
}

// Looks for the known entry from the end of the log, where it is but for a crash or a touched log.
class Search {
public:
    Search(Reader& reader, const Head& known) : reader_(reader), known_(known) {}

    Result<std::optional<Anchor>> run()
    {
        for (auto file = reader_.count(); file-- > 0 && !passed_;) {
            const auto text = TRY(reader_.lines(file));
            for (auto end = text.size(); end > 0;) {
                const auto newline = end < 2 ? std::string_view::npos : text.rfind('\n', end - 2);
                const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
                const auto entry = parse_line(line_at(text, begin));
                const Position behind{file, end};
                if (entry && look_at(*entry, {file, begin}, behind)) {
                    return anchor_;
                }
                end = begin;
            }
        }
        return std::nullopt;
    }

    /// Where the known entry is not: the one that stands in its place, or the last one that is there.
    [[nodiscard]] Head instead() const { return instead_.value_or(last_.value_or(Head{})); }

private:
    bool look_at(const Entry& entry, Position position, Position behind)
    {
        const Head head{entry.sequence, entry.hash};
        last_ = last_ ? last_ : head;
        if (known_.sequence == 0 || head == known_) {
            anchor_ = {behind, head};
            return true;
        }
        if (entry.sequence == known_.sequence + 1 && entry.prev == known_.hash) {
            anchor_ = {position, known_};
            return true;
        }
        instead_ = entry.sequence == known_.sequence ? head : instead_;
        passed_ = passed_ || entry.sequence <= known_.sequence;
        return false;
    }

    Reader& reader_;
    const Head& known_;
    std::optional<Anchor> anchor_;
    std::optional<Head> last_, instead_;
    bool passed_ = false; // an earlier file holds earlier entries only
};

// Goes on from the known entry as far as the chain does. What a crash left of a block that never reached the
// disk are zeros: where they begin, the torn write does.
Result<> follow(Reader& reader, const Anchor& anchor, Recovery& recovery)
{
    Chain chain(anchor.head);
    auto [file, begin] = anchor.position;
    for (; file < reader.count(); ++file, begin = 0) {
        const auto text = TRY(reader.lines(file));
        while (begin < text.size()) {
            const auto line = line_at(text, begin);
            if (!chain.take(line)) {
                const bool torn = reader.is_last(file) && line.find('\0') != std::string_view::npos;
                recovery.bytes = torn ? begin : recovery.bytes;
                recovery.head = chain.head();
                return {};
            }
            begin += line.size() + 1;
        }
    }
    recovery.head = chain.head();
    return {};
}

void add_truncated(Recovery& recovery, const Head& known, const Head& found)
{
    recovery.findings.emplace_back("log_truncated", Json{{"known_sequence", known.sequence},
                                                         {"known_hash", known.hash},
                                                         {"found_sequence", found.sequence},
                                                         {"found_hash", found.hash}});
}

Result<> add_torn(Recovery& recovery, Reader& reader)
{
    if (reader.count() == 0) {
        return {};
    }
    const auto torn = TRY(reader.load(reader.count() - 1)).substr(recovery.bytes);
    if (!torn.empty()) {
        recovery.findings.emplace_back("log_recovered",
                                       Json{{"bytes", torn.size()}, {"sha256", sha256_hex(torn)}});
    }
    return {};
}

} // namespace

Result<Recovery> recover(std::span<const LogFile> files, const Head& known)
{
    Reader reader(files);
    Recovery recovery{.head = known};
    if (!files.empty()) {
        recovery.bytes = TRY(reader.lines(files.size() - 1)).size();
    }
    Search search(reader, known);
    if (const auto anchor = TRY(search.run())) {
        TRY(follow(reader, *anchor, recovery));
        recovery.found_beyond = recovery.head.sequence - known.sequence;
    } else if (known.sequence != 0) {
        add_truncated(recovery, known, search.instead()); // first: its place is right behind the known entry
    }
    TRY(add_torn(recovery, reader));
    return recovery;
}

} // namespace meetfence::audit
