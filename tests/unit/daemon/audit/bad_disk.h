// SPDX-License-Identifier: Apache-2.0
// A disk that does not do what it is told, or does so at once. The functions themselves are this program's
// own: see bad_disk.cpp.
#pragma once

namespace meetfence::test {

struct Disk {
    bool fails_to_sync = false; // fdatasync: EIO
    bool fails_to_cut = false;  // ftruncate: EIO
    bool does_not_wait = false; // fdatasync: done at once, for tests of thousands of cases
};

/// What holds for this process.
Disk& disk();

/// As it was before, once the test ends.
class WithDisk {
public:
    explicit WithDisk(const Disk& wanted) : before_(disk()) { disk() = wanted; }
    WithDisk(const WithDisk&) = delete;
    WithDisk& operator=(const WithDisk&) = delete;
    ~WithDisk() { disk() = before_; }

private:
    Disk before_;
};

} // namespace meetfence::test
