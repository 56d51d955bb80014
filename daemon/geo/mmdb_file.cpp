// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/mmdb_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <maxminddb.h>
#include <memory>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>

#include "pins/unique_fd.h"

namespace meetfence::geo {
namespace {

constexpr std::uint64_t kLargestFile = 1ULL << 30;
constexpr unsigned kSeparatorBytes = 16; // MaxMind DB 2.0: zeroes between tree and data

Result<UniqueFd> copy_privately(const std::string& path)
{
    const UniqueFd source(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source) {
        return fail(ErrorCode::not_found, std::strerror(errno));
    }
    struct stat info {};
    if (fstat(source.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return fail(ErrorCode::invalid, "it is not a regular file");
    }
    if (info.st_size == 0) {
        return fail(ErrorCode::invalid, "it is empty");
    }
    if (static_cast<std::uint64_t>(info.st_size) > kLargestFile) {
        return fail(ErrorCode::invalid, "it is larger than 1 GiB");
    }
    UniqueFd copy(memfd_create("meetfence-geo", MFD_CLOEXEC));
    if (!copy) {
        return fail(ErrorCode::internal, std::string("memfd_create: ") + std::strerror(errno));
    }
    std::vector<char> buffer(1U << 20);
    for (;;) {
        const auto got = read(source.get(), buffer.data(), buffer.size());
        if (got == 0) {
            return copy;
        }
        if (got < 0 || write(copy.get(), buffer.data(), static_cast<std::size_t>(got)) != got) {
            return fail(ErrorCode::internal, std::string("copying it: ") + std::strerror(errno));
        }
    }
}

struct CloseMmdb {
    void operator()(MMDB_s* mmdb) const
    {
        MMDB_close(mmdb);
        delete mmdb;
    }
};
using Mmdb = std::unique_ptr<MMDB_s, CloseMmdb>;

Result<Mmdb> open_mmdb(const UniqueFd& copy)
{
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
    return mmdb;
}

// The field a file keeps its countries in. Its path is the same in every record of one file.
enum class Layout : std::uint8_t { iso_code, country_code, country };

struct LayoutPath {
    Layout layout;
    std::array<const char*, 3> path;
};
constexpr auto kLayouts = std::to_array<LayoutPath>({
    {Layout::iso_code, {"country", "iso_code", nullptr}},
    {Layout::country_code, {"country_code", nullptr, nullptr}},
    {Layout::country, {"country", nullptr, nullptr}},
});

class Walker {
public:
    explicit Walker(Mmdb mmdb) : mmdb_(std::move(mmdb)) {}

    Result<> walk(Database& database)
    {
        const auto& meta = mmdb_->metadata;
        const auto root = Step{.node = 0, .depth = 0, .prefix = 0};
        if (meta.ip_version == 4) {
            return walk_tree(root, Family::v4, database.v4);
        }
        // IPv4 lives at ::/96. Writers alias it elsewhere (::ffff:0:0/96, 2002::/16, 2001::/32);
        // every other way to the same node is skipped.
        ipv4_start_ = mmdb_->ipv4_start_node.node_value;
        TRY(walk_tree(root, Family::v6, database.v6));
        if (ipv4_start_ < meta.node_count) {
            return walk_tree({.node = static_cast<std::uint32_t>(ipv4_start_), .depth = 0, .prefix = 0},
                             Family::v4, database.v4);
        }
        if (ipv4_start_ >= meta.node_count + kSeparatorBytes) {
            // One record for all of IPv4; records count on from the tree into the data section.
            MMDB_entry_s entry{
                .mmdb = mmdb_.get(),
                .offset = static_cast<std::uint32_t>(ipv4_start_ - meta.node_count - kSeparatorBytes)};
            if (const auto country = TRY(country_of(ipv4_start_, entry)); !country.none()) {
                database.v4.push_back({0, 0xffffffffU, country});
            }
        }
        return {};
    }

private:
    struct Step {
        std::uint32_t node;
        unsigned depth;
        AddressNumber prefix; // the bits chosen so far, in place
    };

    // Depth first, the 0 branch before the 1 branch: ranges come out in ascending order.
    Result<> walk_tree(Step root, Family family, std::vector<PlacedRange>& ranges)
    {
        const unsigned bits = address_bits(family);
        std::vector<Step> stack{root};
        std::uint64_t visited = 0;
        while (!stack.empty()) {
            const auto step = stack.back();
            stack.pop_back();
            if (step.node == kLeaf) {
                ranges.push_back(pending_.back());
                pending_.pop_back();
                continue;
            }
            if (++visited > mmdb_->metadata.node_count) {
                return fail(ErrorCode::invalid, "its search tree has a cycle");
            }
            if (step.depth >= bits) {
                return fail(ErrorCode::invalid, "its search tree is deeper than an address");
            }
            MMDB_search_node_s node{};
            if (MMDB_read_node(mmdb_.get(), step.node, &node) != MMDB_SUCCESS) {
                return fail(ErrorCode::invalid, "its search tree is damaged");
            }
            // Pushed in reverse, so that the left one is taken first.
            TRY(follow(node.right_record, node.right_record_type, node.right_record_entry,
                       branch(step, 1, bits), family, stack));
            TRY(follow(node.left_record, node.left_record_type, node.left_record_entry, branch(step, 0, bits),
                       family, stack));
        }
        return {};
    }

    static Step branch(const Step& from, unsigned bit, unsigned bits)
    {
        return {.node = 0,
                .depth = from.depth + 1,
                .prefix = from.prefix | AddressNumber{bit} << (bits - from.depth - 1)};
    }

    Result<> follow(std::uint64_t record, std::uint8_t type, MMDB_entry_s entry, Step step, Family family,
                    std::vector<Step>& stack)
    {
        const auto nodes = mmdb_->metadata.node_count;
        if (record == nodes) {
            return {}; // nothing known
        }
        if (record < nodes) {
            const bool ipv4 = family == Family::v6 && ipv4_start_ < nodes && record == ipv4_start_;
            if (!ipv4) {
                step.node = static_cast<std::uint32_t>(record);
                stack.push_back(step);
            }
            return {};
        }
        if (record < nodes + kSeparatorBytes || type != MMDB_RECORD_TYPE_DATA) {
            return fail(ErrorCode::invalid, "a record of its search tree points between tree and data");
        }
        const auto country = TRY(country_of(record, entry));
        if (!country.none()) {
            const unsigned host_bits = address_bits(family) - step.depth;
            const AddressNumber hosts =
                host_bits == 128 ? ~AddressNumber{0} : (AddressNumber{1} << host_bits) - 1;
            pending_.push_back({step.prefix, step.prefix | hosts, country});
            stack.push_back({.node = kLeaf, .depth = step.depth, .prefix = step.prefix});
        }
        return {};
    }

    // Files hold some hundred distinct records for a million networks.
    Result<Country> country_of(std::uint64_t record, MMDB_entry_s entry)
    {
        if (const auto it = countries_.find(record); it != countries_.end()) {
            return it->second;
        }
        const auto country = TRY(read_country(entry));
        countries_.emplace(record, country);
        return country;
    }

    Result<Country> read_country(MMDB_entry_s entry)
    {
        for (const auto& [layout, path] : kLayouts) {
            MMDB_entry_data_s data{};
            const int status = MMDB_aget_value(&entry, &data, path.data());
            if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
                (status == MMDB_SUCCESS && (!data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING))) {
                continue;
            }
            if (status != MMDB_SUCCESS) {
                return fail(ErrorCode::invalid,
                            std::string("a data record is damaged: ") + MMDB_strerror(status));
            }
            if (layout_.value_or(layout) != layout) {
                return fail(ErrorCode::invalid, "its records keep the country in different fields");
            }
            layout_ = layout;
            return Country::from_database({data.utf8_string, data.data_size});
        }
        return Country{};
    }

    static constexpr std::uint32_t kLeaf = ~0U;

    Mmdb mmdb_;
    std::uint64_t ipv4_start_ = ~0ULL;
    std::optional<Layout> layout_;
    std::unordered_map<std::uint64_t, Country> countries_;
    std::vector<PlacedRange> pending_; // of the leaves on the stack, in the same order
};

Result<Database> load(const std::string& path)
{
    const auto copy = TRY(copy_privately(path));
    auto mmdb = TRY(open_mmdb(copy));
    Database database{.path = path,
                      .type = mmdb->metadata.database_type,
                      .build = Time(std::chrono::seconds(mmdb->metadata.build_epoch))};
    TRY(Walker(std::move(mmdb)).walk(database));
    if (database.v4.empty() && database.v6.empty()) {
        return fail(ErrorCode::invalid, "it places no address in a country");
    }
    return database;
}

} // namespace

Result<Database> load_mmdb(const std::string& path)
{
    return load(path).map_error(
        [&](Error error) { return std::move(error).context("country database " + path); });
}

} // namespace meetfence::geo
