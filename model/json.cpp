// SPDX-License-Identifier: Apache-2.0
#include "model/json.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/participant.h"
#include "model/suggest.h"

namespace meetfence {
namespace {

constexpr auto kMeetingKeys =
    std::to_array<std::string_view>({"id", "endpoints", "shared_endpoints", "turn_endpoints", "until"});
constexpr auto kRuleKeys = std::to_array<std::string_view>(
    {"meeting", "countries", "allow_only", "participant", "mode", "from", "until", "except", "order"});

// Parsing events of nlohmann's parser, watched for keys that stand twice.
class KeyWatch {
public:
    explicit KeyWatch(std::size_t most) : most_(most) {}

    bool operator()(int /*depth*/, nlohmann::detail::parse_event_t event, Json& parsed)
    {
        using Event = nlohmann::detail::parse_event_t;
        if (too_many_) {
            return false; // nothing more is kept: each key that is takes a look at all before it
        }
        if (event == Event::object_start) {
            keys_.emplace_back();
        } else if (event == Event::object_end) {
            keys_.pop_back();
        } else if (event == Event::key) {
            if (keys_.back().size() >= most_) {
                too_many_ = true;
                return false;
            }
            if (!keys_.back().insert(parsed.get<std::string>()).second && duplicate_.empty()) {
                duplicate_ = parsed.get<std::string>();
            }
        }
        return true;
    }
    [[nodiscard]] const std::string& duplicate() const { return duplicate_; }
    [[nodiscard]] bool too_many() const { return too_many_; }

private:
    std::vector<std::set<std::string>> keys_;
    std::size_t most_;
    std::string duplicate_;
    bool too_many_ = false;
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

Json codes_of(const CountrySet& countries)
{
    auto list = Json::array();
    for (const auto country : countries.list()) {
        list.push_back(country.code());
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

// The totals, and each direction by itself.
Json counts_json(const CountryCounts& counts)
{
    auto json = counts_json(counts.total());
    json["ingress"] = counts_json(counts.ingress);
    json["egress"] = counts_json(counts.egress);
    return json;
}

Error in_two_lists(const ObjectReader& reader, std::string_view key, const Endpoint& endpoint,
                   const std::string& cause)
{
    return {ErrorCode::invalid, "'" + reader.name(key) + "': " + endpoint.text() + cause};
}

// What arrives at an endpoint is read in one way.
Result<> check_lists(const ObjectReader& reader, const Meeting& meeting)
{
    for (const auto& [key, list] : {std::pair("shared_endpoints", &meeting.shared_endpoints),
                                    std::pair("turn_endpoints", &meeting.turn_endpoints)}) {
        for (const auto& endpoint : *list) {
            const auto both = [&](const Endpoint& dedicated) { return dedicated.overlaps(endpoint); };
            if (const auto it = std::ranges::find_if(meeting.endpoints, both);
                it != meeting.endpoints.end()) {
                return fail(in_two_lists(reader, key, endpoint,
                                         " overlaps " + it->text() +
                                             " of 'endpoints': an endpoint is either "
                                             "dedicated to one meeting or shared; leave it out of one list"));
            }
        }
    }
    for (const auto& endpoint : meeting.turn_endpoints) {
        if (std::ranges::binary_search(meeting.shared_endpoints, endpoint)) {
            return fail(in_two_lists(reader, "turn_endpoints", endpoint,
                                     " stands in 'shared_endpoints' as well: one with TURN is shared anyway; "
                                     "leave it out of one list"));
        }
    }
    return {};
}

Error whom_error(const ObjectReader& reader, std::span<const std::string> given)
{
    if (given.empty()) {
        return {ErrorCode::invalid, "a rule says whom it keeps out: give at least one country in '" +
                                        reader.name("countries") + "' or '" + reader.name("allow_only") +
                                        "', or a '" + reader.name("participant") + "'"};
    }
    std::string names;
    for (const auto& name : given) {
        names.append(names.empty() ? "" : " and ").append(name);
    }
    return {ErrorCode::invalid, names + " exclude each other: a rule has one of them; make a rule for each"};
}

// Exactly one of the three ways to say it.
Result<> read_whom(const ObjectReader& reader, RuleRequest& request)
{
    const auto countries = TRY(reader.texts("countries"));
    const auto allow_only = TRY(reader.texts("allow_only"));
    const auto participant = TRY(reader.text("participant"));
    std::vector<std::string> given;
    for (const auto& [key, is_given] :
         {std::pair("countries", !countries.empty()), std::pair("allow_only", !allow_only.empty()),
          std::pair("participant", participant.has_value())}) {
        if (is_given) {
            given.push_back("'" + reader.name(key) + "'");
        }
    }
    if (given.size() != 1) {
        return fail(whom_error(reader, given));
    }
    if (participant) {
        TRY(check_participant_id(*participant));
        request.whom = Whom::participant;
        request.participant = *participant;
        return {};
    }
    request.whom = allow_only.empty() ? Whom::countries : Whom::all_but;
    request.countries = TRY(parse_countries(allow_only.empty() ? countries : allow_only));
    return {};
}

} // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, std::size_t most_keys)
{
    KeyWatch keys(most_keys);
    try {
        // A depth bound: the parser recurses on destruction, and no document of ours is deep.
        constexpr int kDeepest = 16;
        bool too_deep = false;
        auto value = Json::parse(text, [&](int depth, auto event, Json& parsed) {
            too_deep = too_deep || depth > kDeepest;
            return keys(depth, event, parsed);
        });
        if (too_deep) {
            return fail(ErrorCode::invalid, std::string(what) + " is nested too deeply");
        }
        if (keys.too_many()) {
            return fail(ErrorCode::invalid, std::string(what) + " has an object of more than " +
                                                std::to_string(most_keys) + " keys");
        }
        if (!keys.duplicate().empty()) {
            return fail(ErrorCode::invalid,
                        std::string(what) + ": key '" + keys.duplicate() + "' stands twice");
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

std::string to_line(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
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

Result<bool> ObjectReader::flag(std::string_view key) const
{
    const auto* value = find(key);
    if (value != nullptr && !value->is_boolean()) {
        return fail(ErrorCode::invalid, "'" + name(key) + "' must be true or false");
    }
    return value != nullptr && value->get<bool>();
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
    meeting.endpoints = TRY(parse_endpoints(TRY(reader.texts("endpoints"))));
    meeting.shared_endpoints = TRY(parse_endpoints(TRY(reader.texts("shared_endpoints"))));
    meeting.turn_endpoints = TRY(parse_endpoints(TRY(reader.texts("turn_endpoints"))));
    TRY(check_lists(reader, meeting));
    meeting.until = TRY(reader.time("until"));
    return meeting;
}

Json to_json(const Meeting& meeting)
{
    return Json{{"id", meeting.id},
                {"endpoints", texts_of(meeting.endpoints)},
                {"shared_endpoints", texts_of(meeting.shared_endpoints)},
                {"turn_endpoints", texts_of(meeting.turn_endpoints)},
                {"until", meeting.until ? Json(format_time(*meeting.until)) : Json(nullptr)}};
}

Result<RuleRequest> rule_request_from_json(const Json& value, std::string_view path)
{
    const auto reader = TRY(ObjectReader::open(value, std::string(path), kRuleKeys));
    RuleRequest request;
    request.meeting = TRY(reader.text("meeting")).value_or("");
    TRY(check_meeting_id(request.meeting));
    request.order = TRY(reader.text("order")).value_or("");
    TRY(read_whom(reader, request));
    request.mode = TRY(parse_mode(TRY(reader.text("mode")).value_or("enforce")));
    request.from = TRY(reader.time("from"));
    request.until = TRY(reader.time("until"));
    request.except = TRY(parse_prefixes(TRY(reader.texts("except"))));
    return request;
}

Json to_json(const Rule& rule, Time now, std::span<const CountryCounts> by_country)
{
    Json json{{"id", rule.id()},
              {"meeting", rule.meeting},
              {"countries", codes_of(rule.whom == Whom::countries ? rule.countries : CountrySet())},
              {"allow_only", codes_of(rule.whom == Whom::all_but ? rule.countries : CountrySet())},
              {"participant", rule.whom == Whom::participant ? Json(rule.participant) : Json(nullptr)},
              {"basis", rule.order.empty() ? "host" : "order"},
              {"order", rule.order.empty() ? Json(nullptr) : Json(rule.order)},
              {"mode", to_text(rule.mode)},
              {"state", to_text(rule.state(now))},
              {"from", format_time(rule.from)},
              {"until", format_time(rule.until)},
              {"except", texts_of(rule.except)}};
    CountryCounts sum;
    auto split = Json::object();
    for (const auto& cell : by_country) {
        sum.ingress += cell.ingress;
        sum.egress += cell.egress;
        if (!cell.country.none()) {
            split[std::string(cell.country.code())] = counts_json(cell);
        }
    }
    json.update(counts_json(sum));
    json["by_country"] = std::move(split);
    if (rule.withdrawn) {
        json["withdrawn"] = format_time(*rule.withdrawn);
        json["why"] = rule.why;
    }
    json["suspended"] = rule.suspended;
    return json;
}

} // namespace meetfence
