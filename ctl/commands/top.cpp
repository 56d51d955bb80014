// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/screen.h"
#include "ctl/top_view.h"

namespace meetfence::ctl {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// At most a tenth of the daemon's time: it has rules to change as well.
constexpr int kPausesPerAnswer = 9;
constexpr milliseconds kSoon{2000}; // an answer that takes longer is told to be missing

constexpr std::uint64_t kFewRules = 256;

struct Wishes {
    std::chrono::seconds interval{1};
    std::uint64_t count = 0; // 0 = until somebody ends it
};

Result<Wishes> read_wishes(const Context& context)
{
    Wishes wishes;
    if (const auto text = context.arguments.text("interval")) {
        wishes.interval = TRY(parse_duration(*text));
    }
    if (const auto text = context.arguments.text("count")) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), wishes.count);
        if (error != std::errc{} || end != text->data() + text->size() || wishes.count == 0) {
            return fail(ErrorCode::invalid, fmt::format("--count is a whole number from 1, not '{}'", *text));
        }
    }
    return wishes;
}

std::string now_text()
{
    return format_time(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

// "14:05:07Z" of an RFC 3339 time
std::string clock_text(const std::string& time)
{
    return time.substr(std::min(time.find('T') + 1, time.size()));
}

class Top {
public:
    Top(Context& context, const Wishes& wishes, bool live)
        : context_(context), wishes_(wishes), attention_(live)
    {
        if (live) {
            screen_.emplace(context.console.out);
        }
    }

    Result<int> run()
    {
        if (!TRY(take_sample())) {
            return kDone;
        }
        redraw();
        for (std::uint64_t shown = 0; wishes_.count == 0 || shown < wishes_.count; ++shown) {
            if (!wait() || !TRY(take_sample())) {
                return kDone;
            }
            show();
            if (!context_.console.out) {
                return kDone; // nobody reads any more
            }
        }
        return kDone;
    }

private:
    // False where somebody ended it meanwhile.
    Result<bool> take_sample()
    {
        // Where there are many rules, those that never met a packet are not worth an answer.
        const bool few = sample_ && sample_->rules_active <= kFewRules;
        const std::array<std::string, 2> targets{"/v1/status", few ? "/v1/rules?state=active"
                                                                   : "/v1/rules?state=active&counted=true"};
        asked_ = Clock::now();
        waits_ = true;
        const auto responses = TRY(context_.client.get_batch_attended(
            targets, {attention_.descriptor(), [this] { return attend(); }}));
        waits_ = false;
        if (!responses) {
            return false;
        }
        const auto answered = Clock::now();
        took_ = std::chrono::duration_cast<milliseconds>(answered - asked_);
        const auto status = TRY(read(responses->at(0)));
        const auto rules = TRY(read(responses->at(1)));
        before_ = std::move(sample_);
        sample_ = read_sample(status, rules, asked_ + (answered - asked_) / 2);
        time_ = now_text();
        if (before_) {
            auto interval = rates_between(*before_, *sample_);
            history_.add(sample_->at, interval.total);
            if (!paused_) {
                interval_ = std::move(interval);
                shown_ = time_;
            }
        }
        return true;
    }

    static Result<Json> read(const Response& response)
    {
        return response.status >= 400 ? fail(refusal(response))
                                      : parse_json(response.body, "the daemon's answer");
    }

    [[nodiscard]] milliseconds pause() const
    {
        return std::max<milliseconds>(wishes_.interval - took_, took_ * kPausesPerAnswer);
    }

    // Until the next sample is due; false where somebody ended it.
    bool wait()
    {
        const auto due = Clock::now() + pause();
        for (auto now = Clock::now(); now < due; now = Clock::now()) {
            const auto left = std::chrono::ceil<milliseconds>(due - now);
            if (attention_.wait(std::min<milliseconds>(left, std::chrono::minutes(1))) && !attend()) {
                return false;
            }
        }
        return true;
    }

    bool attend()
    {
        const auto happened = attention_.take();
        bool end = happened.end;
        if (happened.suspend) {
            screen_ ? screen_->suspend() : static_cast<void>(raise(SIGSTOP));
        }
        for (const char key : happened.keys) {
            end = end || key == 'q' || key == 'Q';
            paused_ = key == 'p' || key == ' ' ? !paused_ : paused_;
            order_ = key == 's' ? next(order_) : order_;
        }
        if (!end) {
            redraw();
        }
        return !end;
    }

    static Order next(Order order)
    {
        return order == Order::packets ? Order::bits : order == Order::bits ? Order::name : Order::packets;
    }

    void show()
    {
        auto& console = context_.console;
        if (screen_) {
            return redraw();
        }
        sort_rows(*interval_, order_);
        if (context_.json) {
            console.out << printable_json(top_json(*interval_, time_).dump()) << std::endl;
            return;
        }
        for (const auto& line : top_text(*interval_, time_)) {
            console.out << line << '\n';
        }
        console.out.flush();
    }

    void redraw()
    {
        if (!screen_ || !sample_) {
            return;
        }
        auto interval = interval_; // sorted by name: as it came
        if (interval) {
            sort_rows(*interval, order_);
        }
        const auto silent = Clock::now() - asked_;
        screen_->draw(
            top_page({.sample = &*sample_,
                      .interval = interval ? &*interval : nullptr,
                      .history = &history_,
                      .order = order_,
                      .clock = clock_text(interval ? shown_ : time_),
                      .pace = pace(),
                      .paused = paused_,
                      .silent = waits_ && silent > kSoon ? std::chrono::floor<std::chrono::seconds>(silent)
                                                         : std::chrono::seconds(0)},
                     Screen::size(), context_.style, speaks_utf8()));
    }

    [[nodiscard]] std::string pace() const
    {
        const auto wanted = "every " + format_duration(wishes_.interval);
        const auto period = pause() + took_;
        return period <= wishes_.interval
                   ? wanted
                   : fmt::format("every {:.1f}s: answers take {} ms",
                                 std::chrono::duration<double>(period).count(), took_.count());
    }

    Context& context_;
    Wishes wishes_;
    Attention attention_;
    std::optional<Screen> screen_; // leaves the terminal before signals may end the program again
    std::optional<Sample> before_, sample_;
    std::optional<Interval> interval_;
    History history_;
    Order order_ = Order::packets;
    std::string time_, shown_;
    Clock::time_point asked_;
    milliseconds took_{0};
    bool paused_ = false, waits_ = false;
};

} // namespace

Result<int> run_top(Context& context)
{
    const auto wishes = read_wishes(context);
    if (!wishes) {
        return refuse_usage(context.console, context.command, wishes.error().message);
    }
    const bool live = context.console.out_is_terminal && !context.json && understands_escapes();
    return Top(context, *wishes, live).run();
}

} // namespace meetfence::ctl
