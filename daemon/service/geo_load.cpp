// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/geo_load.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>

namespace meetfence::service {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr unsigned kReadPercent = 50; // of the whole, by experience

Result<std::vector<geo::Database>> read_all(const std::vector<GeoFile>& files, Progress& progress)
{
    std::vector<geo::Database> databases;
    for (const auto& file : files) {
        progress.step("reading the databases",
                      static_cast<unsigned>(kReadPercent * databases.size() / files.size()));
        databases.push_back(TRY(geo::load_mmdb(file.source)));
        databases.back().path = file.path;
    }
    return databases;
}

std::vector<PairDisagreement> disagreement_of(const std::vector<geo::Database>& databases)
{
    std::vector<PairDisagreement> pairs;
    for (std::size_t i = 0; i < databases.size(); ++i) {
        for (std::size_t k = i + 1; k < databases.size(); ++k) {
            pairs.push_back(
                {databases[i].path, databases[k].path, geo::disagreement(databases[i], databases[k])});
        }
    }
    return pairs;
}

geo::Candidate facts_of(const std::vector<geo::Database>& databases, const geo::PlaceTable& places)
{
    geo::Candidate facts;
    std::ranges::transform(databases, std::back_inserter(facts.databases), geo::facts_of);
    facts.extents = geo::extents(places);
    return facts;
}

} // namespace

std::vector<GeoFile> configured_files(const Config& config)
{
    std::vector<GeoFile> files;
    for (const auto& path : config.databases) {
        files.push_back({path, path});
    }
    return files;
}

std::vector<GeoFile> archived_files(const Config& config, const std::vector<std::string>& copies)
{
    std::vector<GeoFile> files;
    for (std::size_t i = 0; i < copies.size(); ++i) {
        files.push_back({copies[i], i < config.databases.size() ? config.databases[i] : copies[i]});
    }
    return files;
}

std::string signature_of(const Config& config)
{
    std::string text;
    for (const auto& path : config.databases) {
        struct stat info {};
        stat(path.c_str(), &info);
        text += fmt::format("{}:{}:{}:{}.{} ", info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                            info.st_mtim.tv_nsec);
    }
    return text;
}

Result<LoadedGeo> load_geo(const Config& config, const std::vector<GeoFile>& files, Progress& progress)
{
    const auto begin = Clock::now();
    LoadedGeo loaded;
    loaded.files = TRY(read_all(files, progress));
    auto& table = loaded.table;
    table.read_time = duration_cast<milliseconds>(Clock::now() - begin);

    progress.step("comparing the databases", kReadPercent);
    table.disagreement = disagreement_of(loaded.files);
    progress.step("merging", 60);
    table.places = std::make_shared<const geo::PlaceTable>(
        geo::build_table(loaded.files, config.agreement, config.overrides));
    table.facts = facts_of(loaded.files, *table.places);
    for (auto& file : loaded.files) {
        file.v4 = {};
        file.v6 = {};
    }
    progress.step("building the table", 75);
    const auto flat = TRY(geo::make_country_table(*table.places));
    progress.step("copying it into the kernel", 90);
    loaded.staged = TRY(dataplane::stage_table(flat, *table.places));
    progress.step("putting it in force", 95);
    table.build_time = duration_cast<milliseconds>(Clock::now() - begin) - table.read_time;
    return loaded;
}

Result<GeoDiff> diff_geo(const Config& config, const std::vector<GeoFile>& files, const std::string& replaces,
                         const std::string& bytes, const std::string& name,
                         const std::shared_ptr<const geo::PlaceTable>& now, Progress& progress)
{
    progress.step("reading the databases", 0);
    GeoDiff diff{.replaces = replaces, .build_now = now->build, .now = now};
    std::vector<geo::Database> databases;
    for (const auto& file : files) {
        databases.push_back(
            TRY(file.path == replaces ? geo::read_mmdb(bytes, name) : geo::load_mmdb(file.source)));
        diff.build_then = file.path == replaces ? databases.back().build : diff.build_then;
        databases.back().path = file.path;
    }
    progress.step("merging", kReadPercent);
    diff.then = geo::build_table(databases, config.agreement, config.overrides);
    diff.facts = facts_of(databases, diff.then);
    progress.step("comparing the tables", 80);
    diff.changes = geo::differences(*diff.now, diff.then);
    return diff;
}

} // namespace meetfence::service
