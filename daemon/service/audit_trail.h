// SPDX-License-Identifier: Apache-2.0
// What is told to the audit log, and when. A change is told before it takes effect, or it does not; what has
// happened anyway (a rule's end, a refusal) is told as soon as the log can grow.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/audit/log.h"
#include "daemon/store/store.h"
#include "model/actor.h"
#include "model/result.h"

namespace meetfence::service {

/// An attempt that was turned down. `detail` is a sentence of ours, without what was written wrongly.
struct Refusal {
    Actor actor;
    std::string request; // "POST /v1/rules"
    unsigned status = 0;
    std::string code, detail;
    bool stranger = false; // by who has no say here
};

class AuditTrail {
public:
    using Say = std::function<void(bool alarm, const std::string&)>;

    /// `known`: how far the log was when the state database was written last.
    [[nodiscard]] static Result<AuditTrail> open(const std::string& state_dir, const audit::Head& known,
                                                 Say say);

    /// The daemon itself, as an actor.
    [[nodiscard]] static Actor self();

    /// On the disk when it returns, all or nothing.
    [[nodiscard]] Result<audit::Head> append(const std::vector<audit::Draft>& drafts);
    void note(const std::string& what, Json body, const Actor& actor = self());
    void record(const Refusal& refusal);

    /// The same for the same name as long as the key of this state directory is: "h:1f3a…".
    [[nodiscard]] std::string hidden(const std::string& name) const;
    [[nodiscard]] const std::string& key() const { return key_; }
    [[nodiscard]] const audit::Log& log() const { return log_; }

    /// Tells what could not be told yet, and the state database how far the log is.
    void catch_up(store::Store& store);
    /// What is told last, when the daemon stops.
    void close(store::Store& store);
    /// Writes the last entry's hash to the journal, where who changes the log cannot reach it.
    void witness();

private:
    AuditTrail(audit::Log log, std::string key, Say say)
        : log_(std::move(log)), key_(std::move(key)), say_(std::move(say))
    {
    }
    void write_notes();
    void count_omitted(Time now);
    [[nodiscard]] Result<> tell_of_undone(const audit::Head& known);

    audit::Log log_;
    std::string key_;
    Say say_;
    std::vector<audit::Draft> notes_; // to be told
    bool stuck_ = false;
    audit::Head witnessed_, saved_;
    Time refusals_since_;
    std::uint64_t refusals_of_strangers_ = 0, refusals_without_room_ = 0;
};

} // namespace meetfence::service
