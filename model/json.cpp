// SPDX-License-Identifier: Apache-2.0
#include "model/json.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/suggest.h"

namespace meetfence {
namespace {

constexpr auto kMeetingKeys =
    std::to_array<std::string_view>({"id", "endpoints", "shared_endpoints", "turn_endpoints", "until"});
constexpr auto kRuleKeys =
    std::to_array<std::string_view>({"meeting", "countries", "mode", "from", "until", "except", "order"});

// Parsing events of nlohmann's parser, watched for keys that stand twice.
class DuplicateKeys {
public:
    bool operator()(int /*depth*/, nlohmann::detail::parse_event_t event, Json& parsed)
    {
        using Event = nlohmann::detail::parse_event_t;
        if (event == Event::object_start) {
            keys_.emplace_back();
        } else if (event == Event::object_end) {
            keys_.pop_back();
        } else if (event == Event::key && !keys_.back().insert(parsed.get<std::string>()).second &&
                   first_.empty()) {
            first_ = parsed.get<std::string>();
        }
        return true;
    }
    [[nodiscard]] const std::string& first() const { return first_; }

private:
    std::vector<std::set<std::string>> keys_;
    std::string first_;
};

template <class T> void sort_unique(std::vector<T>& items)
{
    std::ranges::sort(items);
    items.erase(std::unique(items.begin(), items.end()), items.end());
}

Json texts_of(const auto& items)
{
    auto list = Json::array();
    for (const auto& item : items) {
        list.push_back(item.text());
    }
    return list;
}

Json counts_json(const RuleCounts& counts)
{
    return Json{
        {"packets_dropped", counts.dropped_packets},       {"bytes_dropped", counts.dropped_bytes},
        {"packets_would_drop", counts.would_drop_packets}, {"bytes_would_drop", counts.would_drop_bytes},
        {"packets_passed", counts.passed_packets},         {"bytes_passed", counts.passed_bytes}};
}

} // namespace

Result<Json> parse_json(std::string_view text, std::string_view what)
{
    DuplicateKeys duplicates;
    try {
        // A depth bound: the parser recurses on destruction, and no document of ours is deep.
        constexpr int kDeepest = 16;
        bool too_deep = false;
        auto value = Json::parse(text, [&](int depth, auto event, Json& parsed) {
            too_deep = too_deep || depth > kDeepest;
            return duplicates(depth, event, parsed);
        });
        if (too_deep) {
            return fail(ErrorCode::invalid, std::string(what) + " is nested too deeply");
        }
        if (!duplicates.first().empty()) {
            return fail(ErrorCode::invalid,
                        std::string(what) + ": key '" + duplicates.first() + "' stands twice");
        }
        return value;
    } catch (const Json::exception& error) {
        const std::string_view full = error.what();
        const auto close = full.find("] ");
        return fail(ErrorCode::invalid,
                    std::string(what) + " is not valid JSON: " +
                        std::string(full.substr(close == std::string_view::npos ? 0 : close + 2)));
    }
}

Result<ObjectReader> ObjectReader::open(const Json& value, std::string path,
                                        std::span<const std::string_view> known_keys)
{
    const std::string what = path.empty() ? "it" : "'" + path + "'";
    if (!value.is_object()) {
        return fail(ErrorCode::invalid, what + " must be a JSON object");
    }
    ObjectReader reader(value, std::move(path));
    for (const auto& item : value.items()) {
        if (std::ranges::find(known_keys, item.key()) == known_keys.end()) {
            return fail(ErrorCode::invalid, "unknown key '" + reader.name(item.key()) + "'" +
                                                did_you_mean(item.key(), known_keys));
        }
    }
    return reader;
}

const Json* ObjectReader::find(std::string_view key) const
{
    const auto it = object_->find(std::string(key));
    return it == object_->end() || it->is_null() ? nullptr : &*it;
}

std::string ObjectReader::name(std::string_view key) const
{
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

Result<std::optional<std::string>> ObjectReader::text(std::string_view key) const
{
    const auto* value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        return fail(ErrorCode::invalid, "'" + name(key) + "' must be a string");
    }
    return value->get<std::string>();
}

Result<std::optional<std::uint64_t>> ObjectReader::number(std::string_view key) const
{
    const auto* value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_number_unsigned()) {
        return fail(ErrorCode::invalid, "'" + name(key) + "' must be a whole number, 0 or more");
    }
    return value->get<std::uint64_t>();
}

Result<std::optional<Time>> ObjectReader::time(std::string_view key) const
{
    const auto value = TRY(text(key));
    if (!value) {
        return std::nullopt;
    }
    return TRY(parse_time(*value).map_error(
        [&](Error error) { return std::move(error).context("'" + name(key) + "'"); }));
}

Result<std::vector<std::string>> ObjectReader::texts(std::string_view key) const
{
    const auto* value = find(key);
    std::vector<std::string> result;
    if (value == nullptr) {
        return result;
    }
    if (!value->is_array() ||
        !std::ranges::all_of(*value, [](const Json& item) { return item.is_string(); })) {
        return fail(ErrorCode::invalid, "'" + name(key) + "' must be a list of strings");
    }
    for (const auto& item : *value) {
        result.push_back(item.get<std::string>());
    }
    return result;
}

Result<std::vector<IpPrefix>> parse_prefixes(std::span<const std::string> texts)
{
    std::vector<IpPrefix> prefixes;
    for (const auto& text : texts) {
        prefixes.push_back(TRY(IpPrefix::parse(text)));
    }
    sort_unique(prefixes);
    return prefixes;
}

Result<std::vector<Endpoint>> parse_endpoints(std::span<const std::string> texts)
{
    std::vector<Endpoint> endpoints;
    for (const auto& text : texts) {
        endpoints.push_back(TRY(Endpoint::parse(text)));
    }
    sort_unique(endpoints);
    return endpoints;
}

Result<Meeting> meeting_from_json(const Json& value, std::string id, std::string_view path)
{
    const auto reader = TRY(ObjectReader::open(value, std::string(path), kMeetingKeys));
    Meeting meeting;
    const auto named = TRY(reader.text("id"));
    if (named && !id.empty() && *named != id) {
        return fail(ErrorCode::invalid, "'id' says " + *named + ", the path says " + id);
    }
    meeting.id = id.empty() ? named.value_or("") : std::move(id);
    TRY(check_meeting_id(meeting.id));
    for (const auto* key : {"shared_endpoints", "turn_endpoints"}) {
        if (!TRY(reader.texts(key)).empty()) {
            return fail(ErrorCode::invalid,
                        "'" + reader.name(key) +
                            "': this version filters dedicated endpoints only; give the meeting "
                            "an endpoint of its own in 'endpoints'");
        }
    }
    meeting.endpoints = TRY(parse_endpoints(TRY(reader.texts("endpoints"))));
    meeting.until = TRY(reader.time("until"));
    return meeting;
}

Json to_json(const Meeting& meeting)
{
    return Json{{"id", meeting.id},
                {"endpoints", texts_of(meeting.endpoints)},
                {"shared_endpoints", Json::array()},
                {"turn_endpoints", Json::array()},
                {"until", meeting.until ? Json(format_time(*meeting.until)) : Json(nullptr)}};
}

Result<RuleRequest> rule_request_from_json(const Json& value, std::string_view path)
{
    const auto reader = TRY(ObjectReader::open(value, std::string(path), kRuleKeys));
    RuleRequest request;
    request.meeting = TRY(reader.text("meeting")).value_or("");
    TRY(check_meeting_id(request.meeting));
    if (reader.find("order") != nullptr) {
        return fail(ErrorCode::invalid, "'" + reader.name("order") +
                                            "': this version has no orders; leave it out for a "
                                            "rule that the meeting's owner asked for");
    }
    request.countries = TRY(parse_countries(TRY(reader.texts("countries"))));
    request.mode = TRY(parse_mode(TRY(reader.text("mode")).value_or("enforce")));
    request.from = TRY(reader.time("from"));
    request.until = TRY(reader.time("until"));
    request.except = TRY(parse_prefixes(TRY(reader.texts("except"))));
    return request;
}

Json to_json(const Rule& rule, Time now, const RuleCounts& total, std::span<const CountryCounts> by_country)
{
    auto countries = Json::array();
    for (const auto country : rule.countries.list()) {
        countries.push_back(country.code());
    }
    Json json{{"id", rule.id()},
              {"meeting", rule.meeting},
              {"countries", std::move(countries)},
              {"basis", "host"},
              {"order", nullptr},
              {"mode", to_text(rule.mode)},
              {"state", to_text(rule.state(now))},
              {"from", format_time(rule.from)},
              {"until", format_time(rule.until)},
              {"except", texts_of(rule.except)}};
    json.update(counts_json(total));
    auto& split = json["by_country"] = Json::object();
    for (const auto& [country, counts] : by_country) {
        split[std::string(country.code())] = counts_json(counts);
    }
    if (rule.withdrawn) {
        json["withdrawn"] = format_time(*rule.withdrawn);
        json["why"] = rule.why;
    }
    return json;
}

} // namespace meetfence
