// SPDX-License-Identifier: Apache-2.0
// The daemon's own work, without sockets: keeps desired state (registry), disk (store) and kernel
// (data plane) at one, change by change. Every public function that changes something returns after
// the change is on the disk and in force in the kernel, or fails and leaves everything as it was.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/dataplane/data_plane.h"
#include "daemon/geo/archive.h"
#include "daemon/geo/second_opinion.h"
#include "daemon/policy/order_book.h"
#include "daemon/policy/registry.h"
#include "daemon/policy/roster.h"
#include "daemon/service/audit_trail.h"
#include "daemon/service/figures.h"
#include "daemon/service/geo_load.h"
#include "daemon/service/log_line.h"
#include "daemon/service/repetition.h"
#include "daemon/service/running_check.h"
#include "daemon/store/store.h"
#include "model/declaration.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::service {

/// Does the first half on another thread, one after the other in the order given, and then the half
/// that it returns on the service's own.
using Background = std::function<void(std::function<std::function<void()>()>)>;

/// Where the service tells what nobody asked: log lines, and events for whoever follows them; and
/// who does its long work.
struct Listener {
    std::function<void(const LogLine&)> write;
    std::function<void(const Json&)> event;
    Background background;
    /// Does it after what waits already: long work in the service's own thread is done in pieces.
    std::function<void(std::function<void()>)> later;

    void log(Severity severity, std::string text, LogFields fields = {}) const
    {
        write({severity, std::move(text), std::move(fields)});
    }
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

/// Whom a rule would reach, of those who are there.
struct Preview {
    bool registered = false; // the meeting is
    Impact impact;
    std::size_t disputed = 0;   // whom databases place in different countries
    std::size_t collateral = 0; // whom it would keep out though it is not about them
};

/// A rule, and whom it reached when it was asked for.
struct GrantedRule {
    Rule rule; // number 0 of a dry run
    Preview preview;
};

/// Of a participant, asked for by name: where each confirmed flow comes from.
using ShownAddresses = std::map<std::string, std::vector<SocketAddress>>; // by participant

struct Explanation {
    mf_explain answer{};
    std::optional<SocketAddress> from; // where it was asked by address
};

class Service {
public:
    /// Opens everything, brings the kernel to the desired state and puts it in force.
    [[nodiscard]] static Result<std::unique_ptr<Service>> start(Config config, Listener listener);

    [[nodiscard]] const policy::Registry& registry() const { return registry_; }
    [[nodiscard]] const Config& config() const { return *config_; }
    [[nodiscard]] Result<Json> status() const { return status(TRY(figures(FlowCount::exact))); }
    [[nodiscard]] Json status(const Figures& figures) const;
    [[nodiscard]] Result<Figures> figures(FlowCount flow_count) const;
    [[nodiscard]] const RequestFigures& requests() const { return requests_; }
    [[nodiscard]] Time started() const { return started_; }
    [[nodiscard]] std::string summary() const; // one line: what it does now
    [[nodiscard]] Time geo_build() const;      // of the country table in force
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
    /// The same of all countries and both directions, as of these figures.
    [[nodiscard]] RuleCounts total(const Rule& rule, const Figures& figures) const;
    /// What the running check found of a rule's drops, since the daemon started.
    struct Checked {
        std::uint64_t checked = 0, outside = 0;
    };
    [[nodiscard]] Checked checked(std::uint64_t rule) const;

    /// Whom the rule would keep out of its meeting now.
    [[nodiscard]] Preview preview(const Rule& rule) const;

    [[nodiscard]] const policy::OrderBook& orders() const { return orders_; }
    [[nodiscard]] OrderState state_of(const Order& order) const;
    [[nodiscard]] const AuditTrail& trail() const { return trail_; }
    void record(const Refusal& refusal) { trail_.record(refusal); }
    void record(const Answered& answered);

    [[nodiscard]] Result<> put_meeting(const Meeting& meeting, const Actor& actor);
    /// Unused: without a rule, ended ones count, and without participants.
    enum class OnlyIf { known, unused };
    [[nodiscard]] Result<> remove_meeting(const std::string& id, const Actor& actor,
                                          OnlyIf only_if = OnlyIf::known);
    /// In the kernel only: participants are never on a disk. True where it was not there before.
    [[nodiscard]] Result<bool> put_participant(const Participant& participant);
    [[nodiscard]] Result<> remove_participant(const std::string& meeting, const std::string& id);
    [[nodiscard]] Result<GrantedRule> add_rule(const RuleRequest& request, bool dry_run, const Actor& actor);
    [[nodiscard]] Result<Rule> change_rule(std::uint64_t number, std::optional<Mode> mode,
                                           std::optional<Time> until, const Actor& actor);
    [[nodiscard]] Result<Rule> withdraw_rule(std::uint64_t number, const std::string& why,
                                             const Actor& actor);
    /// By the running check: it stops at once, and with it all rules of its order.
    [[nodiscard]] Result<> suspend_rule(std::uint64_t number, const std::string& why);
    [[nodiscard]] Result<std::vector<DeclaredChange>> apply(const Declaration& declaration, bool dry_run,
                                                            const Actor& actor);

    [[nodiscard]] Result<Order> record_order(const OrderTerms& terms, const Actor& actor);
    [[nodiscard]] Result<Order> approve_order(const std::string& id, const Actor& actor);
    [[nodiscard]] Result<Order> reject_order(const std::string& id, const std::string& why,
                                             const Actor& actor);
    [[nodiscard]] Result<Order> withdraw_order(const std::string& id, const std::string& why,
                                               const Actor& actor);
    [[nodiscard]] Result<Order> extend_order(const std::string& id, const policy::ExtensionRequest& request,
                                             const Actor& actor);
    /// The one view that shows where people are; leaves an entry in the audit log.
    [[nodiscard]] Result<ShownAddresses> show_addresses(const std::string& meeting,
                                                        const std::string& purpose, const Actor& actor);

    // These return at once; `done` is called later, on the same thread.
    using Done = std::function<void(Result<>)>;
    using DoneDiff = std::function<void(Result<GeoDiffAnswer>)>;
    /// Takes up a configuration and its databases, wholly or not at all; what only a start can change
    /// stays, and the log says so.
    void reload(Config config, const Done& done);
    void note_refused_configuration(const std::string& why); // in the audit log
    void reload_geo(bool force, const Actor& actor, const Done& done);
    void roll_back_geo(const Actor& actor, const Done& done);
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
    /// As Listener::background; of this service, `work` touches nothing.
    void in_background(std::function<std::function<void()>()> work) const
    {
        listener_.background(std::move(work));
    }

    // For the event loop.
    [[nodiscard]] std::optional<Time> next_deadline() const;
    void on_deadline();
    void on_wall_clock_set();
    [[nodiscard]] int event_fd() const { return plane_.events().fd(); }
    void on_kernel_events();
    [[nodiscard]] int samples_fd() const { return plane_.samples().fd(); }
    void on_samples();        // checks them: running_check.cpp
    void tidy();              // when idle: gives memory back that packets no longer see
    void each_second();       // takes out flows that have ended, catches up with what the disk refused
    void each_minute();       // looks after interfaces, puts the audit log's head in the journal
    void follow_interfaces(); // after the kernel told of a change of network devices
    void stop();

private:
    Service(Config config, Listener listener, store::Store store, AuditTrail trail,
            dataplane::DataPlane plane);

    void load_state(store::Contents contents);
    [[nodiscard]] Result<> bring_kernel_up_to_date();
    [[nodiscard]] Result<> take_over_participants();
    void lead_participants_to_meetings();
    [[nodiscard]] Result<> name_participants(const store::Changes& changes);
    [[nodiscard]] Result<> name_participant(const Rule& rule, std::uint64_t meeting);
    [[nodiscard]] bool is_named(const policy::RegisteredMeeting& meeting,
                                const std::string& participant) const;
    void forget_unnamed(const std::string& meeting, const std::string& participant);
    void forget_participants(std::uint64_t meeting);
    [[nodiscard]] std::vector<policy::NamedEndpoint> named_after(const store::Changes& changes) const;
    [[nodiscard]] Result<> put_entry(const policy::RegisteredMeeting& meeting, policy::RosterEntry entry);
    [[nodiscard]] policy::OwnerOf owner_of() const;
    [[nodiscard]] Country country_of(const IpAddress& address) const;
    /// Where the databases themselves place it, by another way than the table in the kernel was made.
    [[nodiscard]] std::optional<geo::Opinion> opinion_of(const IpAddress& address) const;
    [[nodiscard]] bool has_second_opinion() const { return check_.opinion() != nullptr; }
    /// Where each participant's flow that was proven last comes from, by owner; contested flows left out.
    [[nodiscard]] std::unordered_map<std::uint64_t, IpAddress> whereabouts() const;
    [[nodiscard]] bool is_kept_out(const policy::RegisteredMeeting& meeting, const std::string& participant,
                                   const IpAddress& address, Country country, Time now) const;
    struct Reach {
        bool affected = false, disputed = false, collateral = false;
    };
    [[nodiscard]] Reach reach_of(const Rule& rule, const std::string& participant,
                                 const std::set<IpAddress>& addresses) const;
    [[nodiscard]] bool is_exempt(const IpAddress& address) const;
    [[nodiscard]] Moved moved_by(const GeoDiff& diff) const;
    void tell(const mf_event& event);
    void warn_of_contest(const std::string& meeting);
    void log_first_drop(const mf_event& event);

    void note_changed_rules(const store::Changes& changes);
    void check_drop(const mf_sample& sample, std::int64_t offset);
    void on_drop_outside(const mf_sample& sample, const std::string& why);
    [[nodiscard]] Result<geo::SecondOpinion> ask_archive(const Config& config,
                                                         const std::vector<geo::Database>& files) const;
    void use_second_opinion(Result<geo::SecondOpinion> opinion, std::uint32_t generation);

    // While one is at work, nothing comes in force: it may read what is.
    struct GeoJob {
        std::shared_ptr<Progress> progress;
        std::function<std::function<void()>(const Config&)> work;
        std::shared_ptr<const Config> config = {}; // none: the one in force when it begins
    };
    [[nodiscard]] Result<> start_geo(Result<LoadedGeo> loaded);
    enum class Keep : std::uint8_t { yes, no }; // no: they are in the archive, and change places there
    [[nodiscard]] Result<> commit_geo(LoadedGeo loaded, Keep keep = Keep::yes);
    using Files = std::function<std::vector<GeoFile>(const Config&)>;
    void load_in_background(const char* what, const Files& files,
                            const std::function<Result<>(LoadedGeo)>& judge, const Actor& actor,
                            const Done& done, std::shared_ptr<const Config> config = {});
    void enqueue(GeoJob job);
    void next_geo_job();
    void give_memory_back() const;
    [[nodiscard]] Result<std::string> database_to_replace(const Config& config, const std::string& wanted,
                                                          const std::string& type) const;

    enum class Disk : std::uint8_t { write, leave };
    /// Who asks for a change, why, and what the audit log is told beside what follows from the change.
    struct Recording {
        Actor actor;
        std::string why = {};
        std::vector<audit::Draft> notes = {};
    };
    [[nodiscard]] Result<> commit(const store::Changes& changes, const Recording& recording, Disk disk);
    [[nodiscard]] Result<> write_down(const store::Changes& changes, const Recording& recording);
    [[nodiscard]] std::vector<audit::Draft> drafts_of(const store::Changes& changes,
                                                      const Recording& recording) const;
    [[nodiscard]] audit::Draft draft_of(const Rule& rule, const Actor& actor) const;
    [[nodiscard]] Json added_rule_body(const Rule& rule) const;
    [[nodiscard]] Json counted_body(const Rule& rule, std::span<const CountryCounts> by_country,
                                    Time now) const;
    [[nodiscard]] Json geo_body() const;

    [[nodiscard]] Result<> commit_order(const Order& order, store::Changes changes, audit::Draft note);
    [[nodiscard]] static audit::Draft extended_note(const Order& before, const Order& order,
                                                    const Actor& actor);
    [[nodiscard]] Result<store::Changes> approved_rules(const Order& before, const Order& after,
                                                        Time now) const;
    [[nodiscard]] store::Changes withdrawn_rules(const std::string& order, const std::string& why,
                                                 bool suspended) const;
    [[nodiscard]] Result<> check_reach(const Rule& rule, const Preview& preview) const;
    [[nodiscard]] Result<> check_placed(const Rule& rule) const;
    [[nodiscard]] Result<Time> changed_end(const Rule& rule, Time until, Time now) const;
    static constexpr const char* kRemoved = "the meeting was removed";
    void add_removal(const policy::RegisteredMeeting& entry, store::Changes& changes) const;
    void end_meetings(const std::vector<std::string>& ids);
    void order_event(const char* what, const Order& order) const;
    void tell_of_orders();
    void save_suspensions();
    void save_kept_out();
    void sweep_flows();
    [[nodiscard]] std::vector<policy::MeetingImage> images_after(const store::Changes& changes,
                                                                 Time now) const;
    [[nodiscard]] policy::MeetingImage image_of(const policy::RegisteredMeeting& entry, Time now) const;
    struct LeavingRule {
        Rule rule;
        std::optional<dataplane::LinkedRule> linked; // as it is in the kernel
    };
    [[nodiscard]] std::vector<LeavingRule> leaving_with(const store::Changes& changes, Time now) const;
    void keep_counts(const std::vector<LeavingRule>& leaving, Time now);
    void rule_event(const char* what, const Rule& rule) const;
    struct ReadAgain {
        std::string signature; // of the files before they were read
        Result<LoadedGeo> loaded;
        std::optional<geo::Candidate> present = {}; // what is in force, under the configuration that was read
        bool rolled_back = false;                   // what is in force is to stay so
    };
    [[nodiscard]] ReadAgain read_again(const Config& config) const;
    void finish_reload(std::shared_ptr<const Config> next, ReadAgain read, const Done& done);
    [[nodiscard]] Result<> take_up(std::shared_ptr<const Config> next, ReadAgain read);
    [[nodiscard]] static policy::Limits limits_of(const Config& config);
    [[nodiscard]] static policy::OrderPolicy order_policy_of(const Config& config);
    [[nodiscard]] Json config_body() const;

    std::shared_ptr<const Config> config_; // long work holds the one it began with
    Listener listener_;
    store::Store store_;
    dataplane::DataPlane plane_;
    AuditTrail trail_;
    policy::Registry registry_;
    policy::OrderBook orders_;
    policy::Roster roster_;
    RunningCheck check_;
    std::string check_problem_; // told last
    Repetition alarms_;
    std::map<std::string, std::string> unfiltered_;                // interface: why, as it was told
    std::set<std::pair<std::uint64_t, std::uint16_t>> told_drops_; // rule, country
    std::vector<dataplane::LeftParticipant> left_;                 // until their meetings are in the kernel
    store::Counts counted_;                  // of rules that left the kernel, for good or with their meeting
    store::KeptOut kept_out_, new_kept_out_; // the latter not on the disk yet
    std::set<std::uint64_t> closed_;         // rules counted for the last time
    std::vector<Rule> not_closed_;           // at the start: ended while nobody counted
    std::vector<store::Changes> unsaved_;    // suspensions, while the disk is full
    bool orders_stuck_ = false;              // the same of what time did to orders
    geo::Archive archive_; // once the service has started, used by long work only: one at a time
    std::size_t geo_previous_ = 0;
    GeoTable geo_; // in force
    std::string geo_problem_;
    bool geo_rolled_back_ = false;
    std::string geo_signature_; // of the configured files as they were loaded last
    std::shared_ptr<Progress> geo_working_;
    std::deque<GeoJob> geo_jobs_;
    std::int64_t wall_offset_ns_ = 0;
    RequestFigures requests_;
    Time started_;
};

} // namespace meetfence::service
