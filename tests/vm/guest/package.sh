#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first boot: new.deb and previous.deb of /run/vm in a fresh Debian 12, from installation to purge, and installed again
# for reboot.sh.
set -u
# shellcheck source=tests/vm/guest/checks.sh
. /run/vm/checks.sh
export DEBIAN_FRONTEND=noninteractive

install() { status_of apt-get install -qq -y --allow-downgrades -o Dpkg::Options::=--force-confold "$1"; }
version() { dpkg-query -W -f '${Version}' meetfence; }
version_of() { dpkg-deb -f "$1" Version; }

configure() { # MORE OVERRIDES
    cat >/etc/meetfence/meetfence.json <<JSON
{
  "interfaces": [{"name": "eth0", "mode": "native"}],
  "geo": {"databases": [], "min_countries": 1,
          "overrides": {"203.0.113.0/24": "CN", "192.0.2.0/24": "US"${1:-}}}
}
JSON
}

block_china() {
    check "a meeting" "$(status_of meetfencectl meeting add M --endpoint "udp:$edge:$port")" 0
    check "a rule" "$(status_of meetfencectl block M --country CN --yes)" 0
}

test_installation() {
    check "apt install" "$(install /run/vm/previous.deb)" 0
    type meetfenced >/dev/null || exit # nothing below would tell more
    check "version before" "$(version)" "$(version_of /run/vm/previous.deb)"
    check "enabled" "$(systemctl is-enabled meetfenced)" enabled
    check "not started unconfigured" "$(systemctl is-active meetfenced)" inactive
    check "no program unconfigured" "$(filtered)" no
    configure
    start "systemctl start"
    check "active" "$(property ActiveState)" active
    check "filtered once it is active" "$(filtered)" yes
    check_match "its status has words" "$(property StatusText)" "?*"
    check "meetfencectl status" "$(status_of meetfencectl status)" 0
    block_china
    check_traffic "a country is kept out, the others are not" "$filter_works"
}

test_privileges() {
    local pid status=0 words
    pid=$(property MainPID)
    field() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$pid/status"; }
    # CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39
    local three=000000c000001000 set
    for set in CapEff CapPrm CapBnd; do
        check "three capabilities: $set" "$(field "$set")" "$three"
    done
    check "no new privileges" "$(field NoNewPrivs)" 1
    check "system calls are filtered" "$(field Seccomp)" 2
    check "runs as meetfence" "$(stat -c %U "/proc/$pid")" meetfence
    words=$(systemd-analyze verify --man=no meetfenced.service 2>&1) || status=$?
    check "systemd-analyze verify" "$status $words" "0 "
    check_match "a watchdog" "$(property WatchdogUSec)" "[1-9]*"
}

upgrade_to() { # FILE
    local before
    before=$(property MainPID)
    check "install $(version_of "$1") over $(version)" "$(install "$1")" 0
    wait_for is_up
    check "active after it" "$(property ActiveState)" active
    check "another process after it" "$([ "$(property MainPID)" = "$before" ] && echo no || echo yes)" yes
    check "version after it" "$(version)" "$(version_of "$1")"
}

test_upgrade() {
    check_traffic "upgrade: no packet is judged otherwise" "$filter_works" upgrade_to /run/vm/new.deb
    check_traffic "downgrade: no packet is judged otherwise" "$filter_works" upgrade_to /run/vm/previous.deb
    check_traffic "upgrade again: no packet is judged otherwise" "$filter_works" upgrade_to /run/vm/new.deb
}

knows_hong_kong() { [[ $(meetfencectl geo lookup 198.51.100.1) == *HK* ]]; }

reload() {
    local before
    before=$(property MainPID)
    configure ', "198.51.100.0/24": "HK"'
    check "systemctl reload" "$(status_of systemctl reload meetfenced)" 0
    check "the same process after reload" "$(property MainPID)" "$before"
    wait_for knows_hong_kong
    check "the configuration is read again" "$(meetfencectl geo lookup 198.51.100.1)" "198.51.100.1 HK 198.51.100.0/24"
}

restart() {
    check "systemctl restart" "$(status_of systemctl restart meetfenced)" 0
    check "active after restart" "$(property ActiveState)" active
}

restarted() { [ "$(property NRestarts)" -gt "$restarts" ] && is_up; }

kill_it() {
    restarts=$(property NRestarts)
    systemctl kill --kill-whom=main --signal=KILL meetfenced
    wait_for restarted
    check "restarted after SIGKILL" "$(property ActiveState)" active
}

stop_its_main_loop() {
    restarts=$(property NRestarts)
    systemctl kill --kill-whom=main --signal=STOP meetfenced
    wait_for restarted
    check "restarted after its main loop stood still" "$(property ActiveState)" active
    check_match "by the watchdog" "$(journalctl -b -q -o cat -u meetfenced --grep='[Ww]atchdog timeout')" "?*"
}

set_watchdog() { # SECONDS
    mkdir -p /run/systemd/system/meetfenced.service.d
    printf '[Unit]\nStartLimitIntervalSec=0\n\n[Service]\nWatchdogSec=%s\n' "$1" >/run/systemd/system/meetfenced.service.d/watchdog.conf
    systemctl daemon-reload
    systemctl restart meetfenced
}

test_running() {
    check_traffic "reload: no packet is judged otherwise" "$filter_works" reload
    check_traffic "restart: no packet is judged otherwise" "$filter_works" restart
    check_traffic "kill -9: no packet is judged otherwise" "$filter_works" kill_it
    set_watchdog 10
    check_traffic "watchdog: no packet is judged otherwise" "$filter_works" stop_its_main_loop
    rm -r /run/systemd/system/meetfenced.service.d
    systemctl daemon-reload
    restart
}

test_stop() {
    check "systemctl stop" "$(status_of systemctl stop meetfenced)" 0
    check "stopped without a failure" "$(property Result)" success
    check "the filter stays" "$(filtered)" yes
    check_traffic "the filter stays in force" "$filter_works"
    check "meetfenced --detach" "$(status_of meetfenced --detach)" 0
    wait_for no_program
    check "the filter is taken out" "$(filtered)" no
    check_traffic "nobody is kept out" "$no_filter"
    start "systemctl start again"
    check_traffic "the rule is in force again" "$filter_works"
}

no_program() { [ "$(filtered)" = no ]; }

test_journal() {
    local entries
    entries=$(journalctl -b -q -o json -u meetfenced)
    check "entries name the rule" "$(grep -q '"MEETFENCE_RULE"' <<<"$entries" && echo yes || echo no)" yes
    check "entries name the meeting" "$(grep -q '"MEETFENCE_MEETING":"M"' <<<"$entries" && echo yes || echo no)" yes
    check "no participant's address in the journal" "$(grep -c "$chinese" <<<"$entries")" 0
    check_match "the catalog explains entries" "$(journalctl -b -q -x -u meetfenced | grep -c 'Defined-By: meetfence')" "[1-9]*"
}

# What of meetfence is in the kernel: programs by name, then whatever is pinned.
in_kernel() {
    bpftool prog show | grep -o 'name meetfence[a-z_]*'
    find "$pins" -mindepth 1 2>/dev/null
    tc qdisc show dev eth0 | grep -o clsact
}
bridge() { systemctl show --property "$1" --value meetfence-bridge@sdp; }
bridge_is_well() { meetfence-bridge sdp --status >/dev/null 2>&1; }
is_handed_over() { meetfencectl participant list B 2>/dev/null | grep -q sdp-somebody; }

hand_over() { # SDP
    exec 3<>/dev/tcp/127.0.0.1/9440
    printf 'PUT /v1/meetings/B/participants/somebody/transports/t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n' >&3
    printf 'Content-Length: %d\r\n\r\n%s' "${#1}" "$1" >&3
    head -n 1 <&3 | tr -d '\r'
    exec 3>&-
}

test_bridge() {
    [ -e /run/vm/bridges.deb ] || return 0
    check "bridges: apt install" "$(install /run/vm/bridges.deb)" 0
    check "bridges: systemctl start, unconfigured" "$(status_of systemctl start meetfence-bridge@sdp)" 0
    check "bridges: none is started unconfigured" "$(bridge ActiveState)" inactive
    echo '{}' >/etc/meetfence/bridge-sdp.json
    check "bridges: systemctl enable --now" "$(status_of systemctl enable -q --now meetfence-bridge@sdp)" 0
    wait_for bridge_is_well
    check "bridges: it is well" "$(status_of meetfence-bridge sdp --status)" 0
    check "bridges: as its own user" "$(stat -c %U "/proc/$(bridge MainPID)")" meetfence-bridge
    check "bridges: no capability" "$(awk '$1 == "CapBnd:" { print $2 }' "/proc/$(bridge MainPID)/status")" 0000000000000000
    check "bridges: it takes a description" "$(hand_over $'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 198.18.0.1 40002 typ host\r\n')" "HTTP/1.1 200 OK"
    wait_for is_handed_over
    check "bridges: and may tell meetfenced" "$(is_handed_over && echo yes || echo no)" yes
    check "bridges: apt purge" "$(status_of apt-get purge -qq -y meetfence-bridges)" 0
    check "bridges: nothing is left" "$(find /etc /usr -xdev -name '*meetfence-bridge*' -o -xdev -name 'bridge-*.json')" ""
}

nothing_in_kernel() { [ -z "$(in_kernel)" ]; }

test_purge() {
    local user
    user=$(id -u meetfence)
    check "apt purge" "$(status_of apt-get purge -qq -y meetfence)" 0
    wait_for nothing_in_kernel
    check "nothing is left in the kernel" "$(in_kernel)" ""
    check "no XDP is left" "$(filtered)" no
    check "no file of its user is left" "$(find / -xdev -uid "$user" 2>/dev/null)" ""
    check "nor of its name" "$(find /etc /usr /var/lib /var/cache /lib /run -xdev -name '*meetfence*' \
        -not -path '/run/vm/*' -not -path '/etc/systemd/system/vm-*' 2>/dev/null)" ""
    check "its pin directory is gone" "$(find /sys/fs/bpf -name meetfence)" ""
    check "no unit is left" "$(systemctl list-unit-files -q 'meetfence*')" ""
    check_traffic "nobody is kept out after purge" "$no_filter"
}

prepare_reboot() {
    check "apt install anew" "$(install /run/vm/new.deb)" 0
    configure
    start "start anew"
    block_china
    check_traffic "and it filters" "$filter_works"
    # Stands for whatever serves once the network is there.
    cat >/etc/systemd/system/vm-server.service <<'UNIT'
[Unit]
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip -details link show dev eth0 >/run/seen-by-server'

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl -q enable vm-server
}

provide_network
serve
check_traffic "the network works" "$no_filter"
test_installation
test_privileges
test_upgrade
test_privileges
test_running
test_stop
test_journal
test_bridge
test_purge
prepare_reboot
