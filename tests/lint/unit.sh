#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The unit is one that systemd takes without a word, with and without the drop-in for the dispatcher, and leaves the daemon
# little to reach: an exposure of at most 2.0.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0

# systemd looks for the program, too.
install -m 755 /dev/stdin "$folder/meetfenced" <<<'#!/bin/sh'
sed "s,@CMAKE_INSTALL_FULL_SBINDIR@,$folder," systemd/meetfenced.service.in >"$folder/meetfenced.service"

systemd-analyze security --offline=true --threshold=20 "$folder/meetfenced.service" >"$folder/security" || {
    grep -v '✓' "$folder/security" >&2
    status=1
}
verify() {
    local said
    said=$(SYSTEMD_UNIT_PATH="$folder:" systemd-analyze verify --man=no "$folder/meetfenced.service" 2>&1) || status=1
    [ -z "$said" ] || {
        echo "meetfenced.service$1: ${said//$folder\//}" >&2
        status=1
    }
}
verify ''
mkdir "$folder/meetfenced.service.d"
cp systemd/dispatcher.conf "$folder/meetfenced.service.d/"
verify ' with dispatcher.conf'
exit $status
