#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# For the other scripts: checks, waiting, documents, the network, traffic. The network is one veth pair; a namespace "far" has
# the participants' addresses, one of China and one of the United States.
# shellcheck disable=SC2034  # names for the scripts that read this file
document='' edge=198.18.0.1 port=40000 chinese=203.0.113.10 american=192.0.2.10
pins=/sys/fs/bpf/meetfence
patience=120 # seconds; emulation on a busy machine is slow, and nothing is asserted after less

check() { # NAME GOT WANT
    if [ "$2" = "$3" ]; then
        echo "ok   $(uname -r | cut -d. -f1,2): $1"
    else
        echo "FAIL $(uname -r | cut -d. -f1,2): $1 (got $2, want $3)"
    fi
}

check_match() { # NAME GOT PATTERN
    # shellcheck disable=SC2053  # a pattern it is
    if [[ $2 == $3 ]]; then check "$1" ok ok; else check "$1" "$2" "$3"; fi
}

status_of() { # COMMAND…: its status, its words where it failed
    local words status=0
    words=$("$@" 2>&1) || status=$?
    echo "$status"
    [ "$status" = 0 ] || echo "     $1: $words" >&2
}

wait_for() { # COMMAND…: until it succeeds; its status
    local deadline=$((SECONDS + patience))
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# Of $document the lines between ```FENCE and ```.
block() { awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } /^```/ { inside = 0 } inside' "$document"; }

type_block() { # NAME: every command of the block, as it stands there
    local line count=0
    while IFS= read -r line; do
        check "$1: ${line#\# }" "$(status_of bash -c "${line#\# }" </dev/null)" 0
        count=$((count + 1))
    done < <(block "console $1" | grep '^# ')
    check_match "$1: it has commands" "$count" "[1-9]*"
}

write_file() { # LANGUAGE PATH: as the document shows it
    block "$1 $2" >"$2"
    check_match "$2: the document shows it" "$(wc -l <"$2")" "[1-9]*"
}

provide_package() { # FILE NAME: as the document calls it
    cp "$1" "./$(block "console install" | grep -o "$2_[^ ]*\.deb")"
}

property() { systemctl show --property "$1" --value meetfenced; }
is() { [ "$(property "$1")" = "$2" ]; }
is_up() { is ActiveState active && meetfencectl status >/dev/null 2>&1; }

# Where it does not start, nothing below would tell more.
start() { # NAME
    local status
    status=$(status_of systemctl start meetfenced)
    check "$1" "$status" 0
    [ "$status" = 0 ] || exit 1
}

# Shown outside where a check has failed.
trap 'journalctl -b -q --no-pager -u meetfenced >/run/vm/journal' EXIT

# "yes" or "no": whether the kernel has a program of ours on the interface.
filtered() {
    if ip -details link show dev eth0 | grep -q 'prog/xdp'; then echo yes; else echo no; fi
}

provide_network() { # a unit, so that the next boot has it, too
    cat >/usr/local/sbin/vm-network <<'SH'
#!/bin/sh
set -e
ip netns add far
ip link add name eth0 type veth peer name far0 netns far
ip address add 198.18.0.1/24 dev eth0
ip link set eth0 up
ip route add 203.0.113.0/24 dev eth0
ip route add 192.0.2.0/24 dev eth0
ip -n far address add 203.0.113.10/32 dev far0
ip -n far address add 192.0.2.10/32 dev far0
ip -n far link set lo up
ip -n far link set far0 up
ip -n far route add 198.18.0.0/24 dev far0
SH
    chmod 755 /usr/local/sbin/vm-network
    cat >/etc/systemd/system/vm-network.service <<'UNIT'
[Unit]
Before=network-pre.target
Wants=network-pre.target network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/vm-network

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl -q enable vm-network
    systemctl start vm-network
}

serve() {
    /run/vm/traffic echo "$edge" "$port" &
}

sent() { awk 'NR == 1 || $2 < least { least = $2 } END { print least + 0 }' /run/traffic 2>/dev/null || echo 0; }
has_sent() { [ "$(sent)" -ge "$1" ]; }
more_traffic() { wait_for has_sent $(($(sent) + 50)); }

begin_traffic() {
    rm -f /run/traffic
    nsenter --net=/run/netns/far /run/vm/traffic send /run/traffic "$edge" "$port" "$chinese" "$american" &
    traffic=$!
    more_traffic
}

# What became of it, in words: "203.0.113.10 none, 192.0.2.10 all".
end_traffic() {
    more_traffic
    kill "$traffic"
    wait "$traffic"
    judged=$(awk '$3 == 0 { how = "none" } $3 > 0 { how = $3 " of " $2 } $3 == $2 { how = "all" }
                  { printf "%s%s %s", comma, $1, how; comma = ", " }' /run/traffic)
}

filter_works="$chinese none, $american all"
no_filter="$chinese all, $american all"

check_traffic() { # NAME WANT COMMAND…: what the packets meet before, while and after it runs
    local name=$1 want=$2
    shift 2
    begin_traffic
    [ $# = 0 ] || "$@"
    end_traffic
    check "$name" "$judged" "$want"
}
