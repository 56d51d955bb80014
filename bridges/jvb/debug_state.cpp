// SPDX-License-Identifier: Apache-2.0
#include "bridges/jvb/debug_state.h"

#include <set>

#include "model/json.h"

namespace meetfence::bridges::jvb {
namespace {

// {"conferences": {ID: {"meeting_id", "name", "expired", "endpoints": {ID: {"expired",
//   "ice_transport": {"localUfrag", "pendingLocalUfrag", "closed"}}}}}}
constexpr std::size_t kConference = 2, kEndpoint = 4, kTransport = 5, kDeepest = 6; // keys above a value

// Parsing events, watched for what stands in those places; all else goes by without being kept.
class Skimmer final : public Json::json_sax_t {
public:
    std::vector<DebugConference> conferences;
    bool has_conferences = false;
    std::string wrong; // why the document is not believed

    bool null() override
    {
        take([&] {
            if (is_of_conference("endpoints")) {
                take_nothing();
            }
        });
        return wrong.empty();
    }
    bool boolean(bool value) override
    {
        take([&] { take_flag(value); });
        return wrong.empty();
    }
    bool number_integer(number_integer_t) override { return no_text(); }
    bool number_unsigned(number_unsigned_t) override { return no_text(); }
    bool number_float(number_float_t, const string_t&) override { return no_text(); }
    bool binary(binary_t&) override { return no_text(); }
    bool string(string_t& value) override
    {
        take([&] { take_text(value); });
        return wrong.empty();
    }

    bool start_object(std::size_t) override
    {
        take([&] {
            has_conferences = has_conferences || is_list("conferences", 1);
            take_nothing("endpoints");
        });
        if (beyond_ > 0 || keys_.size() == kDeepest) {
            ++beyond_;
        } else {
            keys_.emplace_back();
            seen_.emplace_back();
        }
        return wrong.empty();
    }
    bool end_object() override
    {
        if (beyond_ > 0) {
            --beyond_;
        } else {
            keys_.pop_back();
            seen_.pop_back();
        }
        return true;
    }
    bool key(string_t& name) override
    {
        if (beyond_ > 0) {
            return true;
        }
        if (!seen_.back().insert(name).second) {
            wrong = "a key stands twice";
        }
        keys_.back() = name;
        if (keys_.size() == kConference && keys_[0] == "conferences") {
            conferences.push_back({.id = name});
        } else if (keys_.size() == kEndpoint && is_in_conference() && keys_[2] == "endpoints") {
            conferences.back().endpoints.push_back({.id = name});
        }
        return wrong.empty();
    }
    // Nothing that is looked for is in a list.
    bool start_array(std::size_t) override
    {
        no_text();
        ++beyond_;
        return wrong.empty();
    }
    bool end_array() override
    {
        --beyond_;
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override
    {
        wrong = "no JSON at byte " + std::to_string(position);
        return false;
    }

private:
    template <class Taking> void take(Taking taking)
    {
        if (beyond_ == 0) {
            taking();
        }
    }
    [[nodiscard]] bool is_list(std::string_view name, std::size_t depth) const
    {
        return keys_.size() == depth && keys_.back() == name;
    }
    [[nodiscard]] bool is_in_conference() const
    {
        return keys_.size() > kConference && keys_[0] == "conferences";
    }
    [[nodiscard]] bool is_of_conference(std::string_view name) const
    {
        return is_in_conference() && is_list(name, kConference + 1);
    }
    [[nodiscard]] bool is_of_endpoint(std::string_view name) const
    {
        return is_in_conference() && keys_[2] == "endpoints" && is_list(name, kEndpoint + 1);
    }
    [[nodiscard]] bool is_of_transport(std::string_view name) const
    {
        // "iceTransport" until 2023
        return is_in_conference() && is_list(name, kTransport + 1) && keys_[2] == "endpoints" &&
               (keys_[kEndpoint] == "ice_transport" || keys_[kEndpoint] == "iceTransport");
    }
    DebugEndpoint& endpoint() { return conferences.back().endpoints.back(); }

    void take_text(const std::string& text)
    {
        if (is_of_conference("meeting_id") || is_of_conference("meeting-id")) {
            auto& meeting = conferences.back().meeting_id;
            conferences.back().uncertain |= meeting && *meeting != text;
            meeting = text;
        } else if (is_of_conference("name")) {
            conferences.back().name = text;
        } else if (is_of_transport("localUfrag") || is_of_transport("pendingLocalUfrag")) {
            endpoint().ufrags.push_back(text);
        } else {
            take_nothing();
        }
    }

    void take_flag(bool flag)
    {
        if (is_of_conference("expired")) {
            conferences.back().expired = flag;
        } else if (is_of_endpoint("expired") || is_of_transport("closed")) {
            endpoint().gone = endpoint().gone || flag;
        }
        take_nothing();
    }

    bool no_text()
    {
        take([&] { take_nothing(); });
        return wrong.empty();
    }

    // Something else where the name of a meeting should be: whose it is, is not certain then. And where the
    // endpoints should be: nobody has left.
    void take_nothing(std::string_view rightly = {})
    {
        if (is_of_conference("meeting_id") || is_of_conference("meeting-id") || is_of_conference("name")) {
            conferences.back().uncertain = true;
        } else if (is_of_conference("endpoints") && rightly != "endpoints") {
            wrong = "the endpoints are no object";
        }
    }

    std::vector<std::string> keys_;           // of the objects around, from outside
    std::vector<std::set<std::string>> seen_; // by each of them
    std::size_t beyond_ = 0;                  // lists, and objects too deep, around
};

} // namespace

Result<std::vector<DebugConference>> parse_debug_state(std::string_view text)
{
    Skimmer skimmer;
    const bool whole = Json::sax_parse(text, &skimmer);
    if (!whole || !skimmer.has_conferences) {
        return fail(ErrorCode::invalid,
                    "this is no debug state of Jitsi Videobridge: " +
                        (skimmer.wrong.empty() ? "there is no list of conferences" : skimmer.wrong));
    }
    return std::move(skimmer.conferences);
}

} // namespace meetfence::bridges::jvb
