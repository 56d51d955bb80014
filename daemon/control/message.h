// SPDX-License-Identifier: Apache-2.0
// A request and its answer, without the connection they came by.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/peer.h"
#include "model/json.h"
#include "model/result.h"

namespace meetfence::control {

struct Request {
    std::string method;
    std::vector<std::string> path;            // decoded segments: {"v1", "meetings", "A"}
    std::map<std::string, std::string> query; // decoded
    std::string accept;                       // the header, empty where there is none
    std::string body;
    std::optional<Json> json = {}; // the body, where it was read already
    Peer peer;
    bool in_batch = false;

    [[nodiscard]] bool flag(const std::string& name) const; // ?name=true, or ?name alone
};

struct Response {
    unsigned status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::string allow;          // methods, with 405
    std::string summary;        // for the log, of a change that was made; never an address
    std::string code;           // of a guardrail's refusal
    bool stream_events = false; // the body is events, those to come too
    bool recent_events = false; // the body is events, those that were
};

/// On one line. Text that is no UTF-8 can come in by a request; it must not stop the answer.
[[nodiscard]] std::string text_of(const Json& json);
[[nodiscard]] Response json_response(const Json& body, unsigned status = 200);
/// RFC 9457.
[[nodiscard]] Response problem(const Error& error);
[[nodiscard]] Response problem(unsigned status, const std::string& detail);

/// Splits and decodes a request target (RFC 3986). invalid where an escape is.
[[nodiscard]] Result<> parse_target(std::string_view target, Request& request);

} // namespace meetfence::control
