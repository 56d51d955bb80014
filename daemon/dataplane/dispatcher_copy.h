// SPDX-License-Identifier: Apache-2.0
// The program once more, as libxdp's dispatcher wants it: of the type that extends another program, over
// the maps of the copy that is loaded already.
#pragma once

#include <bpf/libbpf.h>
#include <map>
#include <memory>
#include <string>
#include <xdp/libxdp.h>

#include "model/result.h"
#include "pins/unique_fd.h"

struct meetfence_bpf;

namespace meetfence::dataplane {

/// As long as it lives, libxdp and libbpf do not write to stderr.
class XdpWords {
public:
    XdpWords();
    ~XdpWords();
    XdpWords(const XdpWords&) = delete;
    XdpWords& operator=(const XdpWords&) = delete;

    /// An errno, with what libxdp said last.
    [[nodiscard]] tl::unexpected<Error> failed(const std::string& doing, int error) const;

private:
    libbpf_print_fn_t libbpf_before_;
    libxdp_print_fn_t libxdp_before_;
};

/// The maps of a loaded program, by the names the kernel knows them by.
[[nodiscard]] Result<std::map<std::string, UniqueFd>> maps_of(int program_fd, const XdpWords& words);

/// Whether two programs judge alike: the same instructions over the same maps, with the same settings.
[[nodiscard]] Result<bool> judge_alike(int program_fd, int other_fd, const XdpWords& words);

class DispatcherCopy {
public:
    /// Of the loaded program. Nothing that packets see changes.
    [[nodiscard]] static Result<DispatcherCopy> load(int program_fd, const XdpWords& words);

    [[nodiscard]] xdp_program* get() const { return program_.get(); }

private:
    struct Destroy {
        void operator()(meetfence_bpf* skeleton) const;
        void operator()(xdp_program* program) const;
    };
    DispatcherCopy() = default;

    std::unique_ptr<meetfence_bpf, Destroy> skeleton_;
    std::unique_ptr<xdp_program, Destroy> program_;
};

} // namespace meetfence::dataplane
