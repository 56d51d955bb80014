// SPDX-License-Identifier: Apache-2.0
// The program's own geo_lookup in the real kernel, asked in bulk: the real database against libmaxminddb's
// own lookup, made tables against the longest of a list of prefixes, and slots that come and go.
#include <algorithm>
#include <array>
#include <atomic>
#include <bpf/bpf.h>
#include <cstdlib>
#include <cstring>
#include <future>
#include <gtest/gtest.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <random>
#include <span>

#include "country_table_probe.skel.h"
#include "daemon/dataplane/geo_tables.h"
#include "daemon/geo/country_table.h"
#include "pins/mapped_array.h"

namespace meetfence::test {
namespace {

using geo::AddressNumber;
using Prefixes = std::vector<geo::PlacedPrefix>;

constexpr std::array kFamilies{geo::Family::v4, geo::Family::v6};

struct Question {
    AddressNumber address;
    geo::Family family;

    [[nodiscard]] IpAddress::Bytes bytes() const { return geo::to_address(address, family).bytes(); }
};
using Questions = std::vector<Question>;
using Answers = std::vector<std::uint32_t>;

template <class T> T good(Result<T> result)
{
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    return *std::move(result);
}

void check(int result, const char* what)
{
    if (result < 0) {
        throw std::runtime_error(std::string(what) + ": " + std::strerror(-result));
    }
}

AddressNumber last_of(geo::Family family)
{
    return family == geo::Family::v4 ? 0xffffffffU : ~AddressNumber{0};
}

AddressNumber any(std::mt19937_64& random)
{
    return AddressNumber{random()} << 64 | random();
}

void ask_around(Questions& questions, AddressNumber edge, geo::Family family)
{
    for (const auto each : {edge - 1, edge, edge + 1}) {
        questions.push_back({each & last_of(family), family});
    }
}

class Probe {
public:
    static constexpr std::uint32_t kBatch = 1U << 20;

    Probe() : skeleton_(country_table_probe_bpf::open(), country_table_probe_bpf::destroy)
    {
        const auto& maps = skeleton_->maps;
        for (auto* map : {maps.questions, maps.answers}) {
            check(bpf_map__set_max_entries(map, kBatch), "sizing a map");
        }
        check(country_table_probe_bpf::load(skeleton_.get()), "loading the probe (root is needed)");
        constexpr auto kAccess = pins::Access::read_write;
        control = good(decltype(control)::map(bpf_map__fd(maps.control), 1, kAccess, "control"));
        questions_ =
            good(decltype(questions_)::map(bpf_map__fd(maps.questions), kBatch, kAccess, "questions"));
        answers_ = good(decltype(answers_)::map(bpf_map__fd(maps.answers), kBatch, kAccess, "answers"));
    }

    [[nodiscard]] int geo_fd() const { return bpf_map__fd(skeleton_->maps.geo); }
    void put(std::uint32_t slot, const geo::CountryTable& table)
    {
        const auto staged = good(dataplane::stage_table(table, {}));
        const int inner = staged.map.get();
        check(bpf_map_update_elem(geo_fd(), &slot, &inner, BPF_ANY), "filling a slot");
    }

    /// Country numbers, for at most kBatch questions.
    Answers ask(std::span<const Question> questions)
    {
        for (std::size_t i = 0; i < questions.size(); ++i) {
            const auto bytes = questions[i].bytes();
            std::memcpy(questions_[i].remote, bytes.data(), bytes.size());
            questions_[i].is_ipv4 = questions[i].family == geo::Family::v4 ? 1 : 0;
            answers_[i] = ~0U;
        }
        skeleton_->bss->next_question = 0;
        std::array<std::uint8_t, 64> frame{};
        bpf_test_run_opts options{.sz = sizeof(options)};
        options.data_in = frame.data();
        options.data_size_in = frame.size();
        options.repeat = static_cast<int>(questions.size());
        check(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.country_table_probe), &options),
              "BPF_PROG_TEST_RUN");
        Answers answers;
        for (std::size_t i = 0; i < questions.size(); ++i) {
            answers.push_back(answers_[i]);
        }
        return answers;
    }

    pins::MappedArray<mf_control> control;

private:
    struct KernelQuestion {
        std::uint8_t remote[16];
        std::uint64_t is_ipv4;
    };
    std::unique_ptr<country_table_probe_bpf, void (*)(country_table_probe_bpf*)> skeleton_;
    pins::MappedArray<KernelQuestion> questions_;
    pins::MappedArray<std::uint32_t> answers_;
};

// The kernel against `oracle`, which two threads ask meanwhile.
template <class Oracle> void expect_agreement(Probe& probe, const Questions& questions, const Oracle& oracle)
{
    for (std::size_t from = 0; from < questions.size(); from += Probe::kBatch) {
        const auto part =
            std::span(questions).subspan(from, std::min<std::size_t>(Probe::kBatch, questions.size() - from));
        Answers wanted(part.size());
        const auto ask_oracle = [&](std::size_t first, std::size_t last) {
            std::ranges::transform(part.subspan(first, last - first), &wanted[first], std::cref(oracle));
        };
        auto one = std::async(std::launch::async, ask_oracle, 0, part.size() / 2);
        auto other = std::async(std::launch::async, ask_oracle, part.size() / 2, part.size());
        const auto answers = probe.ask(part);
        one.get();
        other.get();
        for (std::size_t i = 0; i < answers.size(); ++i) {
            ASSERT_EQ(answers[i], wanted[i]) << IpAddress(part[i].bytes()).text();
        }
    }
}

struct Network {
    AddressNumber first, last;
};

// Where the daemon places nobody; databases show IPv4's countries there.
constexpr auto kTunnels = [] {
    constexpr auto network = [](AddressNumber first, unsigned bits) {
        return Network{first, first | ~AddressNumber{0} >> bits};
    };
    return std::array{network(0, 96), network(AddressNumber{0xffff} << 32, 96),
                      network(AddressNumber{0x20010000U} << 96, 32),
                      network(AddressNumber{0x2002} << 112, 16)};
}();

const Network* tunnel_around(const Question& question)
{
    for (const auto& tunnel : kTunnels) {
        if (question.family == geo::Family::v6 && tunnel.first <= question.address &&
            question.address <= tunnel.last) {
            return &tunnel;
        }
    }
    return nullptr;
}

class Mmdb {
public:
    explicit Mmdb(const char* path) { check(-MMDB_open(path, MMDB_MODE_MMAP, &mmdb_), path); }
    ~Mmdb() { MMDB_close(&mmdb_); }
    Mmdb(const Mmdb&) = delete;
    Mmdb& operator=(const Mmdb&) = delete;

    std::uint32_t operator()(const Question& question) const
    {
        auto found = look_up(question);
        MMDB_entry_data_s data{};
        for (const auto* path : {kCountryCode.data(), kIsoCode.data()}) {
            if (found.found_entry && MMDB_aget_value(&found.entry, &data, path) == MMDB_SUCCESS &&
                data.has_data) {
                return Country::from_database({data.utf8_string, data.data_size}).number();
            }
        }
        return 0;
    }

    /// All there are, also those in no country: asks, and goes on behind the answer. A tunnel is one.
    [[nodiscard]] std::vector<Network> networks(geo::Family family) const
    {
        const bool ipv4_below_96 = family == geo::Family::v4 && mmdb_.metadata.ip_version == 6;
        std::vector<Network> result;
        for (AddressNumber first = 0;; first = result.back().last + 1) {
            const auto* tunnel = tunnel_around({first, family});
            const unsigned bits = look_up({first, family}).netmask;
            const unsigned prefix_bits = ipv4_below_96 ? std::max(bits, 96U) - 96 : bits;
            const auto hosts = prefix_bits == 128 ? 0 : last_of(family) >> prefix_bits;
            result.push_back({first, tunnel != nullptr ? tunnel->last : first | hosts});
            if (result.back().last == last_of(family)) {
                return result;
            }
        }
    }

private:
    [[nodiscard]] MMDB_lookup_result_s look_up(const Question& question) const
    {
        const auto bytes = question.bytes();
        const bool ipv4 = question.family == geo::Family::v4;
        sockaddr_in v4{.sin_family = AF_INET};
        sockaddr_in6 v6{.sin6_family = AF_INET6};
        std::memcpy(&v4.sin_addr, &bytes[12], sizeof(v4.sin_addr));
        std::memcpy(&v6.sin6_addr, bytes.data(), sizeof(v6.sin6_addr));
        const void* either = ipv4 ? static_cast<const void*>(&v4) : &v6;
        int error = MMDB_SUCCESS;
        const auto result = MMDB_lookup_sockaddr(&mmdb_, static_cast<const sockaddr*>(either), &error);
        check(-error, "MMDB_lookup_sockaddr");
        return result;
    }

    static constexpr std::array<const char*, 2> kCountryCode{"country_code", nullptr};
    static constexpr std::array<const char*, 3> kIsoCode{"country", "iso_code", nullptr};
    MMDB_s mmdb_{};
};

geo::CountryTable table_of(const Prefixes& prefixes)
{
    return good(geo::make_country_table(geo::build_table({}, geo::Agreement::all, prefixes)));
}

TEST(CountryTableInKernel, ReadsTheDatabaseAsItsOwnLibraryDoes)
{
    const char* path = std::getenv("MEETFENCE_DATABASE");
    ASSERT_NE(path, nullptr) << "MEETFENCE_DATABASE names no country database; ./run test sets it";
    const std::array databases{good(geo::load_mmdb(path))};
    const Mmdb mmdb(path);
    Probe probe;
    probe.put(0, good(geo::make_country_table(geo::build_table(databases, geo::Agreement::all, {}))));

    Questions questions;
    std::vector<Network> networks;
    for (const auto family : kFamilies) {
        networks = mmdb.networks(family); // IPv6 stays
        ASSERT_GT(networks.size(), 10'000U);
        for (const auto& network : networks) {
            ask_around(questions, network.first, family);
        }
    }
    std::mt19937_64 random(128);
    for (int i = 0; i < 2'500'000; ++i) {
        questions.push_back({any(random) & 0xffffffffU, geo::Family::v4});
        questions.push_back({any(random) & 0xffffffffU, geo::Family::v4});
        questions.push_back({AddressNumber{1} << 125 | any(random) >> 3, geo::Family::v6}); // 2000::/3
        const auto& network = networks.at(random() % networks.size());
        questions.push_back(
            {network.first + (any(random) & (network.last - network.first)), geo::Family::v6});
    }
    expect_agreement(probe, questions, [&](const Question& question) {
        return tunnel_around(question) != nullptr ? 0 : mmdb(question);
    });

    questions.clear();
    for (const auto& [first, last] : kTunnels) {
        questions.insert(questions.end(), {{first, geo::Family::v6}, {last, geo::Family::v6}});
        for (int i = 0; i < 50'000; ++i) {
            questions.push_back({first + (any(random) & (last - first)), geo::Family::v6});
        }
    }
    expect_agreement(probe, questions, [](const Question&) { return 0U; });
}

void add(Prefixes& prefixes, AddressNumber inside, unsigned bits, geo::Family family)
{
    const auto around = IpPrefix::around(geo::to_address(inside, family), static_cast<std::uint8_t>(bits));
    prefixes.push_back({around, Country(static_cast<std::uint8_t>(1 + prefixes.size() % country_count()))});
}

// Every length within the one before; all countries side by side, across the edges of roots and halves.
std::vector<Prefixes> nasty_tables()
{
    std::vector<Prefixes> tables(1);
    for (const auto family : kFamilies) {
        const unsigned all = geo::address_bits(family);
        const auto alternating = ~AddressNumber{0} / 3 & last_of(family);
        for (const auto around :
             {AddressNumber{0}, alternating, last_of(family) - alternating, last_of(family)}) {
            auto& nested = tables.emplace_back();
            for (unsigned bits = 0; bits <= all; ++bits) {
                add(nested, around, bits, family);
            }
        }
        for (unsigned bits = 16; bits <= all; bits += 8) {
            const AddressNumber host_one = AddressNumber{1} << (all - bits);
            const auto edge = AddressNumber{0x2a02'ffffU} << (all - 32) | last_of(family) >> 32;
            for (const std::size_t count : {10U, 11U, 12U, 13U, 250U}) {
                auto& row = tables.emplace_back();
                for (std::size_t i = 0; i < count; ++i) {
                    add(row, edge + host_one * i - host_one * (count / 2), bits, family);
                }
            }
        }
    }
    return tables;
}

TEST(CountryTableInKernel, TakesTheLongestPrefixOfNastyTables)
{
    Probe probe;
    std::uint32_t slot = 0;
    for (const auto& prefixes : nasty_tables()) {
        slot ^= 1;
        probe.put(slot, table_of(prefixes));
        probe.control[0].geo_active = slot;
        Questions questions{{0, geo::Family::v4}, {0, geo::Family::v6}};
        for (const auto& placed : prefixes) {
            const auto range = geo::to_range(placed);
            ask_around(questions, range.first, geo::family_of(placed.prefix));
            ask_around(questions, range.last, geo::family_of(placed.prefix));
        }
        expect_agreement(probe, questions, [&](const Question& question) {
            geo::PlacedPrefix longest{};
            for (const auto& placed : prefixes) {
                const auto [first, last, country] = geo::to_range(placed);
                if (geo::family_of(placed.prefix) == question.family && first <= question.address &&
                    question.address <= last && longest.prefix.bits <= placed.prefix.bits) {
                    longest = placed;
                }
            }
            return std::uint32_t{longest.country.number()};
        });
        ASSERT_FALSE(testing::Test::HasFailure()) << prefixes.size() << " prefixes";
    }
}

const Questions kOneOfEach{{0xcb007107U, kFamilies[0]}, {AddressNumber{0x20010db8U} << 96 | 7, kFamilies[1]}};

geo::CountryTable everybody_in(std::uint8_t country)
{
    return table_of({{*IpPrefix::parse("203.0.113.7"), Country(country)},
                     {*IpPrefix::parse("2001:db8::7"), Country(country)}});
}

TEST(CountryTableInKernel, ReadsTheActiveSlotOnly)
{
    Probe probe;
    EXPECT_EQ(probe.ask(kOneOfEach), (Answers{0, 0})) << "no table yet";
    probe.put(1, everybody_in(2));
    EXPECT_EQ(probe.ask(kOneOfEach), (Answers{0, 0})) << "the other slot has one";
    probe.put(0, everybody_in(1));
    for (const std::uint32_t generation : {0U, 1U, 2U, 3U, 1U, 1'000'000U, ~0U}) {
        const auto slot = generation % 2;
        probe.control[0].geo_active = generation;
        EXPECT_EQ(probe.ask(kOneOfEach), (Answers{1 + slot, 1 + slot})) << generation;
    }
    probe.control[0].geo_active = 1;
    check(bpf_map_delete_elem(probe.geo_fd(), &probe.control[0].geo_active), "emptying a slot");
    EXPECT_EQ(probe.ask(kOneOfEach), (Answers{0, 0})) << "emptied";
}

// Whoever asks while the daemon puts tables in force meets one of them, never none.
TEST(CountryTableInKernel, IsOneTableOrTheOtherWhileTheyAreSwapped)
{
    Probe probe;
    dataplane::GeoTables tables(probe.geo_fd(), probe.control[0]);
    ASSERT_TRUE(tables.put_in_force(good(dataplane::stage_table(everybody_in(1), {}))));
    const Questions questions(20'000, kOneOfEach[1]); // each call of ask takes milliseconds by itself
    std::atomic<bool> done = false;
    auto swapping = std::async(std::launch::async, [&] {
        for (std::uint8_t i = 0; i < 60; ++i) {
            EXPECT_TRUE(tables.put_in_force(good(dataplane::stage_table(everybody_in(2 - i % 2), {}))));
        }
        done = true;
    });
    std::array<std::size_t, 3> met{};
    while (!done) {
        for (const auto answer : probe.ask(questions)) {
            ++met.at(answer);
        }
    }
    EXPECT_EQ(met[0], 0U);
    EXPECT_GT(met[1], 0U);
    EXPECT_GT(met[2], 0U);
}

} // namespace
} // namespace meetfence::test
