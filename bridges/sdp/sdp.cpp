// SPDX-License-Identifier: Apache-2.0
#include "bridges/sdp/sdp.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace meetfence::bridges {
namespace {

constexpr std::size_t kMostSections = 1024;
constexpr std::size_t kMostCandidates = 64; // of a section: a host has few addresses

std::string_view next_line(std::string_view& text)
{
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

std::vector<std::string_view> words(std::string_view text)
{
    std::vector<std::string_view> result;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(" \r\n"), text.size());
        if (end > 0) {
            result.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

std::optional<std::uint16_t> port_of(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
    return error == std::errc() && end == text.end() && port > 0 ? std::optional(port) : std::nullopt;
}

std::string_view extension(const std::vector<std::string_view>& words, std::string_view name)
{
    for (std::size_t i = 6; i + 1 < words.size(); i += 2) { // after the six fixed ones, in pairs
        if (words[i] == name) {
            return words[i + 1];
        }
    }
    return {};
}

bool is_rejected(std::string_view media) // "video 0 UDP/TLS/RTP/SAVPF 96", RFC 3264 section 6
{
    const auto parts = words(media);
    return parts.size() < 2 || parts[1] == "0";
}

// What stands before the first m= is for every section.
struct Reader {
    Sdp sdp;
    IceSection session;
    bool in_media = false, skipped = false;

    IceSection& section() { return in_media ? sdp.sections.back() : session; }

    void begin_media(std::string_view media)
    {
        in_media = true;
        skipped = is_rejected(media) || sdp.sections.size() >= kMostSections;
        if (!skipped) {
            sdp.sections.push_back(session);
        }
    }

    void attribute(std::string_view text)
    {
        constexpr std::string_view kUfrag = "ice-ufrag:", kCandidate = "candidate:";
        if (skipped) {
            return;
        }
        if (text.starts_with(kUfrag)) {
            const auto ufrag = text.substr(kUfrag.size()); // each section has a copy of the session's
            section().ufrag = check_ufrag(ufrag) ? ufrag : std::string_view();
        } else if (text.starts_with(kCandidate) && section().endpoints.size() < kMostCandidates) {
            if (const auto endpoint = parse_candidate(text)) {
                section().endpoints.push_back(*endpoint);
            }
        }
    }
};

std::vector<Endpoint> endpoints_of(const Sdp& sdp, const IceSection& section, const LocalAddresses& addresses)
{
    if (!addresses.instead.empty()) {
        return addresses.instead;
    }
    auto result = section.endpoints;
    if (result.empty()) {
        const auto same = std::ranges::find_if(sdp.sections, [&](const IceSection& other) {
            return other.ufrag == section.ufrag && !other.endpoints.empty();
        });
        result = same == sdp.sections.end() ? result : same->endpoints;
    }
    for (auto& endpoint : result) {
        endpoint.address = addresses.any ? std::nullopt : endpoint.address;
    }
    return result;
}

} // namespace

Result<Sdp> parse_sdp(std::string_view text)
{
    if (text.size() > kLongestSdp) {
        return fail(ErrorCode::invalid, "a session description of more than 1 MiB");
    }
    if (!text.starts_with("v=0")) {
        return fail(ErrorCode::invalid, "this is no session description: it does not begin with v=0");
    }
    Reader reader;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (line.starts_with("s=") && !reader.in_media) {
            reader.sdp.session_name = line.substr(2);
        } else if (line.starts_with("m=")) {
            reader.begin_media(line.substr(2));
        } else if (line.starts_with("a=")) {
            reader.attribute(line.substr(2));
        }
    }
    return std::move(reader.sdp);
}

Result<Endpoint> parse_candidate(std::string_view text)
{
    const auto given = words(text); // foundation component transport priority address port typ …
    if (given.size() < 8 || given[6] != "typ") {
        return fail(ErrorCode::invalid, "this is no ICE candidate");
    }
    const auto type = given[7];
    const bool reflexive = type == "srflx" || type == "prflx";
    if (type != "host" && !reflexive) {
        return fail(ErrorCode::invalid, "a candidate that is not reached at this host");
    }
    const auto address = IpAddress::parse(reflexive ? extension(given, "raddr") : given[4]);
    const auto port = port_of(reflexive ? extension(given, "rport") : given[5]);
    const bool tcp = given[2] == "tcp" || given[2] == "TCP";
    if (!address || !port || (!tcp && given[2] != "udp" && given[2] != "UDP")) {
        return fail(ErrorCode::invalid, "a candidate without address and port");
    }
    if (tcp && extension(given, "tcptype") == "active") { // RFC 6544: its port is 9, and nobody listens
        return fail(ErrorCode::invalid, "a candidate that only connects");
    }
    return Endpoint{tcp ? Transport::tcp : Transport::udp, *address, *port, *port};
}

std::vector<UfragBinding> bindings_of(const Sdp& sdp, const LocalAddresses& addresses)
{
    std::vector<UfragBinding> result;
    for (const auto& section : sdp.sections) {
        if (!check_ufrag(section.ufrag)) {
            continue;
        }
        for (const auto& endpoint : endpoints_of(sdp, section, addresses)) {
            if (result.size() < kMostBindings) {
                result.push_back({endpoint, section.ufrag});
            }
        }
    }
    std::ranges::sort(result);
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

} // namespace meetfence::bridges
