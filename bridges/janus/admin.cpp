// SPDX-License-Identifier: Apache-2.0
#include "bridges/janus/admin.h"

#include "model/fields.h"

namespace meetfence::bridges::janus {
namespace {

// Of apierror.h of Janus 1.1.2.
constexpr int kUnauthorized = 403, kNoSuchSession = 458, kNoSuchHandle = 459;

Error refusal(const Json& answer)
{
    const auto& given = member_of(member_of(answer, "error"), "code");
    const auto code = given.is_number_integer() ? given.get<int>() : 0;
    if (code == kNoSuchSession || code == kNoSuchHandle) {
        return {ErrorCode::not_found, "it is gone"};
    }
    if (code == kUnauthorized) {
        return {ErrorCode::forbidden,
                "Janus' Admin API refuses the secret: put admin_secret of its janus.jcfg into "
                "the file that admin.secret_file names"};
    }
    return {ErrorCode::internal, "Janus' Admin API refuses, by error " + std::to_string(code)};
}

} // namespace

Task<Result<Json>> Admin::ask(std::string what, HandleId about, Json more)
{
    auto target = path_;
    for (const auto id : {about.session, about.handle}) {
        target += id == 0 ? "" : "/" + std::to_string(id);
    }
    more["janus"] = what;
    more["transaction"] = std::to_string(++transactions_);
    if (!secret_.empty()) {
        more["admin_secret"] = secret_;
    }
    const auto body = to_line(more);
    const auto answer = co_await connection_.request({"POST", target, body});
    if (!answer) {
        co_return fail(answer.error());
    }
    auto json = parse_json(answer->body, "an answer");
    if (answer->status != 200 || !json || !json->is_object()) {
        co_return fail(ErrorCode::internal, "what answers under admin.url is no Janus: HTTP status " +
                                                std::to_string(answer->status));
    }
    if (member_of(*json, "janus") != "success") {
        co_return fail(refusal(*json));
    }
    co_return std::move(*json);
}

} // namespace meetfence::bridges::janus
