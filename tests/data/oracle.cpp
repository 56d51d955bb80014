// SPDX-License-Identifier: Apache-2.0
// A second opinion on a country database, by libmaxminddb's own look-up:
//   oracle FILE lookup   addresses on stdin, answered "IP CC", `--` for no country
//   oracle FILE edges    the first and the last address of every network, IPv4 by its own spelling
#include <arpa/inet.h>
#include <maxminddb.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <set>
#include <string>

namespace {

using Address = std::array<std::uint8_t, 16>;

[[noreturn]] void die(const std::string& what)
{
    std::cerr << "oracle: " << what << '\n';
    std::exit(1);
}

// Where the IPv4 tree is seen a second time, or an IPv4 address is carried inside: no country.
bool is_ipv4_alias(const std::string& text)
{
    Address bytes{};
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
        return false;
    }
    static constexpr Address mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static constexpr Address compatible{};
    const bool six_to_four = bytes[0] == 0x20 && bytes[1] == 0x02;
    const bool teredo = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0;
    return six_to_four || teredo || std::memcmp(bytes.data(), mapped.data(), 12) == 0 ||
           std::memcmp(bytes.data(), compatible.data(), 12) == 0;
}

bool text_at(MMDB_entry_s entry, const char* const* path, std::string& out)
{
    MMDB_entry_data_s data{};
    if (MMDB_aget_value(&entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING) {
        return false;
    }
    out.assign(data.utf8_string, data.data_size);
    return true;
}

std::string country(const MMDB_s& database, const std::string& address)
{
    // AN, the Netherlands Antilles, has been no country of ISO 3166-1 since 2010.
    static const std::set<std::string> none{"", "--", "EU", "AP", "A1", "A2", "O1", "ZZ", "XX", "AN"};
    static constexpr const char* iso[] = {"country", "iso_code", nullptr};
    static constexpr const char* code[] = {"country_code", nullptr};
    static constexpr const char* flat[] = {"country", nullptr};
    int address_error = 0;
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_string(&database, address.c_str(), &address_error, &error);
    if (address_error != 0 || error != MMDB_SUCCESS) {
        die("cannot look up " + address);
    }
    std::string text;
    if (!found.found_entry || is_ipv4_alias(address) ||
        !(text_at(found.entry, iso, text) || text_at(found.entry, code, text) ||
          text_at(found.entry, flat, text)) ||
        none.contains(text)) {
        return "--";
    }
    return text;
}

void print(const Address& address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    static constexpr Address zero{};
    if (std::memcmp(address.data(), zero.data(), 12) == 0) {
        inet_ntop(AF_INET, address.data() + 12, text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    }
    std::puts(text.data());
}

void print_network(Address first, unsigned bits)
{
    print(first);
    for (unsigned bit = bits; bit < 128; ++bit) {
        first[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    }
    print(first);
}

void walk(const MMDB_s& database, std::uint32_t number, Address address, unsigned depth);

void follow(const MMDB_s& database, std::uint8_t type, std::uint64_t record, const Address& address,
            unsigned depth)
{
    if (type == MMDB_RECORD_TYPE_DATA) {
        print_network(address, depth);
    } else if (type == MMDB_RECORD_TYPE_SEARCH_NODE) {
        // An alias leads back to the IPv4 tree, whose own place is ::/96.
        const bool own_place = depth == 96 && address == Address{};
        if (record == database.ipv4_start_node.node_value && !own_place) {
            return;
        }
        walk(database, static_cast<std::uint32_t>(record), address, depth);
    }
}

void walk(const MMDB_s& database, std::uint32_t number, Address address, unsigned depth)
{
    MMDB_search_node_s node{};
    if (depth >= 128 || MMDB_read_node(&database, number, &node) != MMDB_SUCCESS) {
        die("the tree is broken");
    }
    follow(database, node.left_record_type, node.left_record, address, depth + 1);
    address[depth / 8] |= static_cast<std::uint8_t>(0x80U >> (depth % 8));
    follow(database, node.right_record_type, node.right_record, address, depth + 1);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) {
        die("usage: oracle FILE lookup|edges");
    }
    MMDB_s database{};
    if (const int error = MMDB_open(argv[1], MMDB_MODE_MMAP, &database); error != MMDB_SUCCESS) {
        die(std::string(argv[1]) + ": " + MMDB_strerror(error));
    }
    if (std::string(argv[2]) == "edges") {
        walk(database, 0, {}, database.metadata.ip_version == 4 ? 96 : 0);
    } else {
        for (std::string line; std::getline(std::cin, line);) {
            std::cout << line << ' ' << country(database, line) << '\n';
        }
    }
    MMDB_close(&database);
}
