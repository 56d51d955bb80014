// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "daemon/journal.h"

namespace meetfence {
namespace {

// %*: "<5>" and so on. spdlog has no "notice": it goes by "debug", which nothing else uses.
class Priority : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override
    {
        const char* prefix = "<6>";
        if (message.level == spdlog::level::err) {
            prefix = "<3>";
        } else if (message.level == spdlog::level::warn) {
            prefix = "<4>";
        } else if (message.level == spdlog::level::debug) {
            prefix = "<5>";
        }
        out.append(prefix, prefix + 3);
    }
    [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override
    {
        return std::make_unique<Priority>();
    }
};

} // namespace

void set_up_log()
{
    auto logger = spdlog::stderr_color_st("meetfenced");
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<Priority>('*');
    formatter->set_pattern(isatty(STDERR_FILENO) != 0 ? "%H:%M:%S %v" : "%*%v");
    logger->set_formatter(std::move(formatter));
    logger->set_level(spdlog::level::debug);
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(logger);
}

void log(const service::LogLine& line)
{
    static const bool to_journal = stderr_is_journal();
    if (to_journal && write_to_journal(line)) {
        return;
    }
    switch (line.severity) {
    case service::Severity::info:
        spdlog::info("{}", line.text);
        break;
    case service::Severity::notice:
        spdlog::debug("{}", line.text);
        break;
    case service::Severity::warning:
        spdlog::warn("{}", line.text);
        break;
    case service::Severity::error:
        spdlog::error("{}", line.text);
        break;
    }
}

} // namespace meetfence
