#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/operations.md in a fresh Debian 12: every command of its blocks "install", "start" and "first rule" is typed as it
# stands there, and the configuration is the one that it shows.
set -u
# shellcheck source=tests/vm/guest/checks.sh
. /run/vm/checks.sh
export DEBIAN_FRONTEND=noninteractive
document=/run/vm/operations.md

provide_network
serve
cd "$(mktemp -d)" || exit 1
cp /run/vm/country.mmdb .
provide_package /run/vm/new.deb meetfence
# apt wants to be asked nothing.
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/99assume-yes
type_block install
check_traffic "nobody is kept out before it is started" "$no_filter"
write_file json /etc/meetfence/meetfence.json
type_block start
check_traffic "nobody is kept out without a rule" "$no_filter"
type_block "first rule"
check_traffic "the country is kept out, the others are not" "$filter_works"
