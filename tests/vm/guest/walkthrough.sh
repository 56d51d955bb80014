#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/operations.md in a fresh Debian 12: every command of its blocks "install", "start" and "first rule" is typed as it
# stands there, and the configuration is the one that it shows.
set -u
# shellcheck source=tests/vm/guest/checks.sh
. /run/vm/checks.sh
export DEBIAN_FRONTEND=noninteractive
document=/run/vm/operations.md

# The lines between ```FENCE and ```.
block() { awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```/ { inside = 0 } inside' "$document"; }

type_block() { # NAME
    local line count=0
    while IFS= read -r line; do
        check "$1: ${line#\# }" "$(status_of bash -c "${line#\# }" </dev/null)" 0
        count=$((count + 1))
    done < <(block "console $1" | grep '^# ')
    check_match "$1: it has commands" "$count" "[1-9]*"
}

provide_network
serve
cd "$(mktemp -d)" || exit 1
cp /run/vm/country.mmdb .
cp /run/vm/new.deb "./$(block "console install" | grep -o 'meetfence_[^ ]*\.deb')"
# apt wants to be asked nothing.
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/99assume-yes
type_block install
check_traffic "nobody is kept out before it is started" "$no_filter"
block "json /etc/meetfence/meetfence.json" >/etc/meetfence/meetfence.json
type_block start
check_traffic "nobody is kept out without a rule" "$no_filter"
type_block "first rule"
check_traffic "the country is kept out, the others are not" "$filter_works"
