// SPDX-License-Identifier: Apache-2.0
// Looks at whatever this user may look at, and goes on where something is missing: a dead daemon is when it
// is asked for most.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <ostream>

#include "ctl/command.h"
#include "ctl/commands/commands.h"
#include "ctl/input.h"
#include "ctl/judge_daemon.h"
#include "ctl/judge_host.h"
#include "ctl/screen.h"
#include "model/fields.h"
#include "pins/pinned_status.h"

namespace meetfence::ctl {
namespace {

constexpr auto kConfig = "/etc/meetfence/meetfence.json";
constexpr std::uint64_t kAuditEntries = 1000; // the whole log may have millions

void append(Findings& findings, Findings more)
{
    std::ranges::move(more, std::back_inserter(findings));
}

// Those of the configuration file, as far as it can be read: the daemon tells what is wrong with it.
std::vector<std::string> configured_interfaces(std::istream& in, const std::string& path)
{
    std::vector<std::string> names;
    const auto text = read_input(in, path);
    const auto config = text ? parse_json(*text, path) : fail(ErrorCode::not_found, path);
    if (config) {
        for (const auto& interface : member_of(*config, "interfaces")) {
            names.push_back(text_of(interface, "name"));
        }
    }
    return names;
}

class Examination {
public:
    explicit Examination(Context& context)
        : context_(context), host_(host::read_host(context.bpf_dir, context.client.socket_path()))
    {
    }

    Findings run()
    {
        ask_for_status();
        append(findings_, judge_host(host_, context_.bpf_dir));
        append(findings_, judge_kernel(host::try_kernel_features(), host_));
        look_at_pins();
        look_at_interfaces();
        if (answers_) {
            ask_for_more();
        }
        return std::move(findings_);
    }

private:
    void ask_for_status()
    {
        auto answer = context_.client.get("/v1/status");
        answers_ = answer.has_value();
        if (answers_) {
            status_ = std::move(answer->body);
        }
        append(findings_, judge_reachable(answers_ ? nullptr : &answer.error(),
                                          context_.client.nobody_listens(), status_, MEETFENCE_VERSION));
    }

    void look_at_pins()
    {
        const auto pinned = read_pinned_status(context_.bpf_dir);
        const bool privileged = (host_.capabilities & host::kSysAdmin) != 0;
        findings_.push_back(judge_pins(pinned ? nullptr : &pinned.error(), context_.bpf_dir, privileged,
                                       pinned ? pinned->interfaces.size() : 0));
        if (!answers_ && pinned) {
            status_ = to_json(*pinned, "", false);
        }
    }

    // The daemon's word for what is to be filtered; else what is pinned and what is configured.
    void look_at_interfaces()
    {
        std::vector<std::string> names;
        for (const auto& interface : member_of(status_, "interfaces")) {
            names.push_back(text_of(interface, "name"));
        }
        if (!answers_) {
            std::ranges::move(configured_interfaces(context_.console.in, config_path()),
                              std::back_inserter(names));
        }
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        for (const auto& name : names) {
            append(findings_, judge_interface(host::read_interface(name, context_.bpf_dir),
                                              interface_status(name), host_));
        }
    }

    [[nodiscard]] std::string config_path() const
    {
        // Of another daemon than the usual one, it is somebody else's file.
        const auto* usual = context_.arguments.has("socket") ? "" : kConfig;
        return context_.arguments.text("config").value_or(usual);
    }

    [[nodiscard]] Json interface_status(const std::string& name) const
    {
        for (const auto& interface : member_of(status_, "interfaces")) {
            if (text_of(interface, "name") == name) {
                return interface;
            }
        }
        return {};
    }

    void ask_for_more()
    {
        if (const auto geo = ask("database", "/v1/geo")) {
            append(findings_, judge_database(*geo, context_.now));
        }
        append(findings_, judge_tables(status_));
        findings_.push_back(judge_scope(status_));
        if (const auto rules = ask("rules", "/v1/rules?state=suspended")) {
            append(findings_, judge_suspended(*rules, status_, context_.now));
        }
        ask_for_audit();
    }

    std::optional<Json> ask(const char* check, std::string_view target)
    {
        auto answer = context_.client.get(target);
        if (!answer) {
            findings_.push_back(
                {check, Judged::unknown, answer.error().message, "systemctl status meetfenced"});
            return std::nullopt;
        }
        return std::move(answer->body);
    }

    void ask_for_audit()
    {
        const auto last = number_of(member_of(status_, "audit"), "sequence");
        const auto from = last > kAuditEntries ? last - kAuditEntries + 1 : 1;
        const auto response = context_.client.request(
            Method::get, fmt::format("/v1/audit?from={}&limit={}", from, kAuditEntries));
        if (!response || response->status >= 400) {
            const auto error = response ? refusal(*response) : response.error();
            findings_.push_back(
                {"audit", Judged::unknown, error.message, "ask as one of the operators, or as root"});
            return;
        }
        findings_.push_back(judge_audit(response->body, status_));
    }

    Context& context_;
    host::HostFacts host_;
    Findings findings_;
    Json status_;
    bool answers_ = false;
};

constexpr std::string_view state_word(Judged state)
{
    constexpr auto kWords = std::to_array<std::string_view>({"good", "hint", "wrong", "unknown"});
    return kWords.at(static_cast<std::size_t>(state));
}

void print_findings_json(Console& console, const Findings& findings)
{
    auto list = Json::array();
    for (const auto& finding : findings) {
        list.push_back({{"check", finding.check},
                        {"state", state_word(finding.state)},
                        {"text", finding.text},
                        {"remedy", finding.remedy.empty() ? Json(nullptr) : Json(finding.remedy)}});
    }
    print_json(console, list);
}

// The text in lines of at most so many columns, as far as its words allow.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns)
{
    std::vector<std::string> lines;
    while (width_of(text) > columns) {
        auto end = text.rfind(' ', columns);
        end = end == std::string_view::npos || end == 0 ? text.find(' ') : end;
        if (end == std::string_view::npos) {
            break;
        }
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    lines.emplace_back(text);
    return lines;
}

class Printer {
public:
    Printer(const Context& context, const Findings& findings)
        : out_(context.console.out),
          style_(context.style),
          utf8_(context.console.out_is_terminal && speaks_utf8()),
          columns_(context.console.out_is_terminal ? Screen::size().columns : SIZE_MAX)
    {
        for (const auto& finding : findings) {
            width_ = std::max(width_, width_of(finding.check));
        }
    }

    void print(const Finding& finding)
    {
        const auto check = printable(finding.check);
        print_text(fmt::format("{} {:<{}}  ", mark(finding.state), check, width_), kMark + width_ + 2,
                   printable(finding.text));
        if (!finding.remedy.empty()) {
            const auto* arrow = utf8_ ? "→" : "->";
            print_text(fmt::format("{:{}}{} ", "", kMark + width_ + 2, style_.faint(arrow)),
                       kMark + width_ + 2 + width_of(arrow) + 1, printable(finding.remedy));
        }
    }

private:
    // Behind what stands in front of it, its further lines below its first one.
    void print_text(const std::string& before, std::size_t indent, const std::string& text)
    {
        constexpr std::size_t kLeast = 30; // narrower columns read worse than lines that break anywhere
        const auto room = columns_ >= indent + kLeast ? columns_ - indent : SIZE_MAX;
        bool first = true;
        for (const auto& line : wrapped(text, room)) {
            out_ << (first ? before : std::string(indent, ' ')) << line << '\n';
            first = false;
        }
    }

    [[nodiscard]] std::string mark(Judged state) const
    {
        switch (state) {
        case Judged::good:
            return style_.good(utf8_ ? "✓" : "+");
        case Judged::hint:
            return style_.warning("!");
        case Judged::wrong:
            return style_.bad(utf8_ ? "✗" : "X");
        case Judged::unknown:
            break;
        }
        return style_.faint("?");
    }

    static constexpr std::size_t kMark = 2;
    std::ostream& out_;
    const Style& style_;
    bool utf8_;
    std::size_t columns_;
    std::size_t width_ = 0;
};

std::string summary(const Findings& findings)
{
    const auto number = [&](Judged state) {
        return static_cast<std::uint64_t>(std::ranges::count(findings, state, &Finding::state));
    };
    std::vector<std::string> parts;
    const auto add = [&](Judged state, std::string_view one, std::string_view many) {
        if (number(state) > 0) {
            parts.push_back(count_of(number(state), one, many));
        }
    };
    add(Judged::wrong, "thing is wrong", "things are wrong");
    add(Judged::hint, "could be better", "could be better");
    add(Judged::unknown, "could not be looked at", "could not be looked at");
    return parts.empty() ? "Nothing is wrong."
                         : fmt::format("{}{}.", number(Judged::wrong) == 0 ? "Nothing is wrong; " : "",
                                       join(parts, ", "));
}

} // namespace

Result<int> run_doctor(Context& context)
{
    const auto findings = Examination(context).run();
    if (context.json) {
        print_findings_json(context.console, findings);
    } else {
        Printer printer(context, findings);
        std::ranges::for_each(findings, [&](const Finding& finding) { printer.print(finding); });
        context.console.out << '\n' << summary(findings) << '\n';
    }
    const bool wrong = std::ranges::find(findings, Judged::wrong, &Finding::state) != findings.end();
    return wrong ? kFailed : kDone;
}

} // namespace meetfence::ctl
