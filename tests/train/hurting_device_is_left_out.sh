#!/bin/sh
# A device that would slow the step (rusticl on llvmpipe) is left out, with the reason and the numbers;
# the result is that of the others.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
MOTLEY_TUNED=0 # nothing is compiled to be tried
export MOTLEY_TUNED
[ -f /etc/OpenCL/vendors/rusticl.icd ] || skip "rusticl is not installed"
[ -f /etc/OpenCL/vendors/pocl.icd ] || skip "pocl is not installed"
unset OCL_ICD_VENDORS
RUSTICL_ENABLE=llvmpipe
export RUSTICL_ENABLE
devices_listed length >/dev/null
"$MOTLEY" devices --ids 2>/dev/null | grep -q '^rusticl:' || skip "rusticl shows no device"

train "$digits" --devices 'pocl:0,rusticl:0' || finish
i=0
while [ "$i" -lt "$(json devices length)" ]; do
    case $(json devices "$i" id) in
    rusticl:*)
        note "share $(json devices "$i" share) reason: $(json devices "$i" reason)"
        expect_equal "share of rusticl" "$(json devices "$i" share)" 0
        expect "the reason has numbers" sh -c 'echo "$1" | grep -q "[0-9]"' - "$(json devices "$i" reason)"
        seen=yes ;;
    esac
    i=$((i + 1))
done
expect_equal "rusticl stands in the report" "${seen-no}" yes
finish
