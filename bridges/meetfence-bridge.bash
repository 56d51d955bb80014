# SPDX-License-Identifier: Apache-2.0
# Completion of meetfence-bridge(8) for bash. The kinds are what the program says of itself.
_meetfence_bridge()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} kinds i
    COMPREPLY=()
    if [ "$before" = --config ]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--check-config --config --help --json --status --version' -- "$word")
        return
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --config) ((++i)) ;;
        -*) ;;
        *) return ;; # one kind is enough
        esac
    done
    kinds=$("${COMP_WORDS[0]/#\~/$HOME}" --help 2>/dev/null | sed -n '/^KIND is one of/,/^$/s/^  \([a-z]*\) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$word")
}
complete -F _meetfence_bridge meetfence-bridge
