// SPDX-License-Identifier: Apache-2.0
// The daemon's own work, without sockets: keeps desired state (registry), disk (store) and kernel
// (data plane) at one, change by change. Every public function that changes something returns after
// the change is on the disk and in force in the kernel, or fails and leaves everything as it was.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/dataplane/data_plane.h"
#include "daemon/policy/registry.h"
#include "daemon/store/store.h"
#include "model/declaration.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::service {

enum class Severity : std::uint8_t { info, notice, warning, error };

/// Where the service tells what nobody asked: log lines, and events for whoever follows them.
struct Listener {
    std::function<void(Severity, const std::string&)> log;
    std::function<void(const Json&)> event;
};

struct LoadedDatabase {
    std::string path;
    std::string type;
    Time build;
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
    [[nodiscard]] const std::vector<LoadedDatabase>& databases() const { return databases_; }
    [[nodiscard]] Result<Json> status() const;
    [[nodiscard]] Time geo_build() const; // of the country table in force
    [[nodiscard]] std::vector<CountryCounts> counts(const Rule& rule) const;

    [[nodiscard]] Result<> put_meeting(const Meeting& meeting);
    [[nodiscard]] Result<> remove_meeting(const std::string& id);
    /// Number 0 in the answer of a dry run.
    [[nodiscard]] Result<Rule> add_rule(const RuleRequest& request, bool dry_run);
    [[nodiscard]] Result<Rule> change_rule(std::uint64_t number, std::optional<Mode> mode,
                                           std::optional<Time> until);
    [[nodiscard]] Result<Rule> withdraw_rule(std::uint64_t number, const std::string& why);
    [[nodiscard]] Result<std::vector<DeclaredChange>> apply(const Declaration& declaration, bool dry_run);

    [[nodiscard]] Result<> reload_geo();
    [[nodiscard]] Result<Explanation> explain(const SocketAddress& from, const Endpoint& to) const;
    [[nodiscard]] Result<Explanation> explain(std::span<const std::uint8_t> frame) const;

    // For the event loop.
    [[nodiscard]] std::optional<Time> next_deadline() const;
    void on_deadline();
    void on_wall_clock_set();
    [[nodiscard]] int event_fd() const { return plane_.event_fd(); }
    void on_kernel_events();
    void tidy(); // when idle: gives memory back that packets no longer see

private:
    Service(Config config, Listener listener, store::Store store, dataplane::DataPlane plane);

    [[nodiscard]] Result<> load_state();
    [[nodiscard]] Result<> bring_kernel_up_to_date();
    [[nodiscard]] Result<> put_in_force(const std::vector<geo::Database>& databases);

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
    store::Counts final_counts_;
    std::vector<LoadedDatabase> databases_;
    std::int64_t wall_offset_ns_ = 0;
};

} // namespace meetfence::service
