// SPDX-License-Identifier: Apache-2.0
#include "ctl/host/interface.h"

#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "pins/egress_pin.h"
#include "pins/unique_fd.h"

namespace meetfence::host {
namespace {

// The kernel's old way to ask drivers; it needs no permission.
class Ethtool {
public:
    explicit Ethtool(const std::string& name) : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        name.copy(request_.ifr_name, IFNAMSIZ - 1);
    }

    bool ask(void* question)
    {
        request_.ifr_data = static_cast<char*>(question);
        return ioctl(socket_.get(), SIOCETHTOOL, &request_) == 0;
    }
    [[nodiscard]] bool is_up()
    {
        return ioctl(socket_.get(), SIOCGIFFLAGS, &request_) == 0 && (request_.ifr_flags & IFF_RUNNING) != 0;
    }

private:
    UniqueFd socket_;
    ifreq request_{};
};

std::string read_driver(Ethtool& ethtool)
{
    ethtool_drvinfo info{.cmd = ETHTOOL_GDRVINFO};
    return ethtool.ask(&info) ? std::string(info.driver, strnlen(info.driver, sizeof(info.driver))) : "";
}

void read_queues(Ethtool& ethtool, InterfaceFacts& facts)
{
    ethtool_channels channels{.cmd = ETHTOOL_GCHANNELS};
    if (ethtool.ask(&channels)) {
        facts.queues = channels.combined_count + channels.rx_count;
        facts.combined_queues = channels.max_combined > 0;
        facts.most_queues = facts.combined_queues ? channels.max_combined : channels.max_rx;
    }
}

// The names of all features, which the kernel counts in the same order as their bits.
std::vector<std::string> feature_names(Ethtool& ethtool)
{
    alignas(ethtool_sset_info) std::array<__u32, sizeof(ethtool_sset_info) / sizeof(__u32) + 1>
        set_memory{}; // one length behind it
    auto* sets = reinterpret_cast<ethtool_sset_info*>(set_memory.data());
    sets->cmd = ETHTOOL_GSSET_INFO;
    sets->sset_mask = 1ULL << ETH_SS_FEATURES;
    if (!ethtool.ask(sets) || sets->sset_mask == 0) {
        return {};
    }
    const auto length = set_memory.back();
    std::vector<char> memory(sizeof(ethtool_gstrings) + std::size_t{length} * ETH_GSTRING_LEN);
    auto* strings = reinterpret_cast<ethtool_gstrings*>(memory.data());
    strings->cmd = ETHTOOL_GSTRINGS;
    strings->string_set = ETH_SS_FEATURES;
    strings->len = length;
    if (!ethtool.ask(strings)) {
        return {};
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < length; ++i) {
        const auto* name = memory.data() + sizeof(ethtool_gstrings) + i * ETH_GSTRING_LEN;
        names.emplace_back(name, strnlen(name, ETH_GSTRING_LEN));
    }
    return names;
}

void read_offloads(Ethtool& ethtool, InterfaceFacts& facts)
{
    constexpr std::size_t kBits = 32;
    const auto names = feature_names(ethtool);
    const auto blocks = (names.size() + kBits - 1) / kBits;
    std::vector<char> memory(sizeof(ethtool_gfeatures) + blocks * sizeof(ethtool_get_features_block));
    auto* features = reinterpret_cast<ethtool_gfeatures*>(memory.data());
    features->cmd = ETHTOOL_GFEATURES;
    features->size = static_cast<__u32>(blocks);
    if (names.empty() || !ethtool.ask(features)) {
        return;
    }
    facts.merges_tcp = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const bool active = (features->features[i / kBits].active >> (i % kBits) & 1U) != 0;
        if (names[i] == "rx-vlan-hw-parse") {
            facts.strips_vlan = active;
        } else if (active && (names[i] == "rx-lro" || names[i] == "rx-gro-hw")) {
            facts.merges_tcp = true;
            facts.merging = names[i];
        }
    }
}

void read_xdp(unsigned ifindex, InterfaceFacts& facts)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (bpf_xdp_query(static_cast<int>(ifindex), 0, &query) != 0) {
        facts.programs_known = false;
        return;
    }
    const bool native = query.drv_prog_id != 0 || query.hw_prog_id != 0;
    const auto id = query.drv_prog_id != 0 ? query.drv_prog_id
                    : native               ? query.hw_prog_id
                                           : query.skb_prog_id;
    if (id != 0) {
        facts.xdp = XdpProgram{id, program_name(id), native};
    }
}

// The program of a pinned link; a clsact filter's is pinned itself.
std::uint32_t pinned_program(const pins::Path& pin)
{
    const UniqueFd fd(bpf_obj_get(pin.c_str()));
    if (!fd) {
        return 0;
    }
    if (const auto program = pins::program_info(fd.get())) {
        return program->id;
    }
    bpf_link_info info{};
    __u32 size = sizeof(info);
    return bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0 ? info.prog_id : 0;
}

} // namespace

InterfaceFacts read_interface(const std::string& name, const pins::Path& bpf_dir)
{
    InterfaceFacts facts{.name = name};
    const auto ifindex = if_nametoindex(name.c_str());
    facts.exists = ifindex != 0;
    if (!facts.exists) {
        return facts;
    }
    Ethtool ethtool(name);
    facts.up = ethtool.is_up();
    facts.driver = read_driver(ethtool);
    read_queues(ethtool, facts);
    read_offloads(ethtool, facts);
    read_xdp(ifindex, facts);
    auto tc = read_tc_programs(ifindex);
    facts.programs_known = facts.programs_known && tc.has_value();
    facts.tc = tc ? *std::move(tc) : std::vector<TcProgram>{};
    facts.own_xdp = pinned_program(pins::link(bpf_dir, name));
    facts.own_egress = pinned_program(pins::egress_link(bpf_dir, name));
    return facts;
}

} // namespace meetfence::host
