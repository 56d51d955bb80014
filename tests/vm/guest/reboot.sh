#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The second boot: rules are restored, and in force before anything serves.
set -u
# shellcheck source=tests/vm/guest/checks.sh
. /run/vm/checks.sh

check "active after a boot" "$(systemctl is-active meetfenced)" active
check "in force before the network serves" "$(grep -o 'prog/xdp' /run/seen-by-server)" prog/xdp
check "the rule is active" "$(meetfencectl rule list | grep -c active)" 1
serve
check_traffic "a country is kept out after a boot" "$filter_works"
check "units that failed" "$(systemctl --failed --no-legend)" ""
