// SPDX-License-Identifier: Apache-2.0
// The country tables in force, and how another database would change them, shown to people.
#pragma once

#include <iosfwd>
#include <string>

#include "ctl/render.h"
#include "model/json.h"
#include "model/time.h"

namespace meetfence::ctl {

/// The answer of `GET /v1/geo`.
void print_geo(std::ostream& out, const Json& geo, Style style, Time now);

/// The answer of `POST /v1/geo/diff`, without its refusal. `file` is what the database is called.
void print_geo_diff(std::ostream& out, const Json& diff, const std::string& file, Time now);

} // namespace meetfence::ctl
