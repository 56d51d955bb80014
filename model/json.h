// SPDX-License-Identifier: Apache-2.0
// The domain's words as JSON, and strict reading: a key nobody knows is an error that names the
// nearest one that is known. One folder (this one) knows both JSON and the domain.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/meeting.h"
#include "model/result.h"
#include "model/rule.h"

namespace meetfence {

using Json = nlohmann::ordered_json; // people read it too

/// Of one object. Json keeps their order and looks at all of them for each that it adds, so that a megabyte
/// of keys would take a minute.
inline constexpr std::size_t kMostKeys = 1000;

/// `what` names the document in errors: "configuration FILE", "request body". A key that stands
/// twice in an object is refused: readers differ in which one they believe.
[[nodiscard]] Result<Json> parse_json(std::string_view text, std::string_view what,
                                      std::size_t most_keys = kMostKeys);

/// On one line; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string to_line(const Json& value);

/// Reads the members of one JSON object; the destructor of nothing: call `finish` for unknown keys.
class ObjectReader {
public:
    /// `path` is how errors call the object, "" at the top.
    [[nodiscard]] static Result<ObjectReader> open(const Json& value, std::string path,
                                                   std::span<const std::string_view> known_keys);

    /// The member, or null where it is absent.
    [[nodiscard]] const Json* find(std::string_view key) const;
    [[nodiscard]] std::string name(std::string_view key) const;

    [[nodiscard]] Result<std::optional<std::string>> text(std::string_view key) const;
    [[nodiscard]] Result<std::optional<std::uint64_t>> number(std::string_view key) const;
    [[nodiscard]] Result<std::optional<Time>> time(std::string_view key) const;
    /// False where it is absent.
    [[nodiscard]] Result<bool> flag(std::string_view key) const;
    /// An absent key is an empty list.
    [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view key) const;

private:
    ObjectReader(const Json& object, std::string path) : object_(&object), path_(std::move(path)) {}
    const Json* object_;
    std::string path_;
};

/// `{"endpoints": […], "shared_endpoints": […], "turn_endpoints": […], "until": …}`; the identifier comes
/// from the path, or from the key "id".
[[nodiscard]] Result<Meeting> meeting_from_json(const Json& value, std::string id,
                                                std::string_view path = {});
[[nodiscard]] Json to_json(const Meeting& meeting);

/// `{"meeting", "countries" | "allow_only" | "participant", "mode", "from", "until", "except"}`; an
/// empty list says as little as a key that is absent.
[[nodiscard]] Result<RuleRequest> rule_request_from_json(const Json& value, std::string_view path = {});
[[nodiscard]] Json to_json(const Rule& rule, Time now, std::span<const CountryCounts> by_country);

[[nodiscard]] Result<std::vector<IpPrefix>> parse_prefixes(std::span<const std::string> texts);
[[nodiscard]] Result<std::vector<Endpoint>> parse_endpoints(std::span<const std::string> texts);

} // namespace meetfence
