// SPDX-License-Identifier: Apache-2.0
// Country of the remote address, and every country's own counters.
#include "tests/support/meeting_fixture.h"

namespace meetfence::test {
namespace {

struct ManyCells : MeetingTest {
    ManyCells() : MeetingTest({.cells = 1024}) {}
};

class Geo : public ManyCells {
protected:
    void expect(const IpAddress& remote, mf_reason reason, std::uint32_t cell)
    {
        const Bytes frame = from(remote);
        EXPECT_EQ(program.run(frame), booked(reason, frame, cell)) << remote.text();
    }
    void expect(const IpAddress& remote, mf_reason reason)
    {
        const Bytes frame = from(remote);
        EXPECT_EQ(program.run(frame), counted(reason, frame)) << remote.text();
    }
    [[nodiscard]] bool ipv4() const { return family == Family::ipv4; }
};
INSTANTIATE_TEST_SUITE_P(Everywhere, Geo, kEveryFamilyAndTransport, family_and_transport);

TEST_P(Geo, TakesTheLongestPrefix)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    // A Chinese network, in it an American one, in it a single Chinese address.
    program.place(ipv4() ? "198.18.0.0/16" : "2001:db8:7::/48", "CN");
    program.place(ipv4() ? "198.18.128.0/17" : "2001:db8:7:8000::/49", "US");
    program.place(ipv4() ? "198.18.200.1/32" : "2001:db8:7:c800::1/128", "CN");
    expect(address(ipv4() ? "198.18.127.255" : "2001:db8:7:7fff::1"), MF_DROP_COUNTRY, rule.first_cell);
    expect(address(ipv4() ? "198.18.128.0" : "2001:db8:7:8000::"), MF_COUNTRY_NOT_CONCERNED);
    expect(address(ipv4() ? "198.18.200.1" : "2001:db8:7:c800::1"), MF_DROP_COUNTRY, rule.first_cell);
    expect(address(ipv4() ? "198.18.200.2" : "2001:db8:7:c800::2"), MF_COUNTRY_NOT_CONCERNED);
    expect(address(ipv4() ? "198.19.0.0" : "2001:db8:8::"), MF_UNPLACED);
}

TEST_P(Geo, KeepsToAPrefixsFirstAndLastAddress)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    expect(address(ipv4() ? "203.0.113.0" : "2001:db8:c::"), MF_DROP_COUNTRY, rule.first_cell);
    expect(address(ipv4() ? "203.0.113.255" : "2001:db8:c:ffff:ffff:ffff:ffff:ffff"), MF_DROP_COUNTRY,
           rule.first_cell);
    expect(address(ipv4() ? "203.0.112.255" : "2001:db8:d::"), MF_UNPLACED);
}

TEST_P(Geo, ReadsTheActiveSlotOnly)
{
    const auto rule = program.add_rule(meeting, {.countries = {"CN"}});
    program.place(host.american_prefix, "CN", 1);
    expect(host.chinese, MF_DROP_COUNTRY, rule.first_cell);
    expect(host.american, MF_COUNTRY_NOT_CONCERNED);
    program.control[0].geo_active = 1; // a new database comes in force
    expect(host.chinese, MF_UNPLACED);
    expect(host.american, MF_DROP_COUNTRY, rule.first_cell);
    program.control[0].geo_active = 0;
    expect(host.chinese, MF_DROP_COUNTRY, rule.first_cell);
}

TEST_P(Geo, PassesEverybodyWithoutADatabase)
{
    program.add_rule(meeting, {.countries = {"CN"}});
    for (const auto generation : {1U, 3U, 1'000'001U}) { // the other slot is empty
        program.control[0].geo_active = generation;
        expect(host.chinese, MF_UNPLACED);
    }
}

TEST_P(Geo, CountsEachOfAllCountriesInItsOwnCell)
{
    std::vector<std::string_view> codes;
    for (unsigned number = 1; number <= country_count(); ++number) {
        codes.push_back(Country(static_cast<std::uint8_t>(number)).code());
    }
    const auto rule = program.add_rule(meeting, {.countries = codes});
    for (unsigned number = 1; number <= country_count(); ++number) {
        program.place(host.american.text(), codes[number - 1]);
        expect(host.american, MF_DROP_COUNTRY, rule.first_cell + number - 1);
    }
}

TEST_P(Geo, RanksCountriesAtTheBordersOfWords)
{
    const std::initializer_list<std::uint8_t> borders = {1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 250};
    std::vector<std::string_view> codes;
    for (const auto number : borders) {
        codes.push_back(Country(number).code());
    }
    const auto before = program.add_rule(meeting, {.countries = {Country(2).code()}});
    const auto rule = program.add_rule(meeting, {.countries = codes});
    EXPECT_EQ(rule.first_cell, before.first_cell + 1);
    std::uint32_t rank = 0;
    for (const auto number : borders) {
        program.place(host.american.text(), Country(number).code());
        expect(host.american, MF_DROP_COUNTRY, rule.first_cell + rank++);
    }
    for (const auto number :
         std::initializer_list<std::uint8_t>{3, 62, 66, 126, 130, 190, 194, 249}) { // neighbours
        program.place(host.american.text(), Country(number).code());
        expect(host.american, MF_COUNTRY_NOT_CONCERNED);
    }
}

} // namespace
} // namespace meetfence::test
