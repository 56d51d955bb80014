// SPDX-License-Identifier: Apache-2.0
// What the facts about a host mean. Pure: nothing here looks at the host.
#pragma once

#include <string>

#include "ctl/finding.h"
#include "ctl/host/host.h"
#include "ctl/host/interface.h"
#include "ctl/host/kernel_features.h"
#include "model/json.h"

namespace meetfence::ctl {

[[nodiscard]] Findings judge_kernel(const host::KernelFeatures& features, const host::HostFacts& host);
[[nodiscard]] Findings judge_host(const host::HostFacts& host, const std::string& bpf_dir);
/// `status` is the interface's entry in `interfaces` of GET /v1/status; null where none tells of it.
[[nodiscard]] Findings judge_interface(const host::InterfaceFacts& facts, const Json& status,
                                       const host::HostFacts& host);

} // namespace meetfence::ctl
