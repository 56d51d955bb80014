// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "model/json.h"

namespace meetfence::store {
namespace {

constexpr int kSchema = 1;

// AUTOINCREMENT: a number that was given out once is never given out again.
constexpr const char* kCreate = R"sql(
CREATE TABLE meetings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoints TEXT NOT NULL,
    until_s INTEGER);
CREATE TABLE rules (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    meeting TEXT NOT NULL,
    countries TEXT NOT NULL,
    mode TEXT NOT NULL,
    from_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL,
    except_prefixes TEXT NOT NULL,
    withdrawn_s INTEGER,
    why TEXT NOT NULL);
CREATE TABLE final_counts (
    rule INTEGER NOT NULL REFERENCES rules(number),
    country TEXT NOT NULL,
    dropped_packets INTEGER NOT NULL, dropped_bytes INTEGER NOT NULL,
    would_drop_packets INTEGER NOT NULL, would_drop_bytes INTEGER NOT NULL,
    passed_packets INTEGER NOT NULL, passed_bytes INTEGER NOT NULL,
    PRIMARY KEY (rule, country)) WITHOUT ROWID;
)sql";

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
    SQLite::Statement statement(database,
                                "INSERT INTO meetings(number, id, endpoints, until_s) VALUES(?, ?, ?, ?) "
                                "ON CONFLICT(number) DO UPDATE SET endpoints = excluded.endpoints, "
                                "until_s = excluded.until_s");
    statement.bind(1, static_cast<std::int64_t>(stored.number));
    statement.bind(2, stored.meeting.id);
    statement.bind(3, list_text(stored.meeting.endpoints));
    bind_optional(statement, 4, stored.meeting.until);
    statement.exec();
}

void put_rule(SQLite::Database& database, const Rule& rule)
{
    SQLite::Statement statement(
        database, "INSERT INTO rules(number, meeting, countries, mode, from_s, until_s, except_prefixes, "
                  "withdrawn_s, why) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT(number) DO UPDATE SET mode = excluded.mode, until_s = excluded.until_s, "
                  "withdrawn_s = excluded.withdrawn_s, why = excluded.why");
    statement.bind(1, static_cast<std::int64_t>(rule.number));
    statement.bind(2, rule.meeting);
    statement.bind(3, country_text(rule.countries));
    statement.bind(4, std::string(to_text(rule.mode)));
    statement.bind(5, seconds_of(rule.from));
    statement.bind(6, seconds_of(rule.until));
    statement.bind(7, list_text(rule.except));
    bind_optional(statement, 8, rule.withdrawn);
    statement.bind(9, rule.why);
    statement.exec();
}

Result<StoredMeeting> read_meeting(SQLite::Statement& row)
{
    StoredMeeting stored{.number = static_cast<std::uint64_t>(row.getColumn(0).getInt64())};
    stored.meeting.id = row.getColumn(1).getString();
    stored.meeting.endpoints = TRY(parse_endpoints(TRY(texts_of(row.getColumn(2)))));
    if (!row.getColumn(3).isNull()) {
        stored.meeting.until = time_of(row.getColumn(3));
    }
    return stored;
}

Result<Rule> read_rule(SQLite::Statement& row)
{
    Rule rule{.number = static_cast<std::uint64_t>(row.getColumn(0).getInt64()),
              .meeting = row.getColumn(1).getString(),
              .countries = TRY(parse_countries(TRY(texts_of(row.getColumn(2))))),
              .mode = TRY(parse_mode(row.getColumn(3).getString())),
              .from = time_of(row.getColumn(4)),
              .until = time_of(row.getColumn(5)),
              .except = TRY(parse_prefixes(TRY(texts_of(row.getColumn(6))))),
              .withdrawn = {},
              .why = row.getColumn(8).getString()};
    if (!row.getColumn(7).isNull()) {
        rule.withdrawn = time_of(row.getColumn(7));
    }
    return rule;
}

std::uint64_t last_number(SQLite::Database& database, const char* table)
{
    SQLite::Statement statement(database, "SELECT seq FROM sqlite_sequence WHERE name = ?");
    statement.bind(1, table);
    return statement.executeStep() ? static_cast<std::uint64_t>(statement.getColumn(0).getInt64()) : 0;
}

Result<> prepare(SQLite::Database& database, const std::string& path)
{
    // FULL: a commit that returned is on the disk.
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    const int schema = database.execAndGet("PRAGMA user_version").getInt();
    if (schema == 0) {
        SQLite::Transaction transaction(database);
        database.exec(kCreate);
        database.exec("PRAGMA user_version = " + std::to_string(kSchema));
        transaction.commit();
    } else if (schema != kSchema) {
        return fail(ErrorCode::conflict, path + " has schema " + std::to_string(schema) +
                                             ", this version knows " + std::to_string(kSchema) +
                                             ": use the version that wrote it");
    }
    return {};
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
        SQLite::Statement meetings(*database_,
                                   "SELECT number, id, endpoints, until_s FROM meetings ORDER BY number");
        while (meetings.executeStep()) {
            contents.meetings.push_back(TRY(read_meeting(meetings)));
        }
        SQLite::Statement rules(*database_, "SELECT number, meeting, countries, mode, from_s, until_s, "
                                            "except_prefixes, withdrawn_s, why FROM rules ORDER BY number");
        while (rules.executeStep()) {
            contents.rules.push_back(TRY(read_rule(rules)));
        }
        SQLite::Statement counts(*database_,
                                 "SELECT rule, country, dropped_packets, dropped_bytes, "
                                 "would_drop_packets, would_drop_bytes, passed_packets, passed_bytes "
                                 "FROM final_counts ORDER BY rule, country");
        while (counts.executeStep()) {
            const auto value = [&](int column) {
                return static_cast<std::uint64_t>(counts.getColumn(column).getInt64());
            };
            contents.final_counts[value(0)].push_back(
                {Country::from_database(counts.getColumn(1).getString()),
                 {value(2), value(3), value(4), value(5), value(6), value(7)}});
        }
        contents.last_meeting = last_number(*database_, "meetings");
        contents.last_rule = last_number(*database_, "rules");
        return contents;
    });
}

Result<> Store::write(const Changes& changes)
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
        transaction.commit();
        return {};
    });
}

Result<> Store::write_final_counts(const Counts& counts)
{
    return guarded("writing", [&]() -> Result<> {
        SQLite::Transaction transaction(*database_);
        SQLite::Statement statement(*database_,
                                    "INSERT OR REPLACE INTO final_counts VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
        for (const auto& [rule, by_country] : counts) {
            for (const auto& [country, c] : by_country) {
                statement.reset();
                statement.bind(1, static_cast<std::int64_t>(rule));
                statement.bind(2, std::string(country.code()));
                int column = 3;
                for (const auto value : {c.dropped_packets, c.dropped_bytes, c.would_drop_packets,
                                         c.would_drop_bytes, c.passed_packets, c.passed_bytes}) {
                    statement.bind(column++, static_cast<std::int64_t>(value));
                }
                statement.exec();
            }
        }
        transaction.commit();
        return {};
    });
}

} // namespace meetfence::store
