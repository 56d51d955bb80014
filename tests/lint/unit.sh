#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The units are such that systemd takes them without a word, the daemon's with and without the drop-in for the dispatcher, and
# leave the programs little to reach: an exposure of at most 2.0 for the daemon, and of 1.1 for a bridge.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0
bridge=meetfence-bridge@jvb.service

# systemd looks for the programs, too.
install -m 755 /dev/stdin "$folder/meetfenced" <<<'#!/bin/sh'
cp "$folder/meetfenced" "$folder/meetfence-bridge"
sed "s,@CMAKE_INSTALL_FULL_SBINDIR@,$folder," systemd/meetfenced.service.in >"$folder/meetfenced.service"
sed "s,@CMAKE_INSTALL_FULL_BINDIR@,$folder," systemd/meetfence-bridge@.service.in >"$folder/meetfence-bridge@.service"
cp "$folder/meetfence-bridge@.service" "$folder/$bridge"

is_contained() { # UNIT EXPOSURE
    systemd-analyze security --offline=true --threshold="$2" "$folder/$1" >"$folder/security" || {
        grep -v '✓' "$folder/security" >&2
        status=1
    }
}
verify() { # UNIT HOW
    local said
    said=$(SYSTEMD_UNIT_PATH="$folder:" systemd-analyze verify --man=no "$folder/$1" 2>&1) || status=1
    [ -z "$said" ] || {
        echo "$1$2: ${said//$folder\//}" >&2
        status=1
    }
}
is_contained meetfenced.service 20
is_contained $bridge 11
verify meetfenced.service ''
verify $bridge ''
mkdir "$folder/meetfenced.service.d"
cp systemd/dispatcher.conf "$folder/meetfenced.service.d/"
verify meetfenced.service ' with dispatcher.conf'
exit $status
