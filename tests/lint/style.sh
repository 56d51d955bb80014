#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Formatting, licence lines, sizes of files, and what a public header must say of its results.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
complain() {
    echo "$1" >&2
    status=1
}

mapfile -t sources < <(find kernel-headers bpf model audit pins daemon ctl bridges bench tests -name '*.h' -o -name '*.cpp' -o -name '*.c' | sort)
clang-format-14 --dry-run --Werror "${sources[@]}" || status=1

mapfile -t texts < <(find kernel-headers bpf model audit pins daemon ctl bridges bench tests systemd cmake -type f \
    \( -name '*.h' -o -name '*.cpp' -o -name '*.c' -o -name '*.inc' -o -name '*.py' -o -name '*.sh' -o -name '*.pl' \
    -o -name '*.js' -o -name '*.cjs' -o -name '*.d.ts' -o -name '*.cmake' -o -name CMakeLists.txt -o -name '*.service' -o -name '*.conf' \) | sort)
for file in "${texts[@]}" run .ci/run; do
    want='SPDX-License-Identifier: Apache-2.0'
    [[ $file != bpf/* && $file != kernel-headers/* && $file != bench/bpf/* && $file != bench/pipeline/*.bpf.c ]] || want='SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause'
    head -n 2 "$file" | grep -qF "$want" || complain "$file: its first lines lack '$want'"
done

mapfile -t scripts < <(find bridges -name '*.js' -o -name '*.cjs' -o -name '*.ts' | sort)
for file in "${sources[@]}" "${scripts[@]}"; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 400 ] || head -n 2 "$file" | grep -q 'Longer than 400 lines' ||
        complain "$file: $lines lines; 400 is the budget: split it, or say why on its first lines"
done

# tl::expected 1.0 is not nodiscard by itself.
grep -nE '^\s*(static )?Result<[^(]*\(' model/*.h audit/*.h pins/*.h daemon/*.h daemon/*/*.h ctl/*.h bridges/*.h bridges/*/*.h |
    grep -v -e nodiscard -e '(\*' && complain 'functions that return a Result are [[nodiscard]]'

shellcheck -x run .ci/run tests/lint/*.sh tests/vm/guest/*.sh || status=1
exit $status
