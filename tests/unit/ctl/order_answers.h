// SPDX-License-Identifier: Apache-2.0
// What a daemon answers about the order O1, for the tests of `order …`.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/ctl/tiny_server.h"
#include "tests/unit/daemon/values.h"

namespace meetfence::test {

using Words = std::vector<std::string>;

inline Json parsed(const std::string& text)
{
    return value_of(parse_json(text, "text"));
}

// Recorded by alice, needs one approval, names no meeting.
inline Json order_json(const std::string& more = "{}")
{
    auto order = parsed(R"({"id": "O1", "authority": "District Court 3", "authority_type": "court",
        "office": null, "jurisdiction": "CN", "legal_basis": "Act 7, section 2", "case": "12/34",
        "issued": null, "received": "2026-11-20T09:00:00Z", "channel": "signed-pdf", "category": "other",
        "document": null, "requested": null, "requested_until": null, "narrowing": null, "meetings": [],
        "from": "2036-11-22T12:00:00Z", "expires": "2036-11-25T12:00:00Z", "review": null, "gag": false,
        "gag_until": null, "state": "recorded", "narrowed": false,
        "recorded": {"at": "2026-11-20T10:00:00Z", "uid": 1000, "user": "alice"}, "approvals": [],
        "approvals_needed": 1, "extension": null, "ended": null, "rules": [], "review_due": false,
        "gag_without_end": false})");
    order.update(parsed(more));
    return order;
}

inline std::string order_text(const std::string& more = "{}")
{
    return order_json(more).dump();
}

inline constexpr const char* kByBob = R"([{"at": "2026-11-20T11:00:00Z", "uid": 1001, "user": "bob"}])";
inline constexpr const char* kExtension = R"({"extension": {"expires": "2036-11-27T12:00:00Z", "review": null,
    "why": "the trial lasts longer", "at": "2026-11-21T10:00:00Z", "uid": 1001, "user": "bob",
    "approvals": []}, "state": "active", "rules": ["r1"]})";
inline constexpr const char* kPendingRule =
    R"({"id": "r1", "meeting": "A", "countries": ["CN"], "allow_only": [],
    "participant": null, "basis": "order", "order": "O1", "mode": "enforce", "state": "pending",
    "from": "2026-11-22T12:00:00Z", "until": "2036-11-25T12:00:00Z"})";
inline constexpr const char* kImpact = R"({"meeting": "A", "countries_asked": ["CN"], "participants": 5,
    "connected": 4, "by_country": {"CN": 2, "US": 1}, "unplaced": 1, "affected": 2})";

inline const Words kAdd{
    "order", "add",           "O1",    "--authority", "District Court 3",         "--jurisdiction",
    "CN",    "--legal-basis", "Act 7", "--received",  "2026-11-20T10:00:00+01:00"};

inline Words with(Words words, std::initializer_list<std::string> more)
{
    words.insert(words.end(), more);
    return words;
}

// The order O1 with the pending rule r1 and the ended rule r2.
inline Reply answer_about_o1(const Asked& asked)
{
    if (asked.method == "POST") {
        return {200, order_text(R"({"state": "active", "rules": ["r1", "r2"]})")};
    }
    if (asked.target == "/v1/rules/r1") {
        return {200, kPendingRule};
    }
    if (asked.target == "/v1/rules/r2") {
        auto rule = parsed(kPendingRule);
        rule["state"] = "withdrawn";
        rule["id"] = "r2";
        return {200, rule.dump()};
    }
    return asked.target == "/v1/orders/O1" ? Reply{200, order_text(R"({"rules": ["r1", "r2"]})")}
                                           : Reply{200, kImpact};
}

} // namespace meetfence::test
