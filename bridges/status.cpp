// SPDX-License-Identifier: Apache-2.0
#include "bridges/status.h"

#include <fmt/format.h>

namespace meetfence::bridges {
namespace {

using std::chrono::duration;

Json reasons_json(const Reasons& reasons)
{
    auto json = Json::object();
    for (const auto& [reason, count] : reasons) {
        json[reason] = count;
    }
    return json;
}

std::string counted(std::uint64_t count, std::string_view one)
{
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::uint64_t number(const Json& object, const char* key)
{
    return object.value(key, std::uint64_t{0});
}

// "3 (malformed 2, closed 1)"
std::string sum(const Json& reasons)
{
    std::uint64_t total = 0;
    std::string list;
    for (const auto& [reason, count] : reasons.items()) {
        total += count.get<std::uint64_t>();
        list += fmt::format("{}{} {}", list.empty() ? "" : ", ", reason, count.get<std::uint64_t>());
    }
    return list.empty() ? "0" : fmt::format("{} ({})", total, list);
}

const char* connection(const Json& of)
{
    return of.value("connected", false) ? "connected" : "NOT CONNECTED";
}

} // namespace

Status status_of(std::string_view kind, const SourceFigures& server, const DaemonLink::Figures& daemon,
                 const Ledger& ledger)
{
    return {.kind = std::string(kind),
            .server = server,
            .daemon = daemon,
            .meetings = ledger.meetings().size(),
            .participants = ledger.persons(),
            .transports = ledger.transports(),
            .bindings = ledger.bindings(),
            .contested = ledger.contested(),
            .waiting = ledger.waiting()};
}

Json to_json(const Status& status)
{
    return {{"bridge", status.kind},
            {"version", MEETFENCE_VERSION},
            {"server",
             {{"connected", status.server.connected},
              {"resyncs", status.server.resyncs},
              {"events", status.server.events},
              {"events_dropped", reasons_json(status.server.dropped)}}},
            {"daemon",
             {{"connected", status.daemon.connected},
              {"resyncs", status.daemon.resyncs},
              {"told", status.daemon.told},
              {"refused", status.daemon.refused},
              {"lag_ms", duration<double, std::milli>(status.daemon.lag).count()}}},
            {"meetings", status.meetings},
            {"participants", status.participants},
            {"transports", status.transports},
            {"bindings", status.bindings},
            {"unbound", reasons_json(status.server.unbound)},
            {"contested", status.contested},
            {"waiting", status.waiting}};
}

std::string to_metrics(const Status& status, Format format)
{
    const auto& kind = status.kind;
    Exposition text(format);
    const auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
        text.gauge(name, help);
        text.add({{"server", kind}}, value);
    };
    const auto by_reason = [&](const Reasons& reasons) {
        for (const auto& [reason, count] : reasons) {
            text.add({{"server", kind}, {"reason", reason}}, count);
        }
    };
    text.info("bridge_build", "Version of the bridge.", {{"version", MEETFENCE_VERSION}, {"server", kind}});
    text.gauge("bridge_connected", "Whether the media server and the daemon answer.");
    text.add({{"server", kind}, {"to", "server"}}, status.server.connected ? 1U : 0U);
    text.add({{"server", kind}, {"to", "daemon"}}, status.daemon.connected ? 1U : 0U);
    gauge("bridge_meetings", "Meetings with somebody in them.", status.meetings);
    gauge("bridge_participants", "Participants with a transport that is bound or waits.",
          status.participants);
    gauge("bridge_bindings", "Ufrags and flows that the daemon has.", status.bindings);
    gauge("bridge_contested", "Ufrags and flows that two participants claim, bound to neither.",
          status.contested);
    gauge("bridge_waiting", "Participants that the daemon did not take, tried again.", status.waiting);
    text.gauge("bridge_unbound", "Transports that are not bound, by reason.");
    by_reason(status.server.unbound);
    text.gauge("bridge_lag_seconds", "From the media server's event to the kernel, of the last change.",
               "seconds");
    text.add({{"server", kind}}, duration<double>(status.daemon.lag).count());
    text.counter("bridge_events", "Events of the media server.");
    text.add({{"server", kind}}, status.server.events);
    text.counter("bridge_events_dropped", "Events that were of no use, by reason.");
    by_reason(status.server.dropped);
    text.counter("bridge_resyncs", "Times that everything was asked or told again.");
    text.add({{"server", kind}, {"with", "server"}}, status.server.resyncs);
    text.add({{"server", kind}, {"with", "daemon"}}, status.daemon.resyncs);
    text.counter("bridge_told", "Changes of participants that the daemon took.");
    text.add({{"server", kind}}, status.daemon.told);
    text.counter("bridge_refused", "Changes of participants that the daemon did not take.");
    text.add({{"server", kind}}, status.daemon.refused);
    return std::move(text).finish();
}

std::string to_lines(const Json& status)
{
    const auto& server = status.at("server");
    const auto& daemon = status.at("daemon");
    auto lines = fmt::format("meetfence-bridge {} {}\n", status.at("bridge").get<std::string>(),
                             status.at("version").get<std::string>());
    lines += fmt::format("server      {}, {}, {}, dropped {}\n", connection(server),
                         counted(number(server, "resyncs"), "resync"),
                         counted(number(server, "events"), "event"), sum(server.at("events_dropped")));
    lines += fmt::format("meetfenced  {}, {}, {} told, {} refused\n", connection(daemon),
                         counted(number(daemon, "resyncs"), "resync"),
                         counted(number(daemon, "told"), "change"), number(daemon, "refused"));
    lines += fmt::format("bound       {}, {}, {}; the last was in force after {:.1f} ms\n",
                         counted(number(status, "meetings"), "meeting"),
                         counted(number(status, "participants"), "participant"),
                         counted(number(status, "bindings"), "binding"), daemon.at("lag_ms").get<double>());
    lines += fmt::format("not bound   {}; contested {}, waiting {}\n", sum(status.at("unbound")),
                         number(status, "contested"), number(status, "waiting"));
    return lines;
}

bool is_well(const Json& status)
{
    return status.at("server").value("connected", false) && status.at("daemon").value("connected", false);
}

} // namespace meetfence::bridges
