// SPDX-License-Identifier: Apache-2.0
// The long part of putting country databases in force: reading, comparing, building. Touches nothing
// that packets or the service's own thread use, and so runs on another one.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/dataplane/geo_tables.h"
#include "daemon/geo/admission.h"
#include "daemon/geo/comparison.h"
#include "model/result.h"

namespace meetfence::service {

/// How far a piece of long work is; written by the one thread, read by the other.
class Progress {
public:
    explicit Progress(std::string what) : what_(std::move(what)) {}

    void step(const char* name, unsigned percent)
    {
        step_ = name;
        percent_ = percent;
    }
    [[nodiscard]] const std::string& what() const { return what_; }
    [[nodiscard]] const char* step() const { return step_; }
    [[nodiscard]] unsigned percent() const { return percent_; }

private:
    std::string what_;
    std::atomic<const char*> step_{"waiting"}; // literals only
    std::atomic<unsigned> percent_{0};
};

/// What two databases place in different countries.
struct PairDisagreement {
    std::string one, other; // paths
    std::vector<geo::Difference> differences;
};

/// A country table with everything there is to know of it, in force or on its way.
struct GeoTable {
    geo::Candidate facts;
    std::vector<PairDisagreement> disagreement;
    std::shared_ptr<const geo::PlaceTable> places = std::make_shared<const geo::PlaceTable>();
    std::chrono::milliseconds read_time{}, build_time{}, swap_time{};
    Time loaded;
};

struct LoadedGeo {
    GeoTable table;
    dataplane::StagedTable staged;
    std::vector<geo::Database> files; // without their ranges: for the archive
};

struct GeoFile {
    std::string source; // where it is read
    std::string path;   // how it is called: the configured path
};

[[nodiscard]] std::vector<GeoFile> configured_files(const Config& config);
/// Copies, under the names of what they are copies of.
[[nodiscard]] std::vector<GeoFile> archived_files(const Config& config,
                                                  const std::vector<std::string>& copies);
/// Changes whenever somebody wrote into one of the files, or put another in its place.
[[nodiscard]] std::string signature_of(const Config& config);

[[nodiscard]] Result<LoadedGeo> load_geo(const Config& config, const std::vector<GeoFile>& files,
                                         Progress& progress);

struct GeoDiff {
    std::string replaces;
    geo::Candidate facts; // of what would be in force
    Time build_now, build_then;
    std::shared_ptr<const geo::PlaceTable> now;
    geo::PlaceTable then;
    std::vector<geo::Difference> changes;
};

/// What would change were `bytes` in the place of the file `replaces`.
[[nodiscard]] Result<GeoDiff> diff_geo(const Config& config, const std::vector<GeoFile>& files,
                                       const std::string& replaces, const std::string& bytes,
                                       const std::string& name,
                                       const std::shared_ptr<const geo::PlaceTable>& now, Progress& progress);

} // namespace meetfence::service
