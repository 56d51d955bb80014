// SPDX-License-Identifier: Apache-2.0
#include "daemon/geo/second_opinion.h"

#include <array>
#include <cstring>
#include <maxminddb.h>
#include <netinet/in.h>
#include <span>
#include <unordered_map>

#include "daemon/geo/mmdb_data.h"

namespace meetfence::geo {
namespace {

union SocketName {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

SocketName name_of(const IpAddress& address)
{
    SocketName name{};
    const auto& bytes = address.bytes();
    if (address.is_v4()) {
        name.v4.sin_family = AF_INET;
        std::memcpy(&name.v4.sin_addr, bytes.data() + 12, sizeof(name.v4.sin_addr));
    } else {
        name.v6.sin6_family = AF_INET6;
        std::memcpy(&name.v6.sin6_addr, bytes.data(), sizeof(name.v6.sin6_addr));
    }
    return name;
}

// 6to4 (RFC 3056), Teredo (RFC 4380), and the addresses of RFC 4291 section 2.5.5.1 carry somebody else's
// IPv4 address: the country would be the relay's.
bool is_tunnel(const IpAddress& address)
{
    const auto& bytes = address.bytes();
    const auto begins_with = [&](std::initializer_list<std::uint8_t> prefix) {
        return std::equal(prefix.begin(), prefix.end(), bytes.begin());
    };
    return !address.is_v4() && (begins_with({0x20, 0x02}) || begins_with({0x20, 0x01, 0, 0}) ||
                                begins_with({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

Error damaged(const std::string& path, int status)
{
    return {ErrorCode::invalid, "country database " + path + ": " + MMDB_strerror(status)};
}

} // namespace

class SecondOpinion::File {
public:
    [[nodiscard]] static Result<std::unique_ptr<File>> open(const std::string& path)
    {
        std::unique_ptr<File> file(new File(path));
        if (const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &file->mmdb_);
            status != MMDB_SUCCESS) {
            return fail(damaged(path, status));
        }
        file->open_ = true;
        return file;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File()
    {
        if (open_) {
            MMDB_close(&mmdb_);
        }
    }

    [[nodiscard]] Result<Country> country_of(const IpAddress& address)
    {
        if (mmdb_.metadata.ip_version == 4 && !address.is_v4()) {
            return Country{};
        }
        const auto name = name_of(address);
        int status = MMDB_SUCCESS;
        auto found = MMDB_lookup_sockaddr(&mmdb_, &name.any, &status);
        if (status != MMDB_SUCCESS) {
            return fail(damaged(path_, status));
        }
        if (!found.found_entry) {
            return Country{};
        }
        const auto it = known_.find(found.entry.offset);
        if (it != known_.end()) {
            return it->second;
        }
        return known_[found.entry.offset] = TRY(read(found.entry));
    }

private:
    explicit File(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] Result<Country> read(MMDB_entry_s& record)
    {
        const auto country = TRY(value_in(record, "country"));
        MMDB_entry_data_s code{};
        if (country.has_data && country.type == MMDB_DATA_TYPE_MAP) {
            MMDB_entry_s inner{&mmdb_, country.offset};
            code = TRY(value_in(inner, "iso_code"));
        }
        const auto flat_code = TRY(value_in(record, "country_code"));
        for (const auto& text : {code, flat_code, country}) {
            if (text.has_data && text.type == MMDB_DATA_TYPE_UTF8_STRING) {
                return Country::from_database({text.utf8_string, text.data_size});
            }
        }
        return Country{};
    }

    // libmaxminddb skips nested values by recursion, without a limit.
    [[nodiscard]] Result<MMDB_entry_data_s> value_in(MMDB_entry_s& map, const char* key)
    {
        const MmdbData data(std::span(mmdb_.data_section, mmdb_.data_section_size));
        TRY(data.check_depth(map.offset).map_error([&](Error error) {
            return std::move(error).context("country database " + path_);
        }));
        MMDB_entry_data_s value{};
        const int status = MMDB_get_value(&map, &value, key, nullptr);
        if (status != MMDB_SUCCESS && status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {
            return fail(damaged(path_, status));
        }
        return status == MMDB_SUCCESS ? value : MMDB_entry_data_s{};
    }

    std::string path_;
    MMDB_s mmdb_{};
    bool open_ = false;
    std::unordered_map<std::uint32_t, Country> known_; // by record: there are some hundred
};

SecondOpinion::SecondOpinion(std::vector<std::unique_ptr<File>> files, Agreement agreement,
                             std::vector<PlacedPrefix> overrides)
    : files_(std::move(files)), agreement_(agreement), overrides_(std::move(overrides))
{
}

SecondOpinion::SecondOpinion(SecondOpinion&&) noexcept = default;
SecondOpinion& SecondOpinion::operator=(SecondOpinion&&) noexcept = default;
SecondOpinion::~SecondOpinion() = default;

Result<SecondOpinion> SecondOpinion::open(const std::vector<std::string>& databases, Agreement agreement,
                                          std::vector<PlacedPrefix> overrides)
{
    std::vector<std::unique_ptr<File>> files;
    files.reserve(databases.size());
    for (const auto& path : databases) {
        files.push_back(TRY(File::open(path)));
    }
    return SecondOpinion(std::move(files), agreement, std::move(overrides));
}

Result<Opinion> SecondOpinion::of(const IpAddress& address) const
{
    const PlacedPrefix* closest = nullptr;
    for (const auto& placed : overrides_) {
        if (placed.prefix.contains(address) &&
            (closest == nullptr || placed.prefix.bits >= closest->prefix.bits)) {
            closest = &placed;
        }
    }
    if (closest != nullptr) {
        return Opinion{closest->country};
    }
    if (is_tunnel(address)) {
        return Opinion{};
    }
    Opinion opinion;
    for (const auto& file : files_) {
        const auto country = TRY(file->country_of(address));
        if (country.none()) {
            continue;
        }
        opinion.disputed = opinion.disputed || (!opinion.country.none() && opinion.country != country);
        opinion.country = opinion.country.none() ? country : opinion.country;
    }
    if (opinion.disputed && agreement_ == Agreement::all) {
        opinion.country = Country{};
    }
    return opinion;
}

} // namespace meetfence::geo
