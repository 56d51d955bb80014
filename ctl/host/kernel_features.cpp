// SPDX-License-Identifier: Apache-2.0
#include "ctl/host/kernel_features.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <linux/btf.h>
#include <linux/if_link.h>
#include <sched.h>
#include <span>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "pins/egress_pin.h"
#include "pins/unique_fd.h"

namespace meetfence::host {
namespace {

constexpr int kLoopback = 1; // its index in every network namespace
constexpr __u32 kPage = 4096;
constexpr __s32 kXdpPass = 2;
constexpr __s32 kTcPass = 0;

using Code = std::vector<bpf_insn>;

constexpr bpf_insn set_r0(__s32 value)
{
    return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value};
}
constexpr bpf_insn call_helper(__s32 number)
{
    return {.code = BPF_JMP | BPF_CALL, .imm = number};
}
constexpr bpf_insn call_function(__s32 distance)
{
    return {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = distance};
}
constexpr bpf_insn kExit{.code = BPF_JMP | BPF_EXIT};

int error_of(int result)
{
    return result < 0 ? (result == -1 ? errno : -result) : 0;
}

UniqueFd load(bpf_prog_type type, const Code& code, __u32 flags = 0)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags);
    return UniqueFd(bpf_prog_load(type, "mf_doctor", "Dual BSD/GPL", code.data(), code.size(), &opts));
}

Code passing(__s32 verdict)
{
    return {set_r0(verdict), kExit};
}

int try_program(bpf_prog_type type, const Code& code, __u32 flags = 0)
{
    return load(type, code, flags) ? 0 : errno;
}

int try_clock(bpf_func_id helper)
{
    return try_program(BPF_PROG_TYPE_XDP, {call_helper(static_cast<__s32>(helper)), set_r0(kXdpPass), kExit});
}

int try_jit()
{
    const auto program = load(BPF_PROG_TYPE_XDP, passing(kXdpPass));
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) {
        return errno;
    }
    return info.jited_prog_len > 0 ? 0 : EOPNOTSUPP;
}

// `int f(void)`, a global function that a program calls: the verifier takes its types from BTF.
int try_global_function()
{
    struct Types {
        btf_header header{.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(btf_header)};
        btf_type integer{.name_off = 1, .info = BTF_KIND_INT << 24, .size = 4};
        __u32 encoding = BTF_INT_SIGNED << 24 | 32;
        btf_type prototype{.info = BTF_KIND_FUNC_PROTO << 24, .type = 1};
        btf_type function{.name_off = 5, .info = BTF_KIND_FUNC << 24 | BTF_FUNC_GLOBAL, .type = 2};
        std::array<char, 8> names{'\0', 'i', 'n', 't', '\0', 'f', '\0'};
    } types;
    types.header.type_len = offsetof(Types, names) - sizeof(btf_header);
    types.header.str_off = types.header.type_len;
    types.header.str_len = sizeof(types.names) - 1;
    const UniqueFd btf(
        bpf_btf_load(&types, sizeof(btf_header) + types.header.type_len + types.header.str_len, nullptr));
    if (!btf) {
        return errno;
    }
    const Code code{call_function(1), kExit, set_r0(kXdpPass), kExit};
    const std::array<bpf_func_info, 2> functions{{{0, 3}, {2, 3}}};
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_btf_fd = static_cast<__u32>(btf.get()),
                .func_info = functions.data(), .func_info_cnt = functions.size(),
                .func_info_rec_size = sizeof(bpf_func_info));
    return error_of(UniqueFd(bpf_prog_load(BPF_PROG_TYPE_XDP, "mf_doctor", "Dual BSD/GPL", code.data(),
                                           code.size(), &opts))
                        .get());
}

int try_test_run()
{
    const auto program = load(BPF_PROG_TYPE_XDP, passing(kXdpPass));
    std::array<std::byte, 64> frame{};
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data(), .data_size_in = frame.size(), .repeat = 1);
    if (!program || bpf_prog_test_run_opts(program.get(), &opts) != 0) {
        return errno;
    }
    return opts.retval == static_cast<__u32>(kXdpPass) ? 0 : EPROTO;
}

UniqueFd create_map(bpf_map_type type, __u32 key, __u32 value, __u32 entries, __u32 flags = 0, int inner = 0)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = static_cast<__u32>(inner), .map_flags = flags);
    return UniqueFd(bpf_map_create(type, "mf_doctor", key, value, entries, &opts));
}

int try_map(bpf_map_type type, __u32 key, __u32 value, __u32 entries, __u32 flags = 0)
{
    return create_map(type, key, value, entries, flags) ? 0 : errno;
}

int try_mapped_array()
{
    const auto map = create_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
    if (!map) {
        return errno;
    }
    void* memory = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, map.get(), 0);
    if (memory == MAP_FAILED) {
        return errno;
    }
    munmap(memory, kPage);
    return 0;
}

// As the country tables are: an inner map may have another size than the one it is described by.
int try_array_of_maps()
{
    constexpr __u32 kFlags = BPF_F_MMAPABLE | BPF_F_INNER_MAP;
    const auto like = create_map(BPF_MAP_TYPE_ARRAY, 4, kPage, 1, kFlags);
    const auto larger = create_map(BPF_MAP_TYPE_ARRAY, 4, kPage, 2, kFlags);
    if (!like || !larger) {
        return errno;
    }
    const auto outer = create_map(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, like.get());
    const __u32 key = 0;
    const int value = larger.get();
    return outer && bpf_map_update_elem(outer.get(), &key, &value, 0) == 0 ? 0 : errno;
}

int try_xdp_link()
{
    const auto program = load(BPF_PROG_TYPE_XDP, passing(kXdpPass));
    if (!program) {
        return errno;
    }
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
    return error_of(UniqueFd(bpf_link_create(program.get(), kLoopback, BPF_XDP, &opts)).get());
}

int try_tcx()
{
    const auto program = load(BPF_PROG_TYPE_SCHED_CLS, passing(kTcPass));
    if (!program) {
        return errno;
    }
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = pins::kTcxBefore);
    return error_of(UniqueFd(bpf_link_create(program.get(), kLoopback, pins::kTcxEgress, &opts)).get());
}

int try_clsact()
{
    const auto program = load(BPF_PROG_TYPE_SCHED_CLS, passing(kTcPass));
    if (!program) {
        return errno;
    }
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = kLoopback, .attach_point = BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program.get());
    if (const int error = bpf_tc_hook_create(&hook); error != 0) {
        return -error;
    }
    return -bpf_tc_attach(&hook, &filter);
}

int attempt(Feature feature)
{
    constexpr __u32 kKey = 4;
    constexpr __u32 kPrefixKey = 8; // length and four bytes
    switch (feature) {
    case Feature::xdp_program:
        return try_program(BPF_PROG_TYPE_XDP, passing(kXdpPass));
    case Feature::tc_program:
        return try_program(BPF_PROG_TYPE_SCHED_CLS, passing(kTcPass));
    case Feature::jit:
        return try_jit();
    case Feature::global_function:
        return try_global_function();
    case Feature::boot_clock:
        return try_clock(BPF_FUNC_ktime_get_boot_ns);
    case Feature::coarse_clock:
        return try_clock(BPF_FUNC_ktime_get_coarse_ns);
    case Feature::test_run:
        return try_test_run();
    case Feature::frags:
        return try_program(BPF_PROG_TYPE_XDP, passing(kXdpPass), BPF_F_XDP_HAS_FRAGS);
    case Feature::array:
        return try_mapped_array();
    case Feature::percpu_array:
        return try_map(BPF_MAP_TYPE_PERCPU_ARRAY, kKey, 8, 1);
    case Feature::hash:
        return try_map(BPF_MAP_TYPE_HASH, kKey, 8, 1, BPF_F_NO_PREALLOC);
    case Feature::lru_hash:
        return try_map(BPF_MAP_TYPE_LRU_HASH, kKey, 8, 1);
    case Feature::lpm_trie:
        return try_map(BPF_MAP_TYPE_LPM_TRIE, kPrefixKey, 4, 1, BPF_F_NO_PREALLOC);
    case Feature::array_of_maps:
        return try_array_of_maps();
    case Feature::ring_buffer:
        return try_map(BPF_MAP_TYPE_RINGBUF, 0, 0, kPage);
    case Feature::xdp_link:
        return try_xdp_link();
    case Feature::tcx:
        return try_tcx();
    case Feature::clsact:
        return try_clsact();
    case Feature::count:
        break;
    }
    return kNotTried;
}

// What the child does; each answer is written at once, so that those before a crash are known.
void attempt_all(int answers)
{
    libbpf_set_print(nullptr);
    const int no_namespace = unshare(CLONE_NEWNET) == 0 ? 0 : errno;
    for (std::size_t i = 0; i < kFeatures; ++i) {
        const auto feature = static_cast<Feature>(i);
        const int error = feature >= Feature::xdp_link && no_namespace != 0 ? no_namespace : attempt(feature);
        if (write(answers, &error, sizeof(error)) != static_cast<ssize_t>(sizeof(error))) {
            return;
        }
    }
}

} // namespace

KernelFeatures try_kernel_features()
{
    KernelFeatures features{};
    features.errors.fill(kNotTried);
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
        return features;
    }
    const UniqueFd from_child(ends[0]);
    UniqueFd to_parent(ends[1]);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        attempt_all(to_parent.get());
        _exit(0);
    }
    to_parent = UniqueFd();
    if (child < 0) {
        return features;
    }
    for (auto& error : features.errors) {
        int answer = 0;
        if (read(from_child.get(), &answer, sizeof(answer)) != static_cast<ssize_t>(sizeof(answer))) {
            break;
        }
        error = answer;
    }
    waitpid(child, nullptr, 0);
    return features;
}

} // namespace meetfence::host
