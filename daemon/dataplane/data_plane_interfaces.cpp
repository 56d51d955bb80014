// SPDX-License-Identifier: Apache-2.0
// DataPlane: on which interfaces its programs run.
#include <bpf/bpf.h>
#include <unistd.h>

#include "daemon/dataplane/attachment.h"
#include "daemon/dataplane/data_plane.h"
#include "daemon/dataplane/egress_attachment.h"
#include "daemon/dataplane/kernel_error.h"
#include "daemon/dataplane/pin_directory.h"
#include "daemon/dataplane/renamed_pins.h"
#include "pins/interface_status.h"

namespace meetfence::dataplane {

using pins::Path;

Result<std::vector<std::string>> DataPlane::attach(const Settings& settings)
{
    // What can be refused for other people's sake comes first.
    TRY(check_interfaces(settings));
    for (const auto& interface : settings.interfaces) {
        rename_pins_of(bpf_dir_, interface.name);
    }
    const bool was_sending = std::filesystem::exists(pins::egress(bpf_dir_));
    auto sending = TRY(attach_egress(settings, egress_program_fd()));
    auto attached = attach_interfaces(settings, program_fd());
    if (!attached) {
        if (!was_sending) {
            TRY(detach_egress(bpf_dir_));
        }
        return fail(std::move(attached).error());
    }
    std::ranges::move(sending.warnings, std::back_inserter(attached->warnings));
    return std::move(attached->warnings);
}

Result<std::vector<std::string>> DataPlane::go(const Settings& settings)
{
    auto warnings = TRY(attach(settings));
    if (!adopted_) {
        TRY(replace_pins(pins::new_maps(bpf_dir_), pins::maps(bpf_dir_)));
        not_in_force_yet_.reset();
    }
    const auto pin = pins::program(bpf_dir_);
    unlink(pin.c_str());
    if (bpf_obj_pin(program_fd(), pin.c_str()) != 0) {
        return kernel_error("pinning the program");
    }
    return warnings;
}

std::map<std::string, std::string> DataPlane::follow(const Settings& settings)
{
    std::map<std::string, std::string> unfiltered;
    for (const auto& interface : settings.interfaces) {
        rename_pins_of(bpf_dir_, interface.name);
        if (pins::device_of(bpf_dir_, interface.name) == 0) {
            unfiltered[interface.name] = "there is no such device now; it is awaited";
            continue;
        }
        const auto status = pins::interface_status(bpf_dir_, interface.name);
        Result<> done;
        if (!status.egress) {
            done = attach_egress_again(interface, egress_program_fd(), bpf_dir_);
        }
        if (done && status.ingress == "none") {
            done = attach_again(interface, program_fd(), bpf_dir_);
        }
        if (!done) {
            unfiltered[interface.name] = done.error().message;
        }
    }
    return unfiltered;
}

Result<> remove_from_kernel(const Path& bpf_dir)
{
    std::error_code error;
    if (!std::filesystem::exists(bpf_dir, error)) {
        return {};
    }
    TRY(detach_egress(bpf_dir)); // first: a link says where a renamed device is
    TRY(detach_interfaces(bpf_dir));
    for (const auto& entry : std::filesystem::directory_iterator(bpf_dir, error)) {
        std::filesystem::remove_all(entry.path(), error);
        if (error) {
            break;
        }
    }
    if (error) {
        return fail(ErrorCode::internal, "removing " + bpf_dir.string() + ": " + error.message());
    }
    std::filesystem::remove(bpf_dir, error); // stays, empty, where somebody else made it for us
    return {};
}

} // namespace meetfence::dataplane
