// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <algorithm>
#include <array>
#include <sqlite3.h>
#include <sys/stat.h>

#include "daemon/store/order_rows.h"
#include "daemon/store/schema.h"
#include "model/json.h"
#include "model/participant.h"

namespace meetfence::store {
namespace {

constexpr const char* kIngress = "ingress";
constexpr const char* kEgress = "egress";

// Files made while it lives are the owner's alone.
class OwnerOnly {
public:
    OwnerOnly() : before_(umask(0077)) {}
    OwnerOnly(const OwnerOnly&) = delete;
    OwnerOnly& operator=(const OwnerOnly&) = delete;
    ~OwnerOnly() { umask(before_); }

private:
    mode_t before_;
};

template <class Function> auto guarded(const char* doing, Function function) -> decltype(function())
{
    try {
        return function();
    } catch (const SQLite::Exception& error) {
        const int code = error.getErrorCode();
        // A full disk shows in the journal (IOERR) or in the database itself (FULL).
        const bool full = code == SQLITE_FULL || code == SQLITE_IOERR;
        return fail(full ? ErrorCode::exhausted : ErrorCode::internal,
                    std::string(doing) + " the state database: " + error.what() +
                        (full ? " (free some space in state_dir; filtering goes on)" : ""));
    }
}

std::int64_t seconds_of(Time time)
{
    return time.time_since_epoch().count();
}

Time time_of(const SQLite::Column& column)
{
    return Time(std::chrono::seconds(column.getInt64()));
}

std::string list_text(const auto& items)
{
    auto list = Json::array();
    for (const auto& item : items) {
        list.push_back(item.text());
    }
    return list.dump();
}

std::string country_text(const CountrySet& countries)
{
    auto list = Json::array();
    for (const auto country : countries.list()) {
        list.push_back(country.code());
    }
    return list.dump();
}

Result<std::vector<std::string>> texts_of(const SQLite::Column& column)
{
    const auto json = TRY(parse_json(column.getString(), "a row of the state database"));
    std::vector<std::string> texts;
    for (const auto& item : json) {
        texts.push_back(item.is_string() ? item.get<std::string>() : std::string{});
    }
    return texts;
}

struct WhomText {
    Whom whom;
    std::string_view text;
};
constexpr auto kWhom = std::to_array<WhomText>(
    {{Whom::countries, "countries"}, {Whom::all_but, "all_but"}, {Whom::participant, "participant"}});

Result<Whom> parse_whom(const std::string& text)
{
    const auto* const it = std::ranges::find(kWhom, text, &WhomText::text);
    if (it == kWhom.end()) {
        return fail(ErrorCode::internal,
                    "a row of the state database keeps out '" + text + "', which this version does not know");
    }
    return it->whom;
}

void bind_optional(SQLite::Statement& statement, int index, const std::optional<Time>& time)
{
    if (time) {
        statement.bind(index, seconds_of(*time));
    } else {
        statement.bind(index);
    }
}

void put_meeting(SQLite::Database& database, const StoredMeeting& stored)
{
    SQLite::Statement statement(
        database, "INSERT INTO meetings(number, id, endpoints, until_s, shared_endpoints, turn_endpoints) "
                  "VALUES(?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(number) DO UPDATE SET endpoints = excluded.endpoints, "
                  "until_s = excluded.until_s, shared_endpoints = excluded.shared_endpoints, "
                  "turn_endpoints = excluded.turn_endpoints");
    statement.bind(1, static_cast<std::int64_t>(stored.number));
    statement.bind(2, stored.meeting.id);
    statement.bind(3, list_text(stored.meeting.endpoints));
    bind_optional(statement, 4, stored.meeting.until);
    statement.bind(5, list_text(stored.meeting.shared_endpoints));
    statement.bind(6, list_text(stored.meeting.turn_endpoints));
    statement.exec();
}

void put_rule(SQLite::Database& database, const Rule& rule)
{
    SQLite::Statement statement(
        database, "INSERT INTO rules(number, meeting, countries, mode, from_s, until_s, except_prefixes, "
                  "withdrawn_s, why, whom, participant, order_id, pending, suspended) "
                  "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(number) DO UPDATE SET mode = excluded.mode, from_s = excluded.from_s, "
                  "until_s = excluded.until_s, withdrawn_s = excluded.withdrawn_s, why = excluded.why, "
                  "pending = excluded.pending, suspended = excluded.suspended");
    statement.bind(1, static_cast<std::int64_t>(rule.number));
    statement.bind(2, rule.meeting);
    statement.bind(3, country_text(rule.countries));
    statement.bind(4, std::string(to_text(rule.mode)));
    statement.bind(5, seconds_of(rule.from));
    statement.bind(6, seconds_of(rule.until));
    statement.bind(7, list_text(rule.except));
    bind_optional(statement, 8, rule.withdrawn);
    statement.bind(9, rule.why);
    statement.bind(10, std::string(std::ranges::find(kWhom, rule.whom, &WhomText::whom)->text));
    statement.bind(11, rule.participant);
    statement.bind(12, rule.order);
    statement.bind(13, rule.pending ? 1 : 0);
    statement.bind(14, rule.suspended ? 1 : 0);
    statement.exec();
}

Result<StoredMeeting> read_meeting(SQLite::Statement& row)
{
    StoredMeeting stored{.number = static_cast<std::uint64_t>(row.getColumn(0).getInt64())};
    stored.meeting.id = row.getColumn(1).getString();
    stored.meeting.endpoints = TRY(parse_endpoints(TRY(texts_of(row.getColumn(2)))));
    stored.meeting.shared_endpoints = TRY(parse_endpoints(TRY(texts_of(row.getColumn(4)))));
    stored.meeting.turn_endpoints = TRY(parse_endpoints(TRY(texts_of(row.getColumn(5)))));
    if (!row.getColumn(3).isNull()) {
        stored.meeting.until = time_of(row.getColumn(3));
    }
    return stored;
}

Result<Rule> read_rule(SQLite::Statement& row)
{
    Rule rule{.number = static_cast<std::uint64_t>(row.getColumn(0).getInt64()),
              .meeting = row.getColumn(1).getString(),
              .whom = TRY(parse_whom(row.getColumn(9).getString())),
              .countries = {},
              .participant = row.getColumn(10).getString(),
              .mode = TRY(parse_mode(row.getColumn(3).getString())),
              .from = time_of(row.getColumn(4)),
              .until = time_of(row.getColumn(5)),
              .except = TRY(parse_prefixes(TRY(texts_of(row.getColumn(6))))),
              .withdrawn = {},
              .why = row.getColumn(8).getString(),
              .order = row.getColumn(11).getString(),
              .pending = row.getColumn(12).getInt() != 0,
              .suspended = row.getColumn(13).getInt() != 0};
    if (!row.getColumn(7).isNull()) {
        rule.withdrawn = time_of(row.getColumn(7));
    }
    if (rule.whom == Whom::participant) {
        TRY(check_participant_id(rule.participant));
    }
    const auto codes = TRY(texts_of(row.getColumn(2)));
    if (rule.whom != Whom::participant || !codes.empty()) {
        rule.countries = TRY(parse_countries(codes));
    }
    return rule;
}

// Where a rule tells no countries apart, its counts stand at "--".
Result<Counts> read_final_counts(SQLite::Database& database)
{
    Counts counts;
    SQLite::Statement row(database, "SELECT rule, country, direction, dropped_packets, dropped_bytes, "
                                    "would_drop_packets, would_drop_bytes, passed_packets, passed_bytes "
                                    "FROM final_counts ORDER BY rule, country");
    while (row.executeStep()) {
        const auto value = [&](int column) {
            return static_cast<std::uint64_t>(row.getColumn(column).getInt64());
        };
        auto& cells = counts[value(0)];
        const auto country = Country::from_database(row.getColumn(1).getString());
        if (cells.empty() || cells.back().country != country) {
            cells.push_back({.country = country});
        }
        const auto direction = row.getColumn(2).getString();
        if (direction != kIngress && direction != kEgress) {
            return fail(ErrorCode::internal, "a row of the state database counts the direction '" +
                                                 direction + "', which this version does not know");
        }
        auto& counted = direction == kIngress ? cells.back().ingress : cells.back().egress;
        counted = {value(3), value(4), value(5), value(6), value(7), value(8)};
    }
    return counts;
}

void put_final_counts(SQLite::Statement& statement, std::uint64_t rule, Country country,
                      const char* direction, const RuleCounts& counts)
{
    statement.reset();
    statement.bind(1, static_cast<std::int64_t>(rule));
    statement.bind(2, std::string(country.code()));
    statement.bind(3, direction);
    int column = 4;
    for (const auto value : {counts.dropped_packets, counts.dropped_bytes, counts.would_drop_packets,
                             counts.would_drop_bytes, counts.passed_packets, counts.passed_bytes}) {
        statement.bind(column++, static_cast<std::int64_t>(value));
    }
    statement.exec();
}

std::set<std::uint64_t> read_closed(SQLite::Database& database)
{
    std::set<std::uint64_t> closed;
    SQLite::Statement row(database, "SELECT number FROM rules WHERE closed = 1");
    while (row.executeStep()) {
        closed.insert(static_cast<std::uint64_t>(row.getColumn(0).getInt64()));
    }
    return closed;
}

std::uint64_t last_number(SQLite::Database& database, const char* table)
{
    SQLite::Statement statement(database, "SELECT seq FROM sqlite_sequence WHERE name = ?");
    statement.bind(1, table);
    return statement.executeStep() ? static_cast<std::uint64_t>(statement.getColumn(0).getInt64()) : 0;
}

} // namespace

Store::Store(std::unique_ptr<SQLite::Database> database) : database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::string& path)
{
    const auto named = [&](Error error) { return std::move(error).context(path); };
    return guarded("opening",
                   [&]() -> Result<Store> {
                       const OwnerOnly files;
                       auto database = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE |
                                                                                    SQLite::OPEN_CREATE);
                       TRY(prepare(*database, path));
                       return Store(std::move(database));
                   })
        .map_error(named);
}

Result<Contents> Store::load() const
{
    return guarded("reading", [&]() -> Result<Contents> {
        Contents contents;
        SQLite::Statement meetings(*database_, "SELECT number, id, endpoints, until_s, shared_endpoints, "
                                               "turn_endpoints FROM meetings ORDER BY number");
        while (meetings.executeStep()) {
            contents.meetings.push_back(TRY(read_meeting(meetings)));
        }
        SQLite::Statement rules(*database_, "SELECT number, meeting, countries, mode, from_s, until_s, "
                                            "except_prefixes, withdrawn_s, why, whom, participant, "
                                            "order_id, pending, suspended FROM rules ORDER BY number");
        while (rules.executeStep()) {
            contents.rules.push_back(TRY(read_rule(rules)));
        }
        contents.orders = TRY(read_orders(*database_));
        contents.audit_head = read_head(*database_);
        contents.kept_out = read_kept_out(*database_);
        contents.closed = read_closed(*database_);
        contents.final_counts = TRY(read_final_counts(*database_));
        contents.last_meeting = last_number(*database_, "meetings");
        contents.last_rule = last_number(*database_, "rules");
        return contents;
    });
}

Result<> Store::write(const Changes& changes, const audit::Head& head)
{
    return guarded("writing", [&]() -> Result<> {
        SQLite::Transaction transaction(*database_);
        for (const auto number : changes.removed_meetings) {
            SQLite::Statement statement(*database_, "DELETE FROM meetings WHERE number = ?");
            statement.bind(1, static_cast<std::int64_t>(number));
            statement.exec();
        }
        for (const auto& meeting : changes.put_meetings) {
            put_meeting(*database_, meeting);
        }
        for (const auto& rule : changes.put_rules) {
            put_rule(*database_, rule);
        }
        for (const auto& order : changes.put_orders) {
            put_order(*database_, order);
        }
        put_head(*database_, head);
        transaction.commit();
        return {};
    });
}

Result<> Store::write_head(const audit::Head& head)
{
    return guarded("writing", [&]() -> Result<> {
        put_head(*database_, head);
        return {};
    });
}

Result<> Store::write_kept_out(const KeptOut& kept_out)
{
    return guarded("writing", [&]() -> Result<> {
        SQLite::Transaction transaction(*database_);
        SQLite::Statement statement(*database_, "INSERT OR IGNORE INTO kept_out VALUES(?, ?)");
        for (const auto& [rule, participants] : kept_out) {
            for (const auto participant : participants) {
                statement.reset();
                statement.bind(1, static_cast<std::int64_t>(rule));
                statement.bind(2, static_cast<std::int64_t>(participant));
                statement.exec();
            }
        }
        transaction.commit();
        return {};
    });
}

Result<> Store::write_final_counts(const Counts& counts, const std::set<std::uint64_t>& closed)
{
    return guarded("writing", [&]() -> Result<> {
        SQLite::Transaction transaction(*database_);
        SQLite::Statement statement(*database_,
                                    "INSERT OR REPLACE INTO final_counts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
        for (const auto rule : closed) {
            for (const auto* what :
                 {"DELETE FROM kept_out WHERE rule = ?", "UPDATE rules SET closed = 1 WHERE number = ?"}) {
                SQLite::Statement close(*database_, what);
                close.bind(1, static_cast<std::int64_t>(rule));
                close.exec();
            }
        }
        for (const auto& [rule, by_country] : counts) {

            for (const auto& [country, ingress, egress] : by_country) {
                put_final_counts(statement, rule, country, kIngress, ingress);
                put_final_counts(statement, rule, country, kEgress, egress);
            }
        }
        transaction.commit();
        return {};
    });
}

} // namespace meetfence::store
