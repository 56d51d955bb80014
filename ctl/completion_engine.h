// SPDX-License-Identifier: Apache-2.0
// The part of the completion script that does not depend on the table of commands.
#pragma once

#include <string_view>

namespace meetfence::ctl {

inline constexpr std::string_view kCompletionHead =
    R"bash(# bash completion for meetfencectl                      -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0
# Printed by `meetfencectl completion bash`, from the tool's own table of commands.
# shellcheck shell=bash disable=SC2034  # the functions set variables of whoever calls them

# The words and the options of a command; an option is name:kind:placeholder.
)bash";

inline constexpr std::string_view kCompletionEngine =
    R"bash(# The line up to the cursor, as the shell will read it: COMP_WORDS is cut at every colon.
_meetfencectl_read() # LINE
{
    local rest=$1 char='' word='' begun=''
    while [[ -n $rest ]]; do
        char=${rest:0:1} rest=${rest:1}
        case $quote$char in
        "''" | '""') quote='' ;;
        "'"?) word+=$char ;;
        \"\\)
            [[ ${rest:0:1} == [\$\`\"\\] ]] && char=${rest:0:1} rest=${rest:1}
            word+=$char
            ;;
        *[\$\`]) return 1 ;; # an expansion: only the shell knows what it is
        '"'?) word+=$char ;;
        \\)
            [[ -n $rest ]] || return 1 # it would quote what is put behind it
            word+=${rest:0:1} rest=${rest:1} begun=1
            ;;
        \' | \")
            quote=$char begun=1
            ;;
        [[:space:]])
            [[ -z $begun ]] || typed+=("$word")
            word='' begun=''
            ;;
        *) word+=$char begun=1 ;;
        esac
    done
    current=$word
}

# One member of each thing that the daemon lists; nothing where it does not answer at once.
_meetfencectl_ask() # MEMBER COMMAND…
{
    local answer
    answer=$(timeout 2 "$tool" ${socket[@]+"${socket[@]}"} --json "${@:2}" 2>/dev/null </dev/null) || return 0
    # Identifiers are printable ASCII. One that begins with a dash would be taken for an option.
    mapfile -t found < <(LC_ALL=C grep -oE "\"$1\":\"([^\"\\\\]|\\\\.)*\"" <<<"$answer" |
        LC_ALL=C sed -e 's/^"[^"]*":"//' -e 's/"$//' -e 's/\\\(["\\/]\)/\1/g' |
        LC_ALL=C grep -xE '[!-,.-~][!-~]*')
}

_meetfencectl_values() # PLACEHOLDER
{
    found=()
    case $1 in
    M) _meetfencectl_ask id meeting list ;;
    O) _meetfencectl_ask id order list ;;
    RULE) _meetfencectl_ask id rule list ;;
    P) [[ -z ${given[0]-} ]] || _meetfencectl_ask id participant list "${given[0]}" ;;
    FILE | PATH) compopt -o default ;;
    DIR) compopt -o dirnames ;;
    *) _meetfencectl_list "$1" ;;
    esac 2>/dev/null
}

# Those of `found` that go on from the word at the cursor. Only what is new is quoted: what was typed stays.
_meetfencectl_offer() # STEM, which the shell replaces
{
    local candidate more char i
    COMPREPLY=()
    for candidate in ${found[@]+"${found[@]}"}; do
        [[ $candidate == "$current"* ]] || continue
        candidate=${candidate:${#current}} more=''
        if [[ -z $quote ]]; then
            [[ -z $candidate ]] || printf -v more %q "$candidate"
        else
            for ((i = 0; i < ${#candidate}; ++i)); do
                char=${candidate:i:1}
                case $quote$char in
                "''" | \"[\$\`\"\\!]) more+=$quote\\$char$quote ;;
                *) more+=$char ;;
                esac
            done
        fi
        COMPREPLY+=("$1$more")
    done
}

# Kind and placeholder of an option.
_meetfencectl_option() # NAME
{
    local option
    for option in "${options[@]}"; do
        [[ $option == "$1:"* ]] || continue
        option=${option#*:}
        kind=${option%%:*} placeholder=${option#*:}
        return 0
    done
    kind=flag placeholder=''
}

# Goes over the words before the cursor: command, words given, options used, and the option that waits for a value.
_meetfencectl_walk()
{
    local word before=''
    for word in "${typed[@]:1}"; do
        if [[ $word == --?* ]]; then
            word=${word#--} waiting='' values=0
            _meetfencectl_option "${word%%=*}"
            [[ $kind == values ]] || used+=" ${word%%=*} "
            [[ $kind == flag || $word == *=* ]] || waiting=$kind:$placeholder
            [[ $word != socket=* ]] || socket=(--socket "${word#*=}")
            before=$word
        elif [[ -n $waiting ]]; then
            [[ $before != socket ]] || socket=(--socket "$word")
            values=$((values + 1))
            [[ $waiting == values:* ]] || waiting=''
        elif [[ $word == -h ]]; then
            used+=' help '
        elif _meetfencectl_command "${name:+$name }$word" || _meetfencectl_next "${name:+$name }$word"; then
            name=${name:+$name }$word
        elif _meetfencectl_command "$name" && [[ -n $name ]]; then
            given+=("$word")
        else
            return 1
        fi
        _meetfencectl_command "$name" || _meetfencectl_command ''
    done
}

_meetfencectl_options()
{
    local option
    for option in "${options[@]}"; do
        [[ $used == *" ${option%%:*} "* ]] || found+=("--${option%%:*}")
    done
}

_meetfencectl_words()
{
    local place
    if _meetfencectl_next "$name"; then
        found=("${next[@]}")
        return
    fi
    place=${takes[${#given[@]}]-}
    if [[ -z $place && ${#takes[@]} -gt 0 && ${takes[-1]} == *+ ]]; then
        place=${takes[-1]}
    fi
    if [[ -n $place ]]; then
        _meetfencectl_values "${place%+}"
    else
        _meetfencectl_options
    fi
}

_meetfencectl()
{
    local tool=$1 stem=$2
    local -a typed=() given=() takes=() options=() next=() found=() socket=()
    local current='' quote='' name='' used='' waiting='' kind='' placeholder='' values=0
    COMPREPLY=()
    _meetfencectl_read "${COMP_LINE:0:COMP_POINT}" || return 0
    _meetfencectl_command ''
    _meetfencectl_walk || return 0
    # Other completions (sudo's) call this one with the whole word where readline gives what it replaces.
    [[ -z $quote ]] || stem=${stem#"$quote"}
    [[ $stem != [:=] ]] || stem=''
    if [[ $current == --*=* ]]; then
        current=${current#--}
        _meetfencectl_option "${current%%=*}"
        current=${current#*=}
        _meetfencectl_values "$placeholder"
    elif [[ $current == -* ]]; then
        _meetfencectl_options
    elif [[ -n $waiting ]]; then
        _meetfencectl_values "${waiting#*:}"
        [[ ${#found[@]} -gt 0 || $values = 0 ]] || _meetfencectl_options
    else
        _meetfencectl_words
    fi
    _meetfencectl_offer "$stem"
}

complete -F _meetfencectl meetfencectl
)bash";

} // namespace meetfence::ctl
