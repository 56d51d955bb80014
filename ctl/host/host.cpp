// SPDX-License-Identifier: Apache-2.0
#include "ctl/host/host.h"

#include <cerrno>
#include <charconv>
#include <fstream>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <thread>
#include <unistd.h>

#include "pins/unique_fd.h"

namespace meetfence::host {
namespace {

std::string first_line(const std::string& path)
{
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

template <class Number> std::optional<Number> parse(std::string_view text, int base = 10)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    Number number{};
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number, base);
    return error == std::errc{} && end == text.end() ? std::optional(number) : std::nullopt;
}

std::optional<Capabilities> effective_capabilities(const std::string& process)
{
    constexpr std::string_view kLabel = "CapEff:";
    std::ifstream file("/proc/" + process + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(kLabel)) {
            return parse<Capabilities>(std::string_view(line).substr(kLabel.size()), 16);
        }
    }
    return std::nullopt;
}

bool is_bpffs(const pins::Path& path)
{
    struct statfs info {};
    return statfs(path.c_str(), &info) == 0 && static_cast<unsigned long>(info.f_type) == BPF_FS_MAGIC;
}

PinDirectory read_pin_directory(const pins::Path& bpf_dir)
{
    PinDirectory directory;
    struct stat info {};
    if (stat(bpf_dir.c_str(), &info) != 0) {
        directory.error = errno;
        directory.parent_on_bpffs = is_bpffs(bpf_dir.parent_path());
        return directory;
    }
    directory.on_bpffs = is_bpffs(bpf_dir);
    directory.uid = info.st_uid;
    directory.mode = info.st_mode & 07777U;
    return directory;
}

// "0::/system.slice/meetfenced.service" of control groups' second version; no line in the first.
std::string memory_group(int pid)
{
    constexpr std::string_view kLabel = "0::";
    std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(kLabel)) {
            return "/sys/fs/cgroup" + line.substr(kLabel.size());
        }
    }
    return {};
}

// The kernel says who listens: no file could be wrong about it.
std::optional<ProcessFacts> read_listener(const std::string& socket_path)
{
    sockaddr_un address{.sun_family = AF_UNIX};
    if (socket_path.size() >= sizeof(address.sun_path)) {
        return std::nullopt;
    }
    socket_path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    const UniqueFd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ucred listener{};
    socklen_t size = sizeof(listener);
    if (!connection ||
        connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0 || listener.pid <= 0) {
        return std::nullopt;
    }
    ProcessFacts facts{.pid = listener.pid, .uid = listener.uid};
    facts.capabilities = effective_capabilities(std::to_string(facts.pid));
    if (const auto group = memory_group(facts.pid); !group.empty()) {
        facts.memory = parse<std::uint64_t>(first_line(group + "/memory.current")).value_or(0);
        facts.most_memory = parse<std::uint64_t>(first_line(group + "/memory.max")).value_or(0);
    }
    return facts;
}

bool clock_is_synchronised()
{
    timex state{};
    return adjtimex(&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

} // namespace

HostFacts read_host(const pins::Path& bpf_dir, const std::string& socket_path)
{
    HostFacts facts{.uid = geteuid()};
    facts.capabilities = effective_capabilities("self").value_or(0);
    facts.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    facts.clock_synchronised = clock_is_synchronised();
    facts.cpus = std::max(1U, std::thread::hardware_concurrency());
    facts.jit_harden = parse<int>(first_line("/proc/sys/net/core/bpf_jit_harden"));
    facts.pins = read_pin_directory(bpf_dir);
    facts.daemon = read_listener(socket_path);
    return facts;
}

} // namespace meetfence::host
