// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/mmdb_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <maxminddb.h>
#include <memory>
#include <optional>
#include <span>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

#include "daemon/geo/mmdb_data.h"
#include "pins/unique_fd.h"

namespace meetfence::geo {
namespace {

constexpr std::uint64_t kLargestFile = 1ULL << 30;
constexpr const char* kTooLarge = "it is larger than 1 GiB";
constexpr unsigned kSeparatorBytes = 16;               // MaxMind DB 2.0: zeroes between tree and data
constexpr std::uint64_t kLastSecond = 253'402'300'799; // of the year 9999: RFC 3339 has no later one

using Bytes = std::span<const std::uint8_t>;

Result<> append(const UniqueFd& copy, std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto wrote = write(copy.get(), bytes.data(), bytes.size());
        if (wrote < 0) {
            return fail(ErrorCode::internal, std::string("copying it: ") + std::strerror(errno));
        }
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

Result<UniqueFd> make_copy()
{
    UniqueFd copy(memfd_create("meetfence-geo", MFD_CLOEXEC));
    if (!copy) {
        return fail(ErrorCode::internal, std::string("memfd_create: ") + std::strerror(errno));
    }
    return copy;
}

Result<UniqueFd> copy_file(const std::string& path)
{
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write.
    const UniqueFd source(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!source) {
        const std::string next = errno == ENOENT ? ": put one there, or name another in geo.databases" : "";
        return fail(ErrorCode::not_found, std::strerror(errno) + next);
    }
    struct stat info {};
    if (fstat(source.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return fail(ErrorCode::invalid, "it is not a regular file");
    }
    auto copy = TRY(make_copy());
    std::vector<char> buffer(static_cast<std::size_t>(std::clamp<off_t>(info.st_size, 1, 1 << 20)));
    for (std::uint64_t total = 0;;) {
        const auto got = read(source.get(), buffer.data(), buffer.size());
        if (got < 0) {
            return fail(ErrorCode::internal, std::string("reading it: ") + std::strerror(errno));
        }
        if (got == 0) {
            return copy;
        }
        total += static_cast<std::uint64_t>(got);
        if (total > kLargestFile || static_cast<std::uint64_t>(info.st_size) > kLargestFile) {
            return fail(ErrorCode::invalid, kTooLarge);
        }
        TRY(append(copy, {buffer.data(), static_cast<std::size_t>(got)}));
    }
}

Result<UniqueFd> copy_bytes(std::string_view bytes)
{
    if (bytes.size() > kLargestFile) {
        return fail(ErrorCode::invalid, kTooLarge);
    }
    auto copy = TRY(make_copy());
    TRY(append(copy, bytes));
    return copy;
}

struct CloseMmdb {
    void operator()(MMDB_s* mmdb) const
    {
        MMDB_close(mmdb);
        delete mmdb;
    }
};
using Mmdb = std::unique_ptr<MMDB_s, CloseMmdb>;

// Where the data section begins.
std::uint64_t data_at(const MMDB_metadata_s& metadata)
{
    return std::uint64_t{metadata.node_count} * metadata.record_size / 4 + kSeparatorBytes;
}

// libmaxminddb 1.7.1 reads metadata without a limit to what pointers make of it.
Result<> check_metadata(const UniqueFd& copy)
{
    constexpr std::string_view kMarker = "\xab\xcd\xefMaxMind.com";
    constexpr off_t kMost = 128 << 10; // where the specification has readers look for it
    struct stat info {};
    if (fstat(copy.get(), &info) != 0 || info.st_size == 0) {
        return fail(ErrorCode::invalid, "it is empty");
    }
    const auto size = info.st_size;
    std::string tail(static_cast<std::size_t>(std::min(size, kMost)), '\0');
    if (pread(copy.get(), tail.data(), tail.size(), size - static_cast<off_t>(tail.size())) !=
        static_cast<ssize_t>(tail.size())) {
        return fail(ErrorCode::internal, std::string("reading the copy: ") + std::strerror(errno));
    }
    const auto at = tail.rfind(kMarker);
    if (at == std::string::npos) {
        return fail(ErrorCode::invalid, "it is no MaxMind DB: it has no metadata");
    }
    const auto bytes = std::string_view(tail).substr(at + kMarker.size());
    return MmdbData(Bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()))
        .check_simple(0)
        .map_error([](Error error) { return std::move(error).context("its metadata is damaged"); });
}

Result<Mmdb> open_mmdb(const UniqueFd& copy)
{
    TRY(check_metadata(copy));
    auto opened = std::make_unique<MMDB_s>();
    const auto name = "/proc/self/fd/" + std::to_string(copy.get());
    if (const int status = MMDB_open(name.c_str(), MMDB_MODE_MMAP, opened.get()); status != MMDB_SUCCESS) {
        return fail(ErrorCode::invalid, std::string("it is no MaxMind DB: ") + MMDB_strerror(status));
    }
    Mmdb mmdb(opened.release());
    const auto& meta = mmdb->metadata;
    const bool sizes = meta.record_size == 24 || meta.record_size == 28 || meta.record_size == 32;
    if (!sizes || (meta.ip_version != 4 && meta.ip_version != 6) || meta.node_count == 0) {
        return fail(ErrorCode::invalid, "its metadata is nonsense (record size " +
                                            std::to_string(meta.record_size) + ", IP version " +
                                            std::to_string(meta.ip_version) + ", " +
                                            std::to_string(meta.node_count) + " nodes)");
    }
    // libmaxminddb 1.7.1 asks the same in 32 bits.
    if (data_at(meta) > static_cast<std::uint64_t>(mmdb->metadata_section - mmdb->file_content)) {
        return fail(ErrorCode::invalid, "its search tree is cut off: it should have " +
                                            std::to_string(meta.node_count) + " nodes");
    }
    if (meta.build_epoch > kLastSecond) {
        return fail(ErrorCode::invalid,
                    "its metadata is nonsense (built " + std::to_string(meta.build_epoch) + " s after 1970)");
    }
    return mmdb;
}

// The field a file keeps its countries in. Its path is the same in every record of one file.
enum class Layout : std::uint8_t { iso_code, country_code, country };

struct LayoutPath {
    Layout layout;
    std::array<const char*, 2> path;
};
constexpr auto kLayouts = std::to_array<LayoutPath>({
    {Layout::iso_code, {"country", "iso_code"}},
    {Layout::country_code, {"country_code", nullptr}},
    {Layout::country, {"country", nullptr}},
});

// The country in each data record.
class Records {
public:
    explicit Records(Bytes bytes) : data_(bytes), most_steps_(1'000'000 + 16 * std::uint64_t{bytes.size()}) {}

    // Files hold some hundred distinct records for a million networks.
    Result<Country> country_at(std::uint64_t offset)
    {
        if (const auto it = known_.find(offset); it != known_.end()) {
            return it->second;
        }
        auto country = read(offset);
        if (!country) {
            return fail(std::move(country).error().context("a data record is damaged"));
        }
        if (mixed_) {
            return fail(ErrorCode::invalid, "its records keep the country in different fields");
        }
        if (steps_ > most_steps_) {
            return fail(ErrorCode::invalid, "its data records overlap");
        }
        known_.emplace(offset, *country);
        return country;
    }

private:
    Result<Country> read(std::uint64_t offset)
    {
        const auto record = TRY(data_.value(offset));
        for (const auto& [layout, path] : kLayouts) {
            auto field = TRY(data_.find(record, path[0], steps_));
            if (field && path[1] != nullptr) {
                field = TRY(data_.find(*field, path[1], steps_));
            }
            if (!field || field->type != MmdbType::text) {
                continue;
            }
            mixed_ = layout_.value_or(layout) != layout;
            layout_ = layout;
            return Country::from_database(data_.text(*field));
        }
        return Country{};
    }

    MmdbData data_;
    std::uint64_t steps_ = 0;
    std::uint64_t most_steps_;
    std::optional<Layout> layout_;
    bool mixed_ = false;
    std::unordered_map<std::uint64_t, Country> known_;
};

// The search tree. A record is the number of a node, or the number of nodes for "nothing known", or
// leads on into the data.
class Tree {
public:
    explicit Tree(const MMDB_s& mmdb)
        : bytes_(mmdb.file_content),
          nodes_(mmdb.metadata.node_count),
          record_bits_(mmdb.metadata.record_size),
          records_(Bytes(mmdb.file_content, mmdb.metadata_section).subspan(data_at(mmdb.metadata)))
    {
    }

    // IPv4 lives at ::/96. Writers alias it elsewhere (::ffff:0:0/96, 2002::/16, 2001::/32); every other
    // way to the same node is skipped.
    Result<> walk_both(Database& database)
    {
        std::uint64_t ipv4 = 0;
        for (unsigned depth = 0; depth < 96 && ipv4 < nodes_; ++depth) {
            ipv4 = child(ipv4, 0);
        }
        TRY(walk(0, Family::v6, ipv4, database.v6));
        return walk(ipv4, Family::v4, nodes_, database.v4);
    }
    Result<> walk_v4(Database& database) { return walk(0, Family::v4, nodes_, database.v4); }

private:
    struct Step {
        std::uint64_t record;
        unsigned depth;
        AddressNumber prefix; // the bits chosen so far, in place
    };

    // Depth first, the 0 branch before the 1 branch: ranges come out in ascending order.
    Result<> walk(std::uint64_t root, Family family, std::uint64_t skipped, std::vector<PlacedRange>& ranges)
    {
        const unsigned bits = address_bits(family);
        ranges.reserve(std::min<std::size_t>(nodes_ / 2, 1U << 20));
        std::vector<Step> stack{{root, 0, 0}};
        std::uint64_t visits = 0;
        while (!stack.empty()) {
            const auto step = stack.back();
            stack.pop_back();
            if (step.record >= nodes_) {
                TRY(add(step, bits, ranges));
                continue;
            }
            if (step.record == skipped) {
                continue;
            }
            if (step.depth >= bits) {
                return fail(ErrorCode::invalid, "its search tree is deeper than an address, or has a cycle");
            }
            // Nodes may be shared, but not so that a small file has no end.
            if (++visits > kMostVisits * nodes_) {
                return fail(ErrorCode::invalid, "its search tree has a cycle, or shares too many nodes");
            }
            const auto one = AddressNumber{1} << (bits - step.depth - 1);
            stack.push_back({child(step.record, 1), step.depth + 1, step.prefix | one});
            stack.push_back({child(step.record, 0), step.depth + 1, step.prefix});
        }
        return {};
    }

    Result<> add(const Step& step, unsigned bits, std::vector<PlacedRange>& ranges)
    {
        if (step.record == nodes_) {
            return {};
        }
        if (step.record < nodes_ + kSeparatorBytes) {
            return fail(ErrorCode::invalid, "a record of its search tree points between tree and data");
        }
        const auto country = TRY(records_.country_at(step.record - nodes_ - kSeparatorBytes));
        if (country.none()) {
            return {};
        }
        if (ranges.size() == kMostRanges) {
            return fail(ErrorCode::invalid, "it has more than 8 million networks of one family");
        }
        const unsigned host_bits = bits - step.depth;
        const AddressNumber hosts =
            host_bits == 128 ? ~AddressNumber{0} : (AddressNumber{1} << host_bits) - 1;
        ranges.push_back({step.prefix, step.prefix | hosts, country});
        return {};
    }

    [[nodiscard]] std::uint64_t child(std::uint64_t node, unsigned side) const
    {
        const auto* at = bytes_ + node * record_bits_ / 4;
        const auto* lower = at + std::size_t{side} * (record_bits_ == 24 ? 3 : 4);
        const auto three = std::uint64_t{lower[0]} << 16 | std::uint64_t{lower[1]} << 8 | lower[2];
        switch (record_bits_) {
        case 24:
            return three;
        case 28: // the byte in the middle has four bits of each
            return three | (side == 0 ? std::uint64_t{at[3]} >> 4 : std::uint64_t{at[3]} & 15) << 24;
        default:
            return three << 8 | lower[3];
        }
    }

    static constexpr std::uint64_t kMostVisits = 8;
    static constexpr std::size_t kMostRanges = 1U << 23;

    const std::uint8_t* bytes_;
    std::uint64_t nodes_;
    unsigned record_bits_;
    Records records_;
};

// It goes into answers and logs: whatever is no printable ASCII does not.
std::string readable(std::string_view type)
{
    std::string text(type.substr(0, 100));
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

Result<Database> read_copy(UniqueFd copy, const std::string& name)
{
    const auto mmdb = TRY(open_mmdb(copy));
    const auto& metadata = mmdb->metadata;
    Database database{.path = name,
                      .type = readable(metadata.database_type),
                      .build = Time(std::chrono::seconds(metadata.build_epoch))};
    Tree tree(*mmdb);
    TRY(metadata.ip_version == 4 ? tree.walk_v4(database) : tree.walk_both(database));
    if (database.v4.empty() && database.v6.empty()) {
        return fail(ErrorCode::invalid, "it places no address in a country");
    }
    database.copy = std::make_shared<const UniqueFd>(std::move(copy));
    return database;
}

auto name_it(const std::string& name)
{
    return [&name](Error error) { return std::move(error).context("country database " + name); };
}

} // namespace

Result<Database> load_mmdb(const std::string& path)
{
    return copy_file(path)
        .and_then([&](UniqueFd copy) { return read_copy(std::move(copy), path); })
        .map_error(name_it(path));
}

Result<Database> read_mmdb(std::string_view bytes, const std::string& name)
{
    return copy_bytes(bytes)
        .and_then([&](UniqueFd copy) { return read_copy(std::move(copy), name); })
        .map_error(name_it(name));
}

} // namespace meetfence::geo
