#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# data_plane.sh short|full TCX(yes|no): the host's own tests, under the machine's kernel. Reports go to /run/vm; what is in
# them is judged outside.
set -u
extent=$1 tcx=$2
reports=/run/vm
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests

# A minute or two of emulation: attachment by what this kernel has, the way of a packet, the way of a rule.
short_programs='*Verifier*:By/Egress.DropsUntilDetached/*:By/Egress.AdoptsWhatAnEarlierDaemonPinned/*:EgressChoice.*'
short_programs+=':*/RuleMatch.DropsTheNamedCountryAndNobodyElse/*:*/EgressMatch.IsJudgedByWhereItGoes/*'
short_programs+=':*/FlowProving.*/IPv4UDP'
short_system=(
    tests/system/test_scope.py::test_one_country_in_one_meeting
    tests/system/test_survival.py::test_sigterm_leaves_the_filter_in_force
    tests/system/test_egress.py::test_status_shows_both_directions
)
full_system=(
    tests/system/test_scope.py tests/system/test_survival.py tests/system/test_egress.py
    tests/system/test_shared.py tests/system/test_interfaces.py tests/system/test_running_check.py
    tests/system/test_dispatcher.py tests/system/test_doctor.py
)

programs='*' system=("${full_system[@]}")
[ "$extent" = full ] || programs=$short_programs system=("${short_system[@]}")
# A skipped test is a failure: what the kernel does not have is not asked for.
[ "$tcx" = yes ] || programs+='-*/tcx:*/tcx/*:EgressChoice.RunsBesideOtherPeoplesTcx'

timed() { # NAME COMMAND…
    local name=$1 start=$SECONDS
    shift
    "$@" >"$reports/$name.log" 2>&1
    echo "     $name: $((SECONDS - start)) s"
}

timed bpf_tests build/bin/bpf_tests --gtest_brief=1 "--gtest_filter=$programs" "--gtest_output=xml:$reports/bpf_tests.xml"
timed system_tests /usr/bin/python3 -m pytest -q -p no:cacheprovider "--junitxml=$reports/system_tests.xml" "${system[@]}"
