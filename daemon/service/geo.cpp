// SPDX-License-Identifier: Apache-2.0
// Service: country databases come in force, go back, and are compared. One piece of long work at a
// time, on a thread of its own; what it found is judged and put in force between two requests.
#include <algorithm>
#include <fmt/format.h>
#include <malloc.h>

#include "daemon/service/clock.h"
#include "daemon/service/service.h"

namespace meetfence::service {
namespace {

using std::chrono::milliseconds;

constexpr const char* kStays = "; the country table in force stays";

std::string refusal_of(const Config& config, const geo::Candidate& candidate, const geo::Candidate* present,
                       const CountrySet& under_rule)
{
    return geo::refusal(candidate, present, under_rule, config.admission_policy(), wall_now());
}

Error with_stays(Error error)
{
    error.message += kStays;
    return error;
}

} // namespace

// What is wrong with the files must not keep a daemon from filtering as well as it can: the table an
// earlier one left, or the copies of the last good files, go on being good.
Result<> Service::start_geo(Result<LoadedGeo> loaded)
{
    geo_signature_ = signature_of(*config_);
    geo_previous_ = archive_.previous().size();
    const auto copies = archived_files(*config_, archive_.current());
    const bool rejected = loaded && archive_.is_rejected(loaded->files);
    std::string why;
    if (!loaded) {
        why = loaded.error().message;
    } else if (rejected) {
        why = "the configured country databases are the ones that were rolled back";
    } else {
        why = refusal_of(*config_, loaded->table.facts, nullptr, {});
        // Against what they replace, where that is known.
        Progress progress("start");
        if (why.empty() && !copies.empty() && !countries_under_rule().empty()) {
            if (const auto last = load_geo(*config_, copies, progress)) {
                why = refusal_of(*config_, loaded->table.facts, &last->table.facts, countries_under_rule());
            }
        }
    }
    if (why.empty()) {
        TRY(commit_geo(std::move(*loaded)));
        trail_.note("geo_loaded", geo_body());
        give_memory_back();
        return {};
    }
    if (!copies.empty()) {
        Progress progress("start");
        if (auto last = load_geo(*config_, copies, progress)) {
            TRY(commit_geo(std::move(*last)));
            trail_.note("geo_loaded", geo_body());
            geo_rolled_back_ = rejected;
            geo_problem_ = why + "; the last good ones are in force";
            listener_.log(rejected ? Severity::notice : Severity::error, geo_problem_,
                          {.message_id = message_id::kGeoRefused});
            return {};
        }
    }
    if (!plane_.adopted() || plane_.tables().control().geo_generation == 0) {
        return fail(loaded ? Error{ErrorCode::invalid, why} : std::move(loaded).error());
    }
    geo_problem_ = why + kStays;
    listener_.log(Severity::error, geo_problem_, {.message_id = message_id::kGeoRefused});
    trail_.note("geo_refused", {{"why", geo_problem_}});
    return {};
}

// Of files their kind and age, not where they lie.
Json Service::geo_body() const
{
    const auto type_of = [&](const std::string& path) {
        const auto it = std::ranges::find(geo_.facts.databases, path, &geo::DatabaseFacts::path);
        return it == geo_.facts.databases.end() ? std::string() : it->type;
    };
    auto databases = Json::array();
    for (const auto& database : geo_.facts.databases) {
        databases.push_back({{"type", database.type}, {"build", format_time(database.build)}});
    }
    auto disagreement = Json::array();
    for (const auto& [one, other, differences] : geo_.disagreement) {
        std::uint64_t addresses = 0;
        std::uint64_t sites = 0;
        for (const auto& difference : differences) {
            addresses += difference.extent.ipv4_addresses;
            sites += difference.extent.ipv6_48s;
        }
        disagreement.push_back({{"databases", {type_of(one), type_of(other)}},
                                {"ipv4_addresses", addresses},
                                {"ipv6_48s", sites}});
    }
    const auto& control = plane_.tables().control();
    return {{"generation", control.geo_generation},
            {"agreement", config_->agreement == geo::Agreement::all ? "all" : "first"},
            {"databases", std::move(databases)},
            {"disagreement", std::move(disagreement)},
            {"prefixes_v4", control.geo_prefixes_v4},
            {"prefixes_v6", control.geo_prefixes_v6}};
}

CountrySet Service::countries_under_rule() const
{
    CountrySet countries;
    const auto now = wall_now();
    for (const auto& [number, rule] : registry_.rules()) {
        if (rule.ended(now)) {
            continue;
        }
        for (const auto country : rule.countries.list()) {
            countries.add(country);
        }
    }
    return countries;
}

std::optional<IpPrefix> Service::prefix_of(const IpAddress& address, Country country) const
{
    if (geo::country_of(*geo_.places, address) != country) {
        return std::nullopt;
    }
    return geo::prefix_around(*geo_.places, address);
}

Result<> Service::commit_geo(LoadedGeo loaded, Keep keep)
{
    if (config_->databases.empty()) {
        listener_.log(Severity::warning,
                      "no country database is configured: only geo.overrides place addresses");
    }
    const auto begin = std::chrono::steady_clock::now();
    TRY(plane_.geo().put_in_force(std::move(loaded.staged)));
    geo_ = std::move(loaded.table);
    geo_.swap_time = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    geo_.loaded = wall_now();
    geo_problem_.clear();
    geo_rolled_back_ = false;
    const auto& control = plane_.tables().control();
    listener_.log(
        Severity::info,
        fmt::format("country table {} in force: {} IPv4 and {} IPv6 prefixes, {:.1f} MB{}; read in {} ms, "
                    "built in {} ms, swapped in {} ms",
                    control.geo_generation, control.geo_prefixes_v4, control.geo_prefixes_v6,
                    static_cast<double>(control.geo_bytes) / 1e6,
                    config_->databases.empty() ? "" : ", of " + format_time(geo_build()),
                    geo_.read_time.count(), geo_.build_time.count(), geo_.swap_time.count()),
        {.message_id = message_id::kGeoLoaded});
    for (const auto& database : geo_.facts.databases) {
        if (const auto old = geo::age_warning(database, config_->admission_policy(), geo_.loaded);
            !old.empty()) {
            listener_.log(Severity::warning, "country database " + database.path + ": " + old);
        }
    }
    // On the disk behind the table's back: it is in force whether or not it can be kept.
    listener_.background([this, keep, config = config_, generation = control.geo_active,
                          files = std::make_shared<const std::vector<geo::Database>>(
                              std::move(loaded.files))]() -> std::function<void()> {
        auto kept = files->empty() || keep == Keep::no ? Result<>() : archive_.keep(*files);
        auto opinion = std::make_shared<Result<geo::SecondOpinion>>(ask_archive(*config, *files));
        return [this, generation, opinion, kept = std::move(kept), previous = archive_.previous().size()] {
            geo_previous_ = previous;
            use_second_opinion(std::move(*opinion), generation);
            if (!kept) {
                listener_.log(Severity::warning,
                              kept.error().message + "; there will be no rollback to this one");
            }
        };
    });
    return {};
}

// What takes some hundred megabytes for a moment, malloc would keep for the next time.
void Service::give_memory_back() const
{
    listener_.background([]() -> std::function<void()> {
        malloc_trim(0);
        return [] {};
    });
}

void Service::enqueue(GeoJob job)
{
    geo_jobs_.push_back(std::move(job));
    if (!geo_working_) {
        next_geo_job();
    }
}

void Service::next_geo_job()
{
    if (geo_jobs_.empty()) {
        return;
    }
    auto job = std::move(geo_jobs_.front());
    geo_jobs_.pop_front();
    geo_working_ = job.progress;
    listener_.background([this, work = std::move(job.work),
                          config = job.config ? std::move(job.config) : config_]() -> std::function<void()> {
        return [this, finish = work(*config)] {
            finish();
            geo_working_.reset();
            give_memory_back();
            next_geo_job();
        };
    });
}

void Service::load_in_background(const char* what, const Files& files,
                                 const std::function<Result<>(LoadedGeo)>& judge, const Actor& actor,
                                 const Done& done, std::shared_ptr<const Config> config)
{
    const auto progress = std::make_shared<Progress>(what);
    enqueue({progress,
             [=, this](const Config& used) -> std::function<void()> {
                 const auto list = files(used);
                 auto loaded = std::make_shared<Result<LoadedGeo>>(load_geo(used, list, *progress));
                 return [=, this] {
                     auto result = *loaded ? judge(std::move(**loaded)) : fail(std::move(*loaded).error());
                     if (!result) {
                         result = fail(with_stays(std::move(result).error()));
                         geo_problem_ = result.error().message;
                         listener_.event({{"event", "geo_refused"}, {"why", geo_problem_}});
                         trail_.note("geo_refused", {{"why", geo_problem_}}, actor);
                     } else {
                         listener_.event({{"event", "geo_loaded"},
                                          {"generation", plane_.tables().control().geo_generation}});
                         trail_.note("geo_loaded", geo_body(), actor);
                     }
                     done(std::move(result));
                 };
             },
             std::move(config)});
}

void Service::reload_geo(bool force, const Actor& actor, const Done& done)
{
    geo_signature_ = signature_of(*config_);
    const auto judge = [this, force](LoadedGeo loaded) -> Result<> {
        const auto* present = geo_.loaded == Time() ? nullptr : &geo_.facts;
        const auto why =
            force ? "" : refusal_of(*config_, loaded.table.facts, present, countries_under_rule());
        if (!why.empty()) {
            return fail(ErrorCode::conflict,
                        why + "; 'meetfencectl geo reload --force' takes it all the same");
        }
        return commit_geo(std::move(loaded));
    };
    load_in_background("reload", configured_files, judge, actor, done);
}

void Service::geo_files_changed()
{
    if (signature_of(*config_) == geo_signature_) {
        return; // by the reload that somebody asked for already
    }
    listener_.log(Severity::info, "the country databases have changed: loading them");
    reload_geo(false, AuditTrail::self(), [this](const Result<>& result) {
        if (!result) {
            listener_.log(Severity::error, result.error().message, {.message_id = message_id::kGeoRefused});
        }
    });
}

void Service::roll_back_geo(const Actor& actor, const Done& done)
{
    if (geo_previous_ == 0 && geo_jobs_.empty() && !geo_working_) {
        done(fail(ErrorCode::conflict,
                  "there are no country databases to go back to: none were replaced since "
                  "this state directory was made"));
        return;
    }
    const auto judge = [this](LoadedGeo loaded) -> Result<> {
        TRY(commit_geo(std::move(loaded), Keep::no));
        geo_rolled_back_ = true;
        if (const auto marked = archive_.roll_back(); !marked) {
            listener_.log(Severity::warning,
                          marked.error().message + "; a restart will load the configured files");
        }
        return {};
    };
    load_in_background(
        "rollback", [this](const Config& config) { return archived_files(config, archive_.previous()); },
        judge, actor, done);
}

Result<std::string> Service::database_to_replace(const Config& config, const std::string& wanted,
                                                 const std::string& type) const
{
    const auto& databases = config.databases;
    if (!wanted.empty()) {
        if (std::ranges::find(databases, wanted) == databases.end()) {
            return fail(ErrorCode::invalid, "no country database " + wanted +
                                                " is configured: geo.databases names " +
                                                fmt::format("{}", fmt::join(databases, ", ")));
        }
        return wanted;
    }
    if (databases.size() == 1) {
        return databases.front();
    }
    std::vector<std::string> same;
    for (const auto& database : geo_.facts.databases) {
        if (database.type == type) {
            same.push_back(database.path);
        }
    }
    if (same.size() != 1) {
        return fail(ErrorCode::invalid,
                    databases.empty()
                        ? std::string("no country database is configured that the file could replace")
                        : fmt::format("which database would it replace? Name one by --replaces: {}",
                                      fmt::join(databases, ", ")));
    }
    return same.front();
}

void Service::diff_geo(const std::string& name, const std::string& replaces, std::string bytes,
                       const DoneDiff& done)
{
    const auto progress = std::make_shared<Progress>("diff");
    const auto content = std::make_shared<const std::string>(std::move(bytes));
    enqueue({progress, [=, this](const Config& config) -> std::function<void()> {
                 const auto copies = archived_files(config, archive_.current());
                 const auto files =
                     copies.size() == config.databases.size() ? copies : configured_files(config);
                 auto diff = std::make_shared<Result<GeoDiff>>(
                     geo::read_mmdb(*content, name).and_then([&](const geo::Database& file) {
                         return database_to_replace(config, replaces, file.type)
                             .and_then([&](const std::string& path) {
                                 return service::diff_geo(config, files, path, *content, name, geo_.places,
                                                          *progress);
                             });
                     }));
                 return [=, this] {
                     if (!*diff) {
                         done(fail(std::move(*diff).error()));
                         return;
                     }
                     const auto under_rule = countries_under_rule();
                     const auto why = refusal_of(*config_, (*diff)->facts, &geo_.facts, under_rule);
                     const auto moved = moved_by(**diff);
                     done(GeoDiffAnswer{std::move(**diff), moved, under_rule, why});
                 };
             }});
}

} // namespace meetfence::service
