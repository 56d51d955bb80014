// SPDX-License-Identifier: Apache-2.0
// A program's own function goes before that of the C library, for the libraries it links as well.
#include "tests/unit/daemon/audit/bad_disk.h"

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace meetfence::test {

Disk& disk()
{
    static Disk present;
    return present;
}

namespace {

int answer(bool fails, bool at_once, long (*call)(int, off_t), int fd, off_t length)
{
    if (fails) {
        errno = EIO;
        return -1;
    }
    return at_once ? 0 : static_cast<int>(call(fd, length));
}

} // namespace
} // namespace meetfence::test

extern "C" int fdatasync(int fd)
{
    const auto& disk = meetfence::test::disk();
    const auto call = [](int of, off_t) { return syscall(SYS_fdatasync, of); };
    return meetfence::test::answer(disk.fails_to_sync, disk.does_not_wait, call, fd, 0);
}

extern "C" int ftruncate(int fd, off_t length) noexcept
{
    const auto call = [](int of, off_t to) { return syscall(SYS_ftruncate, of, to); };
    return meetfence::test::answer(meetfence::test::disk().fails_to_cut, false, call, fd, length);
}
