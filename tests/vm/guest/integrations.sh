#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/integrations.md for Janus and coturn in a Debian 12 that has them: after what walkthrough.sh types, too, every command of
# the two documents is typed as it stands there, each file is the one that they show, and people take part before it, while it
# happens and after it.
set -u
# shellcheck source=tests/vm/guest/checks.sh
. /run/vm/checks.sh
export DEBIAN_FRONTEND=noninteractive
calls=/run/calls
trap 'journalctl -b -q --no-pager -u meetfenced -u "meetfence-bridge@*" -u janus -u coturn -u redis-server >/run/vm/journal' EXIT

take_part() { # NAME ADDRESS SERVER WORD…
    nsenter --net=/run/netns/far env PYTHONPATH=/run/vm python3 -B /run/vm/participant.py "$calls/$1" "$2" "$edge" "${@:3}" &
}
count() { awk -v field="$2" '{ print $field }' "$calls/$1" 2>/dev/null || echo 0; } # NAME FIELD
has_answers() { [ "$(count "$1" 2)" -ge "$2" ]; }
# Twenty in a row: five seconds.
is_silent() { [ "$(count "$1" 3)" -ge 20 ]; }

check_answered() { # NAME WHO
    wait_for has_answers "$2" $(($(count "$2" 2) + 20))
    check "$1" $? 0
}

check_silent() { # NAME WHO
    wait_for is_silent "$2"
    check "$1" $? 0
}

# Of the bridge's own status, without the punctuation.
says() { meetfence-bridge "$1" --status --json 2>/dev/null | tr -d '" ' | grep -Eq "(^|[{,])$2(,|}|$)"; } # KIND KEY:NUMBER
knows() { [ "$(meetfencectl participant list "$1" 2>/dev/null | grep -c "$2-")" = "$3" ]; } # MEETING PREFIX COUNT
is_active() { check "$1 runs" "$(systemctl is-active "$1")" active; }

# Both take part already: who of the blocked country does no longer after it, the other goes on, and the rule is why.
check_block() { # MEETING PREFIX BLOCKED OTHER
    local rule
    check_answered "$2: who will be kept out is answered" "$3"
    check_answered "$2: so is the other one" "$4"
    # Nothing below would tell more.
    has_answers "$3" 1 && has_answers "$4" 1 || exit 1
    wait_for knows "$1" "$2" 2
    check "$2: both are handed over" $? 0
    wait_for says "$2" participants:2
    check "$2: its status counts them" $? 0
    type_block block
    check_silent "$2: who is kept out is answered no longer" "$3"
    check_answered "$2: the other one goes on" "$4"
    check_silent "$2: who is kept out still is" "$3"
    rule=$(meetfencectl rule list "$1" | grep -o '\br[0-9]\+\b')
    check "$2: the rule is withdrawn" "$(status_of meetfencectl unblock "$rule")" 0
    check_answered "$2: and who was kept out is answered again" "$3"
}

start_filter() {
    document=/run/vm/operations.md
    provide_package /run/vm/new.deb meetfence
    type_block install
    write_file json /etc/meetfence/meetfence.json
    # No database knows the range for documentation.
    sed -i 's,"203.0.113.0/24": "CN",&\, "192.0.2.0/24": "US",' /etc/meetfence/meetfence.json
    type_block start
    document=/run/vm/integrations.md
    provide_package /run/vm/bridges.deb meetfence-bridges
    type_block install
}

test_janus() {
    document=/run/vm/janus.md
    write_file jcfg /etc/janus/janus.eventhandler.sampleevh.jcfg
    type_block janus
    write_file json /etc/meetfence/bridge-janus.json
    type_block bridge
    is_active janus
    is_active meetfence-bridge@janus
    take_part janus-1 "$chinese" janus 1234
    take_part janus-2 "$american" janus 1234
    check_block 1234 janus janus-1 janus-2
}

mint() { # PARTICIPANT: a username and its password, by the lines of the document
    bash -c "$(block "sh mint" | sed "s/'p-1'/'$1'/")"
}

allocations() {
    local line
    line=$(grep -o "redis-cli -n 1 --scan --pattern '[^']*'" "$document")
    REDISCLI_AUTH=$(cat /etc/meetfence/redis-password) bash -c "$line" | wc -l
}

test_coturn() {
    document=/run/vm/coturn.md
    type_block redis
    write_file conf /etc/turnserver.conf
    type_block coturn
    write_file json /etc/meetfence/bridge-coturn.json
    type_block bridge
    is_active redis-server
    is_active coturn
    is_active meetfence-bridge@coturn
    # shellcheck disable=SC2046  # two words each
    take_part coturn-1 "$chinese" coturn $(mint p-1)
    # shellcheck disable=SC2046
    take_part coturn-2 "$american" coturn $(mint p-2)
    check_block weekly-4711 coturn coturn-1 coturn-2
    check "coturn: the participant is who the document says" "$(meetfencectl participant list weekly-4711 | grep -c 'coturn-p-1')" 1
    check "coturn: its own view, as the document shows it" "$(allocations)" 2
}

provide_network
mkdir "$calls"
cd "$(mktemp -d)" || exit 1
cp /run/vm/country.mmdb .
# apt wants to be asked nothing.
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/99assume-yes
start_filter
test_janus
test_coturn
