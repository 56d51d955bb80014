// SPDX-License-Identifier: Apache-2.0
// May these databases take the place of those in force? Pure.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "daemon/geo/comparison.h"
#include "model/country.h"
#include "model/time.h"

namespace meetfence::geo {

/// What is known of a database once it has been read.
struct DatabaseFacts {
    std::string path;
    std::string type;
    Time build;
    CountrySet countries;
};

[[nodiscard]] DatabaseFacts facts_of(const Database& database);

struct AdmissionPolicy {
    std::size_t min_countries = 0;
    std::chrono::seconds max_age{};
    bool refuse_old = false;
};

using Extents = std::array<Extent, 256>; // by country number

/// Databases, and the table they make together.
struct Candidate {
    std::vector<DatabaseFacts> databases;
    Extents extents{};
};

/// Empty where it may; else why not, with the database, the cause and the figures. `present` is null
/// where nothing is in force yet. A country under a rule counts as lost where it was there before:
/// many a database has never heard of Bouvet Island, and a rule may name all countries but one.
[[nodiscard]] std::string refusal(const Candidate& candidate, const Candidate* present,
                                  const CountrySet& under_rule, const AdmissionPolicy& policy, Time now);

/// Empty, or what is to be said of the database's age.
[[nodiscard]] std::string age_warning(const DatabaseFacts& database, const AdmissionPolicy& policy, Time now);

} // namespace meetfence::geo
