// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/reader.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "model/json.h"

namespace meetfence::store {
namespace {

constexpr std::size_t kMostRows = 65536; // that are remembered

template <class Function> auto guarded(Function function) -> decltype(function())
{
    try {
        return function();
    } catch (const SQLite::Exception& error) {
        return fail(ErrorCode::internal, std::string("reading the state database: ") + error.what());
    }
}

// A statement that is not reset keeps old pages from being written back.
class Question {
public:
    Question(SQLite::Statement& statement, std::uint64_t number) : statement_(statement)
    {
        statement_.bind(1, static_cast<std::int64_t>(number));
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() { statement_.tryReset(); }

    [[nodiscard]] bool has_answer() { return statement_.executeStep(); }

private:
    SQLite::Statement& statement_;
};

Time time_in(const SQLite::Column& column)
{
    return Time(std::chrono::seconds(column.getInt64()));
}

Result<std::vector<std::string>> list_in(const SQLite::Column& column)
{
    const auto json = TRY(parse_json(column.getString(), "a row of the state database"));
    std::vector<std::string> items;
    for (const auto& item : json) {
        items.push_back(item.is_string() ? item.get<std::string>() : std::string{});
    }
    return items;
}

Result<Whom> whom_in(const SQLite::Column& column)
{
    const auto text = column.getString();
    if (text == "countries") {
        return Whom::countries;
    }
    if (text == "all_but") {
        return Whom::all_but;
    }
    if (text == "participant") {
        return Whom::participant;
    }
    return fail(ErrorCode::internal,
                "a row of the state database keeps out '" + text + "', which this version does not know");
}

Result<RuleRow> read_rule(SQLite::Statement& row)
{
    RuleRow rule{.meeting = row.getColumn(0).getString(),
                 .whom = TRY(whom_in(row.getColumn(1))),
                 .countries = {},
                 .participant = row.getColumn(3).getString(),
                 .mode = TRY(parse_mode(row.getColumn(4).getString())),
                 .from = time_in(row.getColumn(5)),
                 .until = time_in(row.getColumn(6)),
                 .except = TRY(parse_prefixes(TRY(list_in(row.getColumn(7))))),
                 .withdrawn = {},
                 .order = row.getColumn(9).getString(),
                 .pending = row.getColumn(10).getInt() != 0};
    const auto codes = TRY(list_in(row.getColumn(2)));
    if (!codes.empty()) {
        rule.countries = TRY(parse_countries(codes));
    }
    if (!row.getColumn(8).isNull()) {
        rule.withdrawn = time_in(row.getColumn(8));
    }
    return rule;
}

Result<MeetingRow> read_meeting(SQLite::Statement& row)
{
    return MeetingRow{.id = row.getColumn(0).getString(),
                      .endpoints = TRY(parse_endpoints(TRY(list_in(row.getColumn(1)))))};
}

} // namespace

Reader::Reader(std::unique_ptr<SQLite::Database> database)
    : database_(std::move(database)),
      version_(std::make_unique<SQLite::Statement>(*database_, "PRAGMA data_version")),
      rule_(std::make_unique<SQLite::Statement>(
          *database_, "SELECT meeting, whom, countries, participant, mode, from_s, until_s, "
                      "except_prefixes, withdrawn_s, order_id, pending FROM rules WHERE number = ?")),
      meeting_(std::make_unique<SQLite::Statement>(*database_,
                                                   "SELECT id, endpoints FROM meetings WHERE number = ?"))
{
}

Reader::Reader(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::string& path)
{
    return guarded([&]() -> Result<Reader> {
               return Reader(std::make_unique<SQLite::Database>(path, SQLite::OPEN_READONLY));
           })
        .map_error([&](Error error) { return std::move(error).context(path); });
}

void Reader::forget_what_changed()
{
    version_->executeStep();
    const std::int64_t version = version_->getColumn(0).getInt64();
    version_->reset();
    if (version != known_version_ || rules_.size() + meetings_.size() > kMostRows) {
        rules_.clear();
        meetings_.clear();
    }
    known_version_ = version;
}

Result<std::optional<RuleRow>> Reader::rule(std::uint64_t number)
{
    return guarded([&]() -> Result<std::optional<RuleRow>> {
        forget_what_changed();
        auto it = rules_.find(number);
        if (it == rules_.end()) {
            Question question(*rule_, number);
            std::optional<RuleRow> row;
            if (question.has_answer()) {
                row = TRY(read_rule(*rule_));
            }
            it = rules_.emplace(number, std::move(row)).first;
        }
        return it->second;
    });
}

Result<std::optional<MeetingRow>> Reader::meeting(std::uint64_t number)
{
    return guarded([&]() -> Result<std::optional<MeetingRow>> {
        forget_what_changed();
        auto it = meetings_.find(number);
        if (it == meetings_.end()) {
            Question question(*meeting_, number);
            std::optional<MeetingRow> row;
            if (question.has_answer()) {
                row = TRY(read_meeting(*meeting_));
            }
            it = meetings_.emplace(number, std::move(row)).first;
        }
        return it->second;
    });
}

} // namespace meetfence::store
