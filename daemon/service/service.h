// SPDX-License-Identifier: Apache-2.0
// The daemon's own work, without sockets: keeps desired state (registry), disk (store) and kernel
// (data plane) at one, change by change. Every public function that changes something returns after
// the change is on the disk and in force in the kernel, or fails and leaves everything as it was.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/dataplane/data_plane.h"
#include "daemon/geo/archive.h"
#include "daemon/policy/registry.h"
#include "daemon/policy/roster.h"
#include "daemon/service/geo_load.h"
#include "daemon/store/store.h"
#include "model/declaration.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::service {

enum class Severity : std::uint8_t { info, notice, warning, error };

/// Does the first half on another thread, one after the other in the order given, and then the half
/// that it returns on the service's own.
using Background = std::function<void(std::function<std::function<void()>()>)>;

/// Where the service tells what nobody asked: log lines, and events for whoever follows them; and
/// who does its long work.
struct Listener {
    std::function<void(Severity, const std::string&)> log;
    std::function<void(const Json&)> event;
    Background background;
    /// Does it after what waits already: long work in the service's own thread is done in pieces.
    std::function<void(std::function<void()>)> later;
};

/// Of participants with a confirmed flow: whom another country table would keep out, and let in.
struct Moved {
    std::size_t known = 0;
    std::size_t newly_blocked = 0, no_longer_blocked = 0;
};

struct GeoDiffAnswer {
    GeoDiff diff;
    Moved participants;
    CountrySet under_rule;
    std::string refusal; // why a reload with this file would be refused
};

/// What is known of one participant; never an address.
struct ParticipantView {
    const policy::RosterEntry* entry = nullptr;
    std::size_t confirmed_flows = 0;
    std::vector<Country> countries; // of those flows; none = no database places one
};

/// Who is there, and who a rule would keep out, as counts.
struct Impact {
    std::size_t participants = 0; // handed over
    std::size_t connected = 0;    // with a confirmed flow
    std::map<Country, std::size_t> by_country;
    std::size_t unplaced = 0;
    std::size_t affected = 0;
};

struct Explanation {
    mf_explain answer{};
    std::optional<SocketAddress> from; // where it was asked by address
};

class Service {
public:
    /// Opens everything, brings the kernel to the desired state and puts it in force.
    [[nodiscard]] static Result<std::unique_ptr<Service>> start(Config config, Listener listener);

    [[nodiscard]] const policy::Registry& registry() const { return registry_; }
    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] Result<Json> status() const;
    [[nodiscard]] Time geo_build() const; // of the country table in force
    [[nodiscard]] const GeoTable& geo() const { return geo_; }
    /// The largest prefix around an address that the kernel places in `country`, all of which lies
    /// there. None where only the kernel still knows the table.
    [[nodiscard]] std::optional<IpPrefix> prefix_of(const IpAddress& address, Country country) const;
    /// Why the last load came to nothing; empty where it did not.
    [[nodiscard]] const std::string& geo_problem() const { return geo_problem_; }
    [[nodiscard]] bool geo_rolled_back() const { return geo_rolled_back_; }
    /// How many files a rollback would go back to.
    [[nodiscard]] std::size_t geo_previous() const { return geo_previous_; }
    /// The long work that is under way, or null.
    [[nodiscard]] const Progress* geo_working() const { return geo_working_.get(); }
    [[nodiscard]] CountrySet countries_under_rule() const;
    /// Nobody's in answers to the outside: whose an owner word is, or null.
    [[nodiscard]] const policy::Roster::Place* participant(std::uint64_t owner) const
    {
        return roster_.find(owner);
    }
    [[nodiscard]] Result<std::vector<ParticipantView>> participants(const std::string& meeting) const;
    [[nodiscard]] Result<ParticipantView> participant(const std::string& meeting,
                                                      const std::string& id) const;
    /// Of these countries or, where none are asked about, of the rules in force.
    [[nodiscard]] Result<Impact> impact(const std::string& meeting,
                                        const std::optional<CountrySet>& countries) const;
    /// The rules in force that keep out whoever is placed in the country, or the participant.
    [[nodiscard]] Result<std::vector<const Rule*>> rules_against(const std::string& meeting, Country country,
                                                                 const std::string& participant) const;
    [[nodiscard]] std::vector<CountryCounts> counts(const Rule& rule) const;

    [[nodiscard]] Result<> put_meeting(const Meeting& meeting);
    [[nodiscard]] Result<> remove_meeting(const std::string& id);
    /// In the kernel only: participants are never on a disk. True where it was not there before.
    [[nodiscard]] Result<bool> put_participant(const Participant& participant);
    [[nodiscard]] Result<> remove_participant(const std::string& meeting, const std::string& id);
    /// Number 0 in the answer of a dry run.
    [[nodiscard]] Result<Rule> add_rule(const RuleRequest& request, bool dry_run);
    [[nodiscard]] Result<Rule> change_rule(std::uint64_t number, std::optional<Mode> mode,
                                           std::optional<Time> until);
    [[nodiscard]] Result<Rule> withdraw_rule(std::uint64_t number, const std::string& why);
    [[nodiscard]] Result<std::vector<DeclaredChange>> apply(const Declaration& declaration, bool dry_run);

    // These return at once; `done` is called later, on the same thread.
    using Done = std::function<void(Result<>)>;
    using DoneDiff = std::function<void(Result<GeoDiffAnswer>)>;
    void reload_geo(bool force, const Done& done);
    void roll_back_geo(const Done& done);
    /// `bytes`: a database file called `name`, in the place of the configured file `replaces` (empty:
    /// the only one, or the one of the same type).
    void diff_geo(const std::string& name, const std::string& replaces, std::string bytes,
                  const DoneDiff& done);
    void geo_files_changed();
    /// `ufrag`: of an ICE check; empty: of no ICE check.
    [[nodiscard]] Result<Explanation> explain(const SocketAddress& from, const Endpoint& to,
                                              const std::string& ufrag) const;
    [[nodiscard]] Result<Explanation> explain(std::span<const std::uint8_t> frame) const;

    void later(std::function<void()> work) const { listener_.later(std::move(work)); }

    // For the event loop.
    [[nodiscard]] std::optional<Time> next_deadline() const;
    void on_deadline();
    void on_wall_clock_set();
    [[nodiscard]] int event_fd() const { return plane_.event_fd(); }
    void on_kernel_events();
    void tidy();        // when idle: gives memory back that packets no longer see
    void sweep_flows(); // each second: takes out flows that have ended, and gives elements back

private:
    Service(Config config, Listener listener, store::Store store, dataplane::DataPlane plane);

    [[nodiscard]] Result<> load_state();
    [[nodiscard]] Result<> bring_kernel_up_to_date();
    [[nodiscard]] Result<> take_over_participants();
    void lead_participants_to_meetings();
    [[nodiscard]] Result<> name_participants(const store::Changes& changes);
    [[nodiscard]] bool is_named(const policy::RegisteredMeeting& meeting,
                                const std::string& participant) const;
    void forget_unnamed(const std::string& meeting, const std::string& participant);
    void forget_participants(std::uint64_t meeting);
    [[nodiscard]] std::vector<policy::NamedEndpoint> named_after(const store::Changes& changes) const;
    [[nodiscard]] Result<> put_entry(const policy::RegisteredMeeting& meeting, policy::RosterEntry entry);
    [[nodiscard]] policy::OwnerOf owner_of() const;
    [[nodiscard]] Country country_of(const IpAddress& address) const;
    /// Where each participant's flow that was proven last comes from, by owner; contested flows left out.
    [[nodiscard]] std::unordered_map<std::uint64_t, IpAddress> whereabouts() const;
    [[nodiscard]] bool is_kept_out(const policy::RegisteredMeeting& meeting, const std::string& participant,
                                   const IpAddress& address, Country country, Time now) const;
    [[nodiscard]] Moved moved_by(const GeoDiff& diff) const;
    void tell(const mf_event& event);

    // While one is at work, nothing comes in force: it may read what is.
    struct GeoJob {
        std::shared_ptr<Progress> progress;
        std::function<std::function<void()>()> work;
    };
    [[nodiscard]] Result<> start_geo(Result<LoadedGeo> loaded);
    [[nodiscard]] Result<> commit_geo(LoadedGeo loaded);
    void load_in_background(const char* what, const std::function<std::vector<GeoFile>()>& files,
                            const std::function<Result<>(LoadedGeo)>& judge, const Done& done);
    void enqueue(GeoJob job);
    void next_geo_job();
    void give_memory_back() const;
    [[nodiscard]] Result<std::string> database_to_replace(const std::string& wanted,
                                                          const std::string& type) const;

    enum class Disk : std::uint8_t { write, leave };
    [[nodiscard]] Result<> commit(const store::Changes& changes, const std::string& why, Disk disk);
    [[nodiscard]] std::vector<policy::MeetingImage> images_after(const store::Changes& changes,
                                                                 Time now) const;
    [[nodiscard]] policy::MeetingImage image_of(const policy::RegisteredMeeting& entry, Time now) const;
    using EndedRules = std::vector<std::pair<Rule, dataplane::LinkedRule>>;
    [[nodiscard]] EndedRules ended_by(const store::Changes& changes, Time now) const;
    void keep_final_counts(const EndedRules& ended);
    void rule_event(const char* what, const Rule& rule) const;

    Config config_;
    Listener listener_;
    store::Store store_;
    dataplane::DataPlane plane_;
    policy::Registry registry_;
    policy::Roster roster_;
    std::vector<dataplane::LeftParticipant> left_; // until their meetings are in the kernel
    store::Counts final_counts_;
    geo::Archive archive_; // once the service has started, used by long work only: one at a time
    std::size_t geo_previous_ = 0;
    GeoTable geo_; // in force
    std::string geo_problem_;
    bool geo_rolled_back_ = false;
    std::string geo_signature_; // of the configured files as they were loaded last
    std::shared_ptr<Progress> geo_working_;
    std::deque<GeoJob> geo_jobs_;
    std::int64_t wall_offset_ns_ = 0;
};

} // namespace meetfence::service
