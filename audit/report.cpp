// SPDX-License-Identifier: Apache-2.0
#include "audit/report.h"

#include <fmt/format.h>

#include "audit/report_notes.h"
#include "audit/report_sums.h"

namespace meetfence::audit {

People::People(std::uint64_t exact)
    : least_(exact > 0 && exact < kFewest ? 1 : exact),
      most_(exact > 0 && exact < kFewest ? kFewest - 1 : exact)
{
}

People& People::operator+=(const People& other)
{
    least_ += other.least_;
    most_ += other.most_;
    return *this;
}

std::string People::text() const
{
    if (exact()) {
        return std::to_string(least_);
    }
    return most_ < kFewest ? fmt::format("<{}", kFewest) : fmt::format("{} to {}", least_, most_);
}

struct ReportBuilder::State {
    Notes notes;
    std::string key;
};

ReportBuilder::ReportBuilder(Time since, Time until, std::string key)
    : state_(std::make_unique<State>(State{Notes(since, until), std::move(key)}))
{
}

ReportBuilder::ReportBuilder(ReportBuilder&&) noexcept = default;
ReportBuilder& ReportBuilder::operator=(ReportBuilder&&) noexcept = default;
ReportBuilder::~ReportBuilder() = default;

void ReportBuilder::take(const Entry& entry)
{
    state_->notes.take(entry);
}

Report ReportBuilder::finish()
{
    return ReportSums(std::move(state_->notes), std::move(state_->key)).finish();
}

} // namespace meetfence::audit
