// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

// Where it was logged is no news to who reads it.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

namespace meetfence {

int priority_of(service::Severity severity)
{
    switch (severity) {
    case service::Severity::error:
        return LOG_ERR;
    case service::Severity::warning:
        return LOG_WARNING;
    case service::Severity::notice:
        return LOG_NOTICE;
    case service::Severity::info:
        break;
    }
    return LOG_INFO;
}

std::vector<std::string> journal_fields(const service::LogLine& line)
{
    const auto& fields = line.fields;
    std::vector<std::string> result{"MESSAGE=" + line.text,
                                    fmt::format("PRIORITY={}", priority_of(line.severity)),
                                    "SYSLOG_IDENTIFIER=meetfenced"};
    const auto add = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) {
            result.push_back(fmt::format("{}={}", name, value));
        }
    };
    add("MESSAGE_ID", fields.message_id);
    add("MEETFENCE_RULE", fields.rule);
    add("MEETFENCE_MEETING", fields.meeting);
    add("MEETFENCE_COUNTRY", fields.country);
    add("MEETFENCE_REASON", fields.reason);
    add("MEETFENCE_ORDER", fields.order);
    add("MEETFENCE_INTERFACE", fields.interface);
    return result;
}

bool stderr_is_journal()
{
    const char* stream = std::getenv("JOURNAL_STREAM"); // "device:inode", decimal: systemd.exec(5)
    struct stat info {};
    return stream != nullptr && fstat(STDERR_FILENO, &info) == 0 &&
           fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

bool write_to_journal(const service::LogLine& line)
{
    auto fields = journal_fields(line);
    std::vector<iovec> parts;
    std::ranges::transform(fields, std::back_inserter(parts), [](std::string& field) {
        return iovec{field.data(), field.size()};
    });
    return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

} // namespace meetfence
