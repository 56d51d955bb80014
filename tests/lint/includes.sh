#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Keeps the dependency direction between folders: who may include whom, and which folder alone may
# include which library. docs/architecture.md tells it in words.
set -euo pipefail
cd "$(dirname "$0")/../.."

# folder: folders it may include, itself always among them
allowed='
kernel-headers:
bpf: kernel-headers
model:
audit: model
pins: kernel-headers model
daemon/audit: audit model pins
daemon/geo: kernel-headers model pins
daemon/policy: kernel-headers model
daemon/dataplane: kernel-headers model pins daemon/geo daemon/policy
daemon/config: model daemon/geo daemon/dataplane
daemon/store: model audit
daemon/check: kernel-headers model daemon/geo daemon/store
daemon/service: kernel-headers model pins daemon/geo daemon/policy daemon/dataplane daemon/config daemon/store daemon/check audit daemon/audit
daemon/control: model pins daemon/geo daemon/policy daemon/service audit
daemon: model pins daemon/config daemon/dataplane daemon/geo daemon/service daemon/control
ctl/host: model pins
ctl/commands: audit model pins ctl
ctl: audit model pins ctl/commands ctl/host
bridges/ledger: model
bridges/sdp: model bridges/ledger bridges bridges/net
bridges/net: model bridges/ledger
bridges/janus: model bridges/ledger bridges/sdp bridges bridges/net
bridges/coturn: model bridges/ledger bridges bridges/net
bridges/jvb: model bridges/ledger bridges/sdp bridges bridges/net
bridges: model bridges/ledger bridges/net bridges/sdp bridges/janus bridges/coturn bridges/jvb
bench/bpf: kernel-headers bpf
bench: kernel-headers model pins daemon/geo daemon/dataplane bench/bpf
'
# library header: folders that may include it
libraries='
bpf/bpf.h: pins daemon/dataplane ctl/host bench
bpf/libbpf.h: pins daemon/dataplane ctl/host bench
meetfence.skel.h: daemon/dataplane
xdp/libxdp.h: daemon/dataplane
bench.skel.h: bench
maxminddb.h: daemon/geo
nlohmann/json.hpp: model
openssl/evp.h: audit
SQLiteCpp/SQLiteCpp.h: daemon/store
sqlite3.h: daemon/store
spdlog/spdlog.h: daemon
boost/program_options.hpp: daemon ctl bench bridges
boost/beast/http.hpp: daemon/control ctl bridges/net
hiredis/hiredis.h: bridges/coturn
'

status=0
complain() {
    echo "$1" >&2
    status=1
}

may() { # TABLE KEY FOLDER
    local line
    line=$(grep -F "$2: " <<<"$1" | grep -m1 "^$2:") || return 1
    [[ " ${line#*:} " == *" $3 "* ]]
}

while IFS=: read -r file line include; do
    folder=$(dirname "$file")
    header=$(sed -E 's/.*["<]([^">]+)[">].*/\1/' <<<"$include")
    target=$(dirname "$header")
    if grep -q "^$target:" <<<"$allowed" && [[ $include == *'"'* ]]; then
        [ "$target" = "$folder" ] || may "$allowed" "$folder" "$target" ||
            complain "$file:$line: $folder must not include $target ($header)"
    elif grep -q "^$header:" <<<"$libraries"; then
        may "$libraries" "$header" "$folder" ||
            complain "$file:$line: <$header> belongs to another folder than $folder"
    fi
done < <(grep -rnE '^#include' --include='*.h' --include='*.cpp' --include='*.c' kernel-headers bpf model audit pins daemon ctl bridges bench)
exit $status
