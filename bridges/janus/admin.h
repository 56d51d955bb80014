// SPDX-License-Identifier: Apache-2.0
// Janus' Admin API over HTTP (transport janus.transport.http, admin_port 7088).
#pragma once

#include <cstdint>
#include <string>

#include "bridges/janus/fact.h"
#include "bridges/net/http_connection.h"
#include "model/json.h"

namespace meetfence::bridges::janus {

class Admin {
public:
    Admin(const boost::asio::any_io_executor& executor, Url url, std::string secret)
        : connection_(executor, url.address, "Janus' Admin API on " + url.address.text()),
          path_(url.path),
          secret_(std::move(secret))
    {
    }

    /// The answer's body. ErrorCode::not_found where there is no such session or handle (any more).
    [[nodiscard]] Task<Result<Json>> ask(std::string what, HandleId about = {}, Json more = Json::object());

private:
    HttpConnection connection_;
    std::string path_, secret_;
    std::uint64_t transactions_ = 0;
};

} // namespace meetfence::bridges::janus
