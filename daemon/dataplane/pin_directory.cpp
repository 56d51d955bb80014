// SPDX-License-Identifier: Apache-2.0
#include "daemon/dataplane/pin_directory.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/dataplane/kernel_error.h"

namespace meetfence::dataplane {
namespace {

Result<> check_is_bpffs(const pins::Path& directory)
{
    struct statfs info {};
    if (statfs(directory.c_str(), &info) != 0) {
        return kernel_error("bpf_dir: " + directory.string());
    }
    if (static_cast<unsigned long>(info.f_type) != BPF_FS_MAGIC) {
        return fail(ErrorCode::invalid,
                    "bpf_dir: " + directory.string() +
                        " is not on a BPF file system: `mount -t bpf bpf /sys/fs/bpf` mounts one");
    }
    return {};
}

} // namespace

Result<> prepare_pin_directory(const pins::Path& bpf_dir)
{
    constexpr mode_t kOwnerOnly = 0700;
    struct stat info {};
    if (lstat(bpf_dir.c_str(), &info) != 0) {
        TRY(check_is_bpffs(bpf_dir.parent_path()));
        if (mkdir(bpf_dir.c_str(), kOwnerOnly) != 0 || lstat(bpf_dir.c_str(), &info) != 0) {
            return kernel_error("making bpf_dir " + bpf_dir.string());
        }
    }
    if (!S_ISDIR(info.st_mode)) {
        return fail(ErrorCode::invalid, "bpf_dir: " + bpf_dir.string() + " is not a directory");
    }
    TRY(check_is_bpffs(bpf_dir));
    if (info.st_uid != geteuid()) {
        return fail(ErrorCode::invalid, "bpf_dir: " + bpf_dir.string() + " belongs to uid " +
                                            std::to_string(info.st_uid) + ", not to uid " +
                                            std::to_string(geteuid()) +
                                            " that the daemon runs as: remove it, or change its owner");
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(ErrorCode::invalid,
                    "bpf_dir: " + bpf_dir.string() +
                        " can be written by others, who could plant a program in it: chmod 0700");
    }
    return {};
}

Result<> replace_pins(const pins::Path& from, const pins::Path& to)
{
    std::error_code error;
    const auto old = pins::Path(to.string() + "_old");
    std::filesystem::remove_all(old, error);
    if (std::filesystem::exists(to, error)) {
        std::filesystem::rename(to, old, error);
    }
    std::filesystem::rename(from, to, error);
    if (error) {
        return fail(ErrorCode::internal,
                    "renaming " + from.string() + " to " + to.string() + ": " + error.message());
    }
    std::filesystem::remove_all(old, error);
    return {};
}

} // namespace meetfence::dataplane
