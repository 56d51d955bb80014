// SPDX-License-Identifier: Apache-2.0
// The two formats that monitoring systems read: Prometheus' text format 0.0.4, and OpenMetrics 1.0.0 where it
// is asked for. Written straight into one text: thousands of rules have tens of thousands of samples.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace meetfence {

enum class Format : std::uint8_t { prometheus, openmetrics };

/// By an Accept header (RFC 9110 section 12.5.1), empty where there was none. What was not asked for is the
/// text format: whoever cannot read it can tell by the Content-Type.
[[nodiscard]] Format format_for(std::string_view accept);
[[nodiscard]] const char* content_type(Format format);

class Exposition {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    explicit Exposition(Format format) : format_(format) {}

    // A family, whose samples follow; `name` as OpenMetrics calls it: of a counter without _total. The unit
    // is what the name ends with.
    void counter(std::string_view name, std::string_view help, std::string_view unit = {});
    void gauge(std::string_view name, std::string_view help, std::string_view unit = {});
    void histogram(std::string_view name, std::string_view help, std::string_view unit = {});
    /// Of one sample, always 1: its labels are what there is to say.
    void info(std::string_view name, std::string_view help, Labels labels);

    /// Of the counter or gauge begun last.
    void add(Labels labels, std::integral auto value)
    {
        begin_sample(labels, is_counter_ ? "_total" : "");
        if constexpr (std::signed_integral<decltype(value)>) {
            end_sample(static_cast<std::int64_t>(value));
        } else {
            end_sample(static_cast<std::uint64_t>(value));
        }
    }
    void add(Labels labels, double value)
    {
        begin_sample(labels, is_counter_ ? "_total" : "");
        end_sample(value);
    }
    /// Of the histogram begun last; `counts` one longer than `bounds`, each of its own bucket alone.
    void add(Labels labels, std::span<const double> bounds, std::span<const std::uint64_t> counts,
             double sum);

    /// The whole of it.
    [[nodiscard]] std::string finish() &&;

private:
    void begin_family(std::string_view name, std::string_view type, std::string_view help,
                      std::string_view unit, std::string_view suffix = {});
    void begin_sample(Labels labels, std::string_view suffix, std::string_view bound = {});
    void end_sample(std::int64_t value);
    void end_sample(std::uint64_t value);
    void end_sample(double value);
    void escape(std::string_view text, bool quotes);

    Format format_;
    std::string family_; // begun last, with the prefix
    bool is_counter_ = false;
    std::string text_;
};

} // namespace meetfence
