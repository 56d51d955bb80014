// SPDX-License-Identifier: Apache-2.0
// Short ways to write the domain's values in tests. Each throws where a test mistypes one.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "model/country.h"
#include "model/endpoint.h"
#include "model/ip.h"
#include "model/meeting.h"
#include "model/result.h"
#include "model/time.h"

namespace meetfence::test {

template <class T> T value_of(Result<T> result)
{
    if (!result) {
        throw std::invalid_argument(result.error().message);
    }
    return std::move(*result);
}

inline Time at(std::string_view text)
{
    return value_of(parse_time(text));
}

inline Country country(std::string_view code)
{
    return value_of(Country::parse(code));
}

inline CountrySet countries(std::initializer_list<std::string_view> codes)
{
    CountrySet set;
    for (const auto code : codes) {
        set.add(country(code));
    }
    return set;
}

inline IpPrefix prefix(std::string_view text)
{
    return value_of(IpPrefix::parse(text));
}

inline Endpoint endpoint(std::string_view text)
{
    return value_of(Endpoint::parse(text));
}

inline Meeting meeting(std::string id, std::initializer_list<std::string_view> endpoints)
{
    Meeting result{.id = std::move(id), .endpoints = {}, .until = {}};
    for (const auto text : endpoints) {
        result.endpoints.push_back(endpoint(text));
    }
    return result;
}

} // namespace meetfence::test
