// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/dispatcher.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/dataplane/dispatcher_copy.h"
#include "daemon/dataplane/kernel_error.h"
#include "pins/dispatched.h"

namespace meetfence::dataplane {
namespace {

using pins::Path;

struct Close {
    void operator()(xdp_multiprog* programs) const { xdp_multiprog__close(programs); }
};
using Programs = std::unique_ptr<xdp_multiprog, Close>;

// Empty where nothing runs.
Result<Programs> open_programs(const std::string& interface, unsigned ifindex, const XdpWords& words)
{
    auto* programs = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
    const auto error = static_cast<int>(-libxdp_get_error(programs));
    if (error == ENOENT) {
        return Programs();
    }
    if (error != 0) {
        return words.failed("asking for the XDP programs of interface " + interface, error);
    }
    return Programs(programs);
}

bool is_dispatcher(const Programs& programs)
{
    return programs != nullptr && !xdp_multiprog__is_legacy(programs.get());
}

std::vector<xdp_program*> ours_among(const Programs& programs, const std::set<__u32>& control_maps)
{
    std::vector<xdp_program*> ours;
    for (auto* program = xdp_multiprog__next_prog(nullptr, programs.get()); program != nullptr;
         program = xdp_multiprog__next_prog(program, programs.get())) {
        if (pins::is_ours(pins::program_details(xdp_program__fd(program)), control_maps)) {
            ours.push_back(program);
        }
    }
    return ours;
}

Result<> take_out(const std::string& interface, unsigned ifindex, std::vector<xdp_program*> ours,
                  xdp_attach_mode mode, const XdpWords& words)
{
    if (ours.empty()) {
        return {};
    }
    const int error =
        -xdp_program__detach_multi(ours.data(), ours.size(), static_cast<int>(ifindex), mode, 0);
    if (error != 0) {
        return words.failed("taking the program out of the dispatcher of interface " + interface, error);
    }
    return {};
}

// Where libxdp itself looks.
Path libxdp_folder()
{
    const char* mount = std::getenv(XDP_BPFFS_ENVVAR);
    return Path(mount != nullptr ? mount : "/sys/fs/bpf") / "xdp";
}

// Before the program gets into a dispatcher: from then on it is known as ours. Returns the pin.
Result<Path> mark(const std::string& interface, int program_fd, const Path& bpf_dir, const XdpWords& words)
{
    const auto maps = TRY(maps_of(program_fd, words));
    const auto control = maps.find("control");
    bpf_map_info info{};
    __u32 size = sizeof(info);
    if (control == maps.end() || bpf_obj_get_info_by_fd(control->second.get(), &info, &size) != 0) {
        return kernel_error("asking for the program's maps");
    }
    std::error_code error;
    const auto folder = pins::dispatched(bpf_dir, interface);
    std::filesystem::create_directories(folder, error);
    std::filesystem::remove(pins::libxdp(bpf_dir), error);
    std::filesystem::create_symlink(libxdp_folder(), pins::libxdp(bpf_dir), error);
    auto pin = folder / std::to_string(info.id);
    if (error || (bpf_obj_pin(control->second.get(), pin.c_str()) != 0 && errno != EEXIST)) {
        return kernel_error("pinning what marks the program of interface " + interface,
                            error ? error.value() : errno);
    }
    return pin;
}

void unmark(const std::string& interface, const Path& bpf_dir)
{
    std::error_code error;
    std::filesystem::remove_all(pins::dispatched(bpf_dir, interface), error);
    if (std::filesystem::remove(pins::dispatched(bpf_dir), error)) { // stays where another is in it
        std::filesystem::remove(pins::libxdp(bpf_dir), error);
    }
}

void unpin_ours(const Path& dispatcher, const std::set<__u32>& control_maps)
{
    for (const auto& pin : pins::ours_in(dispatcher, control_maps)) {
        auto link = pin.string();
        link.replace(link.rfind("-prog"), std::string::npos, "-link");
        unlink(link.c_str());
        unlink(pin.c_str());
    }
    std::error_code error;
    std::filesystem::remove(dispatcher, error); // stays where another's pin is in it
}

struct Pinned {
    Path path;
    unsigned ifindex = 0, id = 0;
};

// Those that call a program of ours, or did.
std::vector<Pinned> pinned_dispatchers(const Path& bpf_dir, const std::set<__u32>& control_maps)
{
    std::vector<Pinned> pinned;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(pins::libxdp(bpf_dir), error)) {
        Pinned each{entry.path()};
        if (sscanf(entry.path().filename().c_str(), "dispatch-%u-%u", &each.ifindex, &each.id) == 2 &&
            !pins::ours_in(each.path, control_maps).empty()) {
            pinned.push_back(std::move(each));
        }
    }
    return pinned;
}

std::string name_of(unsigned ifindex)
{
    std::array<char, IF_NAMESIZE> name{};
    return if_indextoname(ifindex, name.data()) == nullptr ? std::string() : name.data();
}

bool is_in_force(const Pinned& pinned)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    return bpf_xdp_query(static_cast<int>(pinned.ifindex), 0, &query) == 0 &&
           (query.drv_prog_id == pinned.id || query.skb_prog_id == pinned.id);
}

// What somebody is putting in force at this moment is pinned just before.
bool is_old(const Path& path)
{
    constexpr time_t kOldSeconds = 60;
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && time(nullptr) - info.st_mtime > kOldSeconds;
}

// libxdp's pins of a dispatcher that went with its interface, or was never put in force since somebody
// died, hold programs and maps for ever.
void drop_leftovers(const Path& bpf_dir)
{
    const auto control_maps = pins::control_maps(bpf_dir);
    for (const auto& pinned : pinned_dispatchers(bpf_dir, control_maps)) {
        if (!is_in_force(pinned) && (name_of(pinned.ifindex).empty() || is_old(pinned.path))) {
            unpin_ours(pinned.path, control_maps);
        }
    }
}

// What marks maps that leftovers still use is kept, to know them by.
void unmark_all_but(const Path& pin, const Path& bpf_dir)
{
    const auto dispatchers = pinned_dispatchers(bpf_dir, pins::control_maps(bpf_dir));
    std::error_code error;
    for (const auto& other : std::filesystem::directory_iterator(pin.parent_path(), error)) {
        const std::set<__u32> map{
            static_cast<__u32>(std::strtoul(other.path().filename().c_str(), nullptr, 10))};
        const bool used = std::ranges::any_of(
            dispatchers, [&map](const Pinned& each) { return !pins::ours_in(each.path, map).empty(); });
        if (other.path() != pin && !used) {
            unlink(other.path().c_str());
        }
    }
}

Result<> put_in(const std::string& interface, unsigned ifindex, const DispatcherCopy& copy,
                xdp_attach_mode mode, const XdpWords& words)
{
    const int error = -xdp_program__attach(copy.get(), static_cast<int>(ifindex), mode, 0);
    if (error == 0) {
        return {};
    }
    auto failed = words.failed("putting the program into the dispatcher of interface " + interface, error);
    if (error == EOPNOTSUPP || error == EINVAL) {
        failed.value().message +=
            R"(; a dispatcher wants native XDP: where the driver has none, "mode": "generic" works without one)";
    }
    return failed;
}

} // namespace

Result<OnInterface> look_at(const std::string& interface, unsigned ifindex, const Path& bpf_dir)
{
    const XdpWords words;
    const auto programs = TRY(open_programs(interface, ifindex, words));
    if (!programs) {
        return OnInterface::nothing;
    }
    const auto* main_program = xdp_multiprog__main_prog(programs.get());
    if (!is_dispatcher(programs) && main_program != nullptr &&
        std::string_view(xdp_program__name(main_program)) == "xdp_dispatcher") {
        return fail(ErrorCode::conflict, "interface " + interface + " runs a dispatcher (id " +
                                             std::to_string(xdp_program__id(main_program)) +
                                             ") that libxdp does not find in " + libxdp_folder().string() +
                                             ": it was made where another file system is mounted there, or "
                                             "with another LIBXDP_BPFFS");
    }
    if (!is_dispatcher(programs)) {
        return OnInterface::other;
    }
    const auto ours = ours_among(programs, pins::control_maps(bpf_dir));
    return static_cast<int>(ours.size()) == xdp_multiprog__program_count(programs.get())
               ? OnInterface::dispatcher_for_us_alone
               : OnInterface::dispatcher;
}

Result<bool> join_dispatcher(const std::string& interface, unsigned ifindex, int program_fd,
                             const Path& bpf_dir, const std::function<void()>& make_room)
{
    const XdpWords words;
    const auto present = TRY(open_programs(interface, ifindex, words));
    const auto mode = is_dispatcher(present) ? xdp_multiprog__attach_mode(present.get()) : XDP_MODE_NATIVE;
    auto older = ours_among(present, pins::control_maps(bpf_dir));
    const bool was_in = !older.empty();
    bool is_in = false;
    for (auto it = older.begin(); it != older.end() && !is_in;) {
        is_in = TRY(judge_alike(program_fd, xdp_program__fd(*it), words));
        it = is_in ? older.erase(it) : std::next(it);
    }
    const auto pin = TRY(mark(interface, program_fd, bpf_dir, words));
    if (!is_in) {
        const auto copy = DispatcherCopy::load(program_fd, words);
        auto done = copy ? Result<>() : fail(copy.error());
        if (copy) {
            make_room();
            done = put_in(interface, ifindex, *copy, mode, words);
        }
        if (!done) {
            if (!was_in) {
                unmark(interface, bpf_dir);
            }
            return fail(std::move(done).error());
        }
    }
    TRY(take_out(interface, ifindex, std::move(older), mode, words));
    drop_leftovers(bpf_dir);
    unmark_all_but(pin, bpf_dir);
    return !was_in;
}

Result<> leave_dispatcher(const std::string& interface, const Path& bpf_dir)
{
    std::error_code error;
    if (!std::filesystem::exists(pins::dispatched(bpf_dir, interface), error)) {
        return {};
    }
    const XdpWords words;
    if (const auto ifindex = if_nametoindex(interface.c_str()); ifindex != 0) {
        const auto programs = TRY(open_programs(interface, ifindex, words));
        TRY(take_out(interface, ifindex, ours_among(programs, pins::control_maps(bpf_dir)),
                     xdp_multiprog__attach_mode(programs.get()), words));
    }
    drop_leftovers(bpf_dir);
    unmark(interface, bpf_dir);
    return {};
}

Result<> leave_every_dispatcher(const Path& bpf_dir)
{
    const XdpWords words;
    const auto control_maps = pins::control_maps(bpf_dir);
    for (const auto& pinned : pinned_dispatchers(bpf_dir, control_maps)) {
        const auto interface = name_of(pinned.ifindex);
        if (!interface.empty()) {
            const auto programs = TRY(open_programs(interface, pinned.ifindex, words));
            TRY(take_out(interface, pinned.ifindex, ours_among(programs, control_maps),
                         xdp_multiprog__attach_mode(programs.get()), words));
        }
        unpin_ours(pinned.path, control_maps);
    }
    std::error_code error;
    std::filesystem::remove_all(pins::dispatched(bpf_dir), error);
    std::filesystem::remove(pins::libxdp(bpf_dir), error);
    return {};
}

} // namespace meetfence::dataplane
