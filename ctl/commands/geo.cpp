// SPDX-License-Identifier: Apache-2.0
// The country tables: what is in force, another load, the way back, and a look ahead.
#include <filesystem>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/geo_view.h"
#include "ctl/input.h"
#include "ctl/progress.h"
#include "model/fields.h"

namespace meetfence::ctl {
namespace {

constexpr std::size_t kLargestDatabase = 64UL << 20;

void show_geo(Context& context, const Json& geo)
{
    if (context.json) {
        print_json(context.console, geo);
    } else {
        print_geo(context.console.out, geo, context.style, context.now);
    }
}

// The file as it is called in errors, and what to do about it.
Result<std::string> read_database(Context& context, const std::string& path)
{
    constexpr auto kWanted = "a country database, such as country.mmdb";
    auto bytes = read_input(context.console.in, path, kLargestDatabase);
    const auto name = input_name(path);
    if (!bytes) {
        return fail(bytes.error().code, fmt::format("{}; give the path of {}, or - to read it from stdin",
                                                    bytes.error().message, kWanted));
    }
    if (bytes->empty()) {
        return fail(ErrorCode::invalid,
                    fmt::format("{} is empty: its download may have failed; fetch it again", name));
    }
    if (bytes->size() > kLargestDatabase) {
        return fail(ErrorCode::invalid,
                    fmt::format("{} is larger than {}, the most that can be compared; databases of cities or "
                                "networks are larger than needed: give {}",
                                name, byte_count(kLargestDatabase), kWanted));
    }
    return bytes;
}

std::string diff_target(const Context& context, const std::string& path)
{
    const auto file = path == "-" ? input_name(path) : std::filesystem::path(path).filename().string();
    auto target = "/v1/geo/diff?name=" + percent_encode(file);
    if (const auto replaces = context.arguments.text("replaces")) {
        target += "&replaces=" + percent_encode(*replaces);
    }
    return target;
}

} // namespace

Result<int> run_geo_status(Context& context)
{
    show_geo(context, TRY(context.client.get("/v1/geo")).body);
    return kDone;
}

Result<int> run_geo_reload(Context& context)
{
    const auto* target = context.arguments.has("force") ? "/v1/geo/reload?force=true" : "/v1/geo/reload";
    show_geo(context, TRY(call_with_progress(context, Method::post, target)));
    return kDone;
}

Result<int> run_geo_rollback(Context& context)
{
    show_geo(context, TRY(call_with_progress(context, Method::post, "/v1/geo/rollback")));
    return kDone;
}

Result<int> run_geo_diff(Context& context)
{
    const auto path = context.arguments.word(0);
    const auto bytes = TRY(read_database(context, path));
    const auto diff = TRY(call_with_progress(context, Method::post, diff_target(context, path),
                                             {bytes, "application/octet-stream"}));
    if (context.json) {
        print_json(context.console, diff);
    } else {
        print_geo_diff(context.console.out, diff, input_name(path), context.now);
    }
    const auto refusal = text_of(diff, "refusal");
    if (refusal.empty()) {
        return kDone;
    }
    say(context.console, "a reload with this file would be refused: " + refusal);
    return kFailed;
}

} // namespace meetfence::ctl
