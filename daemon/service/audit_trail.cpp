// SPDX-License-Identifier: Apache-2.0
#include "daemon/service/audit_trail.h"

#include <algorithm>
#include <unistd.h>

#include "audit/sha256.h"
#include "daemon/audit/secret.h"
#include "daemon/service/clock.h"

namespace meetfence::service {
namespace {

// Of who has no say here, lest they fill the disk.
constexpr std::uint64_t kMostRefusalsAMinute = 60;
// Of operators' refusals, while the disk is full.
constexpr std::size_t kMostWaiting = 10'000;

// Entries that stand for a change of the state database.
constexpr std::string_view kChanges =
    " meeting_added meeting_changed meeting_removed rule_added rule_changed rule_withdrawn rule_suspended "
    "order_recorded order_approved order_rejected order_withdrawn order_suspended order_extension_asked "
    "order_extended ";

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

} // namespace

Actor AuditTrail::self()
{
    return {geteuid(), "meetfenced"};
}

Result<AuditTrail> AuditTrail::open(const std::string& state_dir, const audit::Head& known, Say say)
{
    auto key = TRY(audit::load_or_make_secret(state_dir + "/report.key"));
    auto log = TRY(audit::Log::open(state_dir + "/audit", known, wall_now(), self()));
    AuditTrail trail(std::move(log), std::move(key), std::move(say));
    TRY(trail.tell_of_undone(known));
    return trail;
}

// Entries that a crash left without their change: whoever asked had no answer.
Result<> AuditTrail::tell_of_undone(const audit::Head& known)
{
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    for (const auto& line : TRY(log_.read(known.sequence + 1, log_.found_beyond()))) {
        const auto entry = audit::parse_line(line);
        if (!entry || kChanges.find(" " + entry->what + " ") == std::string_view::npos) {
            continue;
        }
        first = first == 0 ? entry->sequence : first;
        last = entry->sequence;
    }
    if (first != 0) {
        note("changes_undone", {{"first", first}, {"last", last}});
    }
    return {};
}

Result<audit::Head> AuditTrail::append(const std::vector<audit::Draft>& drafts)
{
    return log_.append(drafts, wall_now());
}

std::string AuditTrail::hidden(const std::string& name) const
{
    return "h:" + audit::keyed_hash(key_, name);
}

void AuditTrail::note(const std::string& what, Json body, const Actor& actor)
{
    notes_.push_back({actor, what, std::move(body)});
    if (!stuck_) { // else `catch_up` tries again, once a second
        write_notes();
    }
}

void AuditTrail::write_notes()
{
    if (notes_.empty()) {
        return;
    }
    if (const auto done = append(notes_); !done) {
        if (!stuck_) {
            say_(true, done.error().message);
        }
        stuck_ = true;
        return;
    }
    stuck_ = false;
    notes_.clear();
}

void AuditTrail::count_omitted(Time now)
{
    if (now - refusals_since_ < std::chrono::minutes(1) && now >= refusals_since_) {
        return;
    }
    const auto omitted = refusals_without_room_ +
                         (std::max(refusals_of_strangers_, kMostRefusalsAMinute) - kMostRefusalsAMinute);
    refusals_since_ = now;
    refusals_of_strangers_ = refusals_without_room_ = 0;
    if (omitted != 0) {
        notes_.push_back({self(), "refusals_omitted", {{"count", omitted}}});
    }
}

void AuditTrail::record(const Refusal& refusal)
{
    count_omitted(wall_now());
    if (refusal.stranger && ++refusals_of_strangers_ > kMostRefusalsAMinute) {
        return;
    }
    if (notes_.size() >= kMostWaiting) {
        ++refusals_without_room_;
        return;
    }
    note("request_refused",
         {{"request", refusal.request},
          {"status", refusal.status},
          {"code", text_or_null(refusal.code)},
          {"detail", text_or_null(refusal.detail)}},
         refusal.actor);
}

void AuditTrail::catch_up(store::Store& store)
{
    count_omitted(wall_now());
    write_notes();
    if (log_.head() != saved_ && store.write_head(log_.head())) {
        saved_ = log_.head();
    }
}

void AuditTrail::close(store::Store& store)
{
    count_omitted(refusals_since_ + std::chrono::minutes(1));
    note("daemon_stopped", Json::object());
    catch_up(store);
    witness();
}

void AuditTrail::witness()
{
    if (log_.head() != witnessed_) {
        witnessed_ = log_.head();
        say_(false,
             "audit log: entry " + std::to_string(witnessed_.sequence) + " has the hash " + witnessed_.hash);
    }
}

} // namespace meetfence::service
