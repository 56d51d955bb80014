// SPDX-License-Identifier: Apache-2.0
#include "model/order_json.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "tests/support/error_of.h"

namespace meetfence::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Time kNow = *parse_time("2026-11-22T12:00:00Z");

Json json(std::string_view text)
{
    const auto parsed = parse_json(text, "document");
    EXPECT_TRUE(parsed) << error_of(parsed);
    return parsed.value_or(Json());
}

Json least()
{
    return json(R"({"id": "O-1", "authority": "Office", "jurisdiction": "CN", "legal_basis": "Act 7",
                    "received": "2026-11-22T11:00:00Z"})");
}

Json with(const std::string& key, const Json& value)
{
    auto document = least();
    document[key] = value;
    return document;
}

TEST(OrderJson, NeedsFiveThingsOnly)
{
    const auto read = order_terms_from_json(least());
    ASSERT_TRUE(read) << error_of(read);
    EXPECT_EQ(read->id, "O-1");
    EXPECT_EQ(read->jurisdiction.code(), "CN");
    EXPECT_EQ(read->authority_type, AuthorityType::other);
    EXPECT_EQ(read->channel, Channel::other);
    EXPECT_EQ(read->category, "other");
    EXPECT_TRUE(read->meetings.empty());
    EXPECT_FALSE(read->from || read->expires || read->review || read->issued || read->requested_until);
    EXPECT_FALSE(read->gag);
    for (const auto* key : {"id", "authority", "jurisdiction", "legal_basis", "received"}) {
        for (const bool is_null : {false, true}) {
            auto document = least();
            document.erase(key);
            if (is_null) {
                document[key] = nullptr;
            }
            EXPECT_MENTIONS(error_of(order_terms_from_json(document)), std::string("'") + key + "'");
            EXPECT_MENTIONS(error_of(order_terms_from_json(document, "orders[3]")),
                            std::string("'orders[3].") + key + "'");
        }
    }
}

TEST(OrderJson, HasItsMeetingsInOrderAndNoneTwice)
{
    EXPECT_EQ(order_terms_from_json(with("meetings", {"b", "a", "b"}))->meetings,
              (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(order_terms_from_json(with("meetings", Json::array()))->meetings.empty());
}

TEST(OrderJson, IsRefusedWithItsCause)
{
    const auto document = least();
    for (const auto& item : document.items()) {
        EXPECT_FALSE(order_terms_from_json(with(item.key(), 7))) << item.key();
        EXPECT_FALSE(order_terms_from_json(with(item.key(), Json::array()))) << item.key();
    }
    const struct {
        const char* key;
        Json value;
        const char* says;
    } cases[] = {
        {"authority_type", "police", "type of authority"},
        {"authority_type", 1, "must be a string"},
        {"channel", "fax", "portal, signed-pdf"},
        {"channel", "signed pdf", "did you mean signed-pdf?"},
        {"gag", "yes", "true or false"},
        {"gag", 1, "true or false"},
        {"gag_until", "never", "'gag_until'"},
        {"expires", "72h", "'expires'"},
        {"from", 0, "must be a string"},
        {"review", "", "'review'"},
        {"issued", "2026-11-22", "'issued'"},
        {"requested_until", "x", "'requested_until'"},
        {"meetings", "a", "list of strings"},
        {"meetings", {1}, "list of strings"},
        {"document", 7, "must be a string"},
        {"expire", "x", "did you mean expires?"},
        {"state", "approved", "unknown key 'state'"},
        {"approvals", Json::array(), "unknown key"},
        {"recorded", Json::object(), "unknown key"},
        {"received", "soon", "'received'"},
    };
    for (const auto& [key, value, says] : cases) {
        const auto read = order_terms_from_json(with(key, value));
        ASSERT_FALSE(read) << key;
        EXPECT_EQ(read.error().code, ErrorCode::invalid);
        EXPECT_MENTIONS(error_of(read), says);
    }
    for (const auto& value : {Json(), Json(7), Json("x"), Json::array(), Json::array({least()})}) {
        EXPECT_MENTIONS(error_of(order_terms_from_json(value)), "must be a JSON object");
    }
}

TEST(OrderJson, IsAboutOneCountryByItsCode)
{
    for (const auto* text : {"CN", "HK", "MO", "TW", "XK", "US"}) {
        EXPECT_EQ(order_terms_from_json(with("jurisdiction", text))->jurisdiction.code(), text);
    }
    for (const auto* text : {"",
                             "cn",
                             "Cn",
                             "China",
                             "CHN",
                             "EU",
                             "AP",
                             "A1",
                             "A2",
                             "ZZ",
                             "T1",
                             "XX",
                             "UK",
                             "AN",
                             "CS",
                             "--",
                             "??",
                             "*",
                             "CN,HK",
                             "CN HK",
                             " CN",
                             "CN ",
                             "203.0.113.0/24"}) {
        const auto read = order_terms_from_json(with("jurisdiction", text));
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().reason, "order_country") << text;
    }
    EXPECT_FALSE(order_terms_from_json(with("jurisdiction", {"CN"})));
    EXPECT_MENTIONS(error_of(order_terms_from_json(with("jurisdiction", "China"))), "did you mean CN");
}

TEST(OrderJson, NamesNeitherCountriesNorAddressesBesideIt)
{
    for (const auto* key :
         {"country", "countries", "target", "targets", "addresses", "prefixes", "networks"}) {
        for (const auto& value : {Json("HK"), Json({"203.0.113.0/24"}), Json()}) {
            const auto read = order_terms_from_json(with(key, value));
            ASSERT_FALSE(read) << key;
            EXPECT_EQ(read.error().code, ErrorCode::refused);
            EXPECT_EQ(read.error().reason, "order_country");
            EXPECT_EQ(error_of(read).find("203.0.113"), std::string::npos);
        }
    }
}

// Orders as random as they can be, each of whose fields tells itself apart from the others.
class RandomOrder {
public:
    Order make()
    {
        Order order{.terms = terms(), .recorded = signature()};
        order.approvals_needed = random_() % 4;
        order.approvals = signatures();
        if (coin()) {
            order.extension = Extension{time(), maybe(time()), text(), signature(), signatures()};
        }
        constexpr OrderState kDecided[] = {OrderState::recorded, OrderState::approved, OrderState::rejected,
                                           OrderState::withdrawn, OrderState::suspended};
        order.decided = kDecided[random_() % std::size(kDecided)];
        if (coin()) {
            order.ended = OrderEnd{signature(), coin() ? text() : "", coin() ? text() : ""};
        }
        order.review_told = coin();
        order.expiry_told = coin();
        return order;
    }

private:
    OrderTerms terms()
    {
        OrderTerms result;
        result.id = "O-" + std::to_string(random_() % 1000);
        result.authority = text();
        result.authority_type = static_cast<AuthorityType>(random_() % 3);
        result.office = coin() ? text() : "";
        result.jurisdiction = Country(static_cast<std::uint8_t>(1 + random_() % country_count()));
        result.legal_basis = text();
        result.case_number = coin() ? text() : "";
        result.issued = maybe(time());
        result.received = time();
        result.channel = static_cast<Channel>(random_() % 6);
        result.category = text();
        result.document = coin() ? std::string(64, 'a') : "";
        result.requested = coin() ? text() : "";
        result.requested_until = maybe(time());
        result.narrowing = coin() ? text() : "";
        for (auto i = random_() % 4; i > 0; --i) {
            result.meetings.push_back("m" + std::to_string(i));
        }
        std::ranges::sort(result.meetings);
        result.from = time();
        result.expires = time();
        result.review = maybe(time());
        result.gag = coin();
        result.gag_until = maybe(time());
        return result;
    }
    bool coin() { return random_() % 2 == 0; }
    template <class T> std::optional<T> maybe(T value)
    {
        return coin() ? std::optional(value) : std::nullopt;
    }
    Time time() // of the years 0000 to 9999
    {
        return *parse_time("0000-01-01T00:00:00Z") + seconds(random_() % 315569520000);
    }
    std::string text()
    {
        static const std::vector<std::string> kTexts{
            "<b>\"&'\\/</b>",       "国家 \xf0\x9f\x98\x80", "null", "{}", " x ",
            std::string(2000, 'y'), "\xe2\x80\x8b"};
        return kTexts[random_() % kTexts.size()] + std::to_string(random_() % 1000);
    }
    Signature signature()
    {
        return {{static_cast<std::uint32_t>(coin() ? random_() : ~0U), coin() ? "alice" : ""}, time()};
    }
    std::vector<Signature> signatures()
    {
        std::vector<Signature> result;
        for (auto i = random_() % 4; i > 0; --i) {
            result.push_back(signature());
        }
        return result;
    }

    std::mt19937_64 random_{5};
};

TEST(OrderRecord, ComesBackAsItWas)
{
    RandomOrder random;
    for (int i = 0; i < 3000; ++i) {
        const auto order = random.make();
        const auto read = order_from_record(json(to_record(order).dump()));
        ASSERT_TRUE(read) << error_of(read) << " " << to_record(order).dump();
        ASSERT_TRUE(*read == order) << to_record(order).dump() << "\n" << to_record(*read).dump();
    }
}

TEST(OrderRecord, IsRefusedWhereSomethingIsMissingOrNobodyKnowsIt)
{
    RandomOrder random;
    const auto whole = to_record(random.make());
    ASSERT_TRUE(order_from_record(whole));
    for (const auto* key : {"terms", "recorded"}) {
        auto damaged = whole;
        damaged.erase(key);
        EXPECT_FALSE(order_from_record(damaged)) << key;
        damaged[key] = Json::object();
        EXPECT_FALSE(order_from_record(damaged)) << key;
    }
    for (const auto* key : {"from", "expires", "jurisdiction", "received"}) {
        auto damaged = whole;
        damaged["terms"].erase(key);
        EXPECT_FALSE(order_from_record(damaged)) << key;
    }
    auto damaged = whole;
    damaged["decided"] = "forgotten";
    EXPECT_FALSE(order_from_record(damaged));
    damaged = whole;
    damaged["of_a_later_version"] = 1;
    EXPECT_FALSE(order_from_record(damaged));
    damaged = whole;
    damaged["extension"] = {{"expires", "soon"}};
    EXPECT_FALSE(order_from_record(damaged));
    EXPECT_FALSE(order_from_record(Json::array()));
}

// Whatever is declared can be exported, and declared again.
TEST(OrderJson, OfTermsIsReadAsTheSameTerms)
{
    RandomOrder random;
    for (int i = 0; i < 300; ++i) {
        const auto terms = random.make().terms;
        const auto read = order_terms_from_json(to_json(terms));
        ASSERT_TRUE(read) << error_of(read);
        EXPECT_TRUE(*read == terms) << to_json(terms).dump();
    }
}

TEST(OrderJson, AnswersWithAllOfIt)
{
    auto terms = *order_terms_from_json(least());
    terms.from = kNow;
    terms.expires = kNow + hours(240);
    terms.review = kNow + hours(168);
    Order order{.terms = terms, .recorded = {{1000, "alice"}, kNow}, .approvals_needed = 2};
    order.approvals = {{{1001, ""}, kNow + hours(1)}};
    const std::vector<std::string> rules{"r1", "r7"};
    auto answer = to_json(order, OrderState::recorded, kNow, rules);
    EXPECT_EQ(answer["id"], "O-1");
    EXPECT_EQ(answer["state"], "recorded");
    EXPECT_EQ(answer["recorded"], json(R"({"at": "2026-11-22T12:00:00Z", "uid": 1000, "user": "alice"})"));
    EXPECT_EQ(answer["approvals"], json(R"([{"at": "2026-11-22T13:00:00Z", "uid": 1001, "user": ""}])"));
    EXPECT_EQ(answer["approvals_needed"], 2);
    EXPECT_EQ(answer["rules"], json(R"(["r1", "r7"])"));
    for (const auto* key : {"extension", "ended", "office", "case", "issued", "document", "requested",
                            "requested_until", "narrowing", "gag_until"}) {
        EXPECT_TRUE(answer.at(key).is_null()) << key;
    }
    for (const auto* key : {"narrowed", "review_due", "gag_without_end", "gag"}) {
        EXPECT_EQ(answer.at(key), false) << key;
    }
    order.extension = Extension{kNow + hours(300), {}, "it goes on", {{1002, "bob"}, kNow}, {}};
    order.ended = OrderEnd{{{1003, "eve"}, kNow}, "other", "no stamp"};
    order.terms.gag = true;
    answer = to_json(order, OrderState::rejected, kNow, {});
    EXPECT_EQ(answer["extension"],
              json(R"({"expires": "2026-12-05T00:00:00Z", "review": null, "why": "it goes on",
        "at": "2026-11-22T12:00:00Z", "uid": 1002, "user": "bob", "approvals": []})"));
    EXPECT_EQ(answer["ended"], json(R"({"at": "2026-11-22T12:00:00Z", "uid": 1003, "user": "eve",
                                        "reason": "other", "why": "no stamp"})"));
    EXPECT_EQ(answer["rules"], Json::array());
    EXPECT_EQ(answer["gag_without_end"], true);
}

TEST(OrderJson, SaysThatItsReviewIsDueWhileItLasts)
{
    auto terms = *order_terms_from_json(least());
    terms.from = kNow;
    terms.expires = kNow + hours(240);
    terms.review = kNow + hours(168);
    Order order{.terms = terms, .recorded = {{1000, "alice"}, kNow}};
    const auto is_due = [&](Time now) {
        return to_json(order, order.state(now, false), now, {}).at("review_due").get<bool>();
    };
    for (const auto decided : {OrderState::recorded, OrderState::approved}) {
        order.decided = decided;
        EXPECT_FALSE(is_due(kNow + hours(168) - seconds(1)));
        EXPECT_TRUE(is_due(kNow + hours(168)));
        EXPECT_TRUE(is_due(kNow + hours(240) - seconds(1)));
        EXPECT_FALSE(is_due(kNow + hours(240)));
    }
    for (const auto decided : {OrderState::rejected, OrderState::withdrawn, OrderState::suspended}) {
        order.decided = decided;
        EXPECT_FALSE(is_due(kNow + hours(200)));
    }
    order.decided = OrderState::approved;
    order.terms.review.reset();
    EXPECT_FALSE(is_due(kNow + hours(200)));
}

} // namespace
} // namespace meetfence::test
