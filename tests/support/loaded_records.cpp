// SPDX-License-Identifier: Apache-2.0
// LoadedProgram: what the program tells, and the fragments it remembers.
#include <bpf/bpf.h>

#include "meetfence.skel.h"
#include "tests/support/kernel_calls.h"
#include "tests/support/loaded_program.h"

namespace meetfence::test {

std::vector<mf_event> LoadedProgram::take_events()
{
    check(ring_buffer__consume(ring_.get()), "reading events");
    return std::exchange(events_, {});
}

std::vector<mf_sample> LoadedProgram::take_samples()
{
    check(ring_buffer__consume(sample_ring_.get()), "reading samples");
    return std::exchange(samples_, {});
}

std::vector<std::pair<mf_fragment_key, mf_fragment>> LoadedProgram::fragments() const
{
    const int map = fd(skeleton_->maps.fragments);
    std::vector<std::pair<mf_fragment_key, mf_fragment>> entries;
    mf_fragment_key key{};
    const mf_fragment_key* before = nullptr;
    while (bpf_map_get_next_key(map, before, &key) == 0) {
        mf_fragment value{};
        check(bpf_map_lookup_elem(map, &key, &value), "reading a fragment");
        entries.emplace_back(key, value);
        before = &entries.back().first;
    }
    return entries;
}

void LoadedProgram::write_fragment(const mf_fragment_key& key, const mf_fragment& value)
{
    check(bpf_map_update_elem(fd(skeleton_->maps.fragments), &key, &value, BPF_ANY), "writing a fragment");
}

void LoadedProgram::forget_fragments()
{
    for (const auto& [key, value] : fragments()) {
        check(bpf_map_delete_elem(fd(skeleton_->maps.fragments), &key), "forgetting a fragment");
    }
}

} // namespace meetfence::test
