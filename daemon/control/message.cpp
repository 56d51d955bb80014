// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/message.h"

#include "model/percent.h"

namespace meetfence::control {
namespace {

unsigned status_of(ErrorCode code)
{
    switch (code) {
    case ErrorCode::invalid:
        return 400;
    case ErrorCode::forbidden:
        return 403;
    case ErrorCode::not_found:
        return 404;
    case ErrorCode::conflict:
        return 409;
    case ErrorCode::refused:
        return 422;
    case ErrorCode::exhausted:
        return 507;
    case ErrorCode::unreachable:
        return 503;
    case ErrorCode::internal:
        break;
    }
    return 500;
}

const char* title_of(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 422:
        return "Unprocessable Content";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return "Internal Server Error";
    }
}

} // namespace

bool Request::flag(const std::string& name) const
{
    const auto it = query.find(name);
    return it != query.end() && (it->second.empty() || it->second == "true" || it->second == "1");
}

std::string text_of(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Response json_response(const Json& body, unsigned status)
{
    return {.status = status, .body = text_of(body) + "\n"};
}

Response problem(unsigned status, const std::string& detail)
{
    auto response = json_response(
        {{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}},
        status);
    response.content_type = "application/problem+json";
    return response;
}

Response problem(const Error& error)
{
    auto response = problem(status_of(error.code), error.message);
    if (!error.reason.empty()) {
        auto body = Json::parse(response.body);
        body["code"] = error.reason;
        response.body = body.dump() + "\n";
        response.code = error.reason;
    }
    return response;
}

Result<> parse_target(std::string_view target, Request& request)
{
    const auto question = target.find('?');
    auto path = target.substr(0, question);
    while (!path.empty()) {
        path.remove_prefix(path.front() == '/' ? 1 : 0);
        const auto slash = path.find('/');
        request.path.push_back(TRY(percent_decode(path.substr(0, slash))));
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash);
    }
    auto query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        const auto equals = pair.find('=');
        auto value =
            equals == std::string_view::npos ? std::string{} : TRY(percent_decode(pair.substr(equals + 1)));
        request.query[TRY(percent_decode(pair.substr(0, equals)))] = std::move(value);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    }
    return {};
}

} // namespace meetfence::control
