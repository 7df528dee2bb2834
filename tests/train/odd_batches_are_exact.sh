#!/bin/sh
# A batch that divides nothing, a last batch of one sample, more devices than samples, a device with no
# share: every sample once an epoch, and the same result as on one device with even shares.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
# compare NAME SAMPLES BATCH SHARES STEPS: one device against several with those shares.
compare()
{
    name=$1
    set -- "--set data.samples=$2 --set data.batch=$3" "$4" "$5"
    # shellcheck disable=SC2086
    train "$digits" --devices "$first" $1 --out "$tmp/$name.one" || return
    keep one
    expect_equal "$name: steps" "$(json steps)" "$3"
    # shellcheck disable=SC2086
    train "$digits" --devices "$several" $1 --set "train.shares=$2" --out "$tmp/$name.several" || return
    expect_close "$name: loss of every epoch" "$(of one epoch_losses)" "$(json epoch_losses)" 5
    expect "$name: parameters" "$HELPERS/params_diff" "$tmp/$name.one/model.safetensors" \
        "$tmp/$name.several/model.safetensors" 1e-5
    total=0 i=0
    while [ "$i" -lt "$(json devices length)" ]; do
        total=$((total + $(json devices "$i" samples)))
        i=$((i + 1))
    done
    note "$name: $(json devices length) devices, $total samples"
}

case $first in
pocl:*)
    POCL_DEVICES="pthread basic basic"
    export POCL_DEVICES
    several='pocl:*' ;;
*)  skip "needs pocl for several devices" ;;
esac
# 4 epochs of: 27 steps of 37 and one of 1; 3 steps of 2; 8 of 64 and one of 1
compare batch37 1000 37 '[3, 2, 1]' 112
expect_equal "every sample once an epoch" "$total" 4000
compare few 6 2 '[1, 1, 1]' 12
expect_equal "every sample once an epoch" "$total" 24
compare last1 513 64 '[1, 1, 1]' 36
expect_equal "every sample once an epoch" "$total" 2052
compare zero 512 64 '[1, 0, 1]' 32
expect_equal "the device with share 0 trained nothing" "$(json devices 1 samples)" 0
compare alone 512 64 '[0, 0, 1]' 32
finish
