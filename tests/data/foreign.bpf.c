// SPDX-License-Identifier: Apache-2.0
// Somebody else's XDP program: passes everything.
__attribute__((section("xdp"), used)) int foreign_pass(void* ctx)
{
    (void)ctx;
    return 2; // XDP_PASS
}
