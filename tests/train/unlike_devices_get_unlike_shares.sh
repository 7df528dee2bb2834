#!/bin/sh
# Two devices of unlike speed get shares near what they carry when they run together, without being
# told: neither device waits for long, and the step is not slower than with equal shares.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
case $(first_device) in pocl:*) ;; *) skip "pocl is not here" ;; esac

POCL_DEVICES="pthread basic"
export POCL_DEVICES
wide="--set data.batch=512 --set data.samples=20480 --set train.epochs=5"
# shellcheck disable=SC2086
train "$digits" --devices 'pocl:*' $wide || finish
a=$(json devices 0 share)
b=$(json devices 1 share)
note "shares $a $b busy $(json devices 0 busy_s) $(json devices 1 busy_s) idle $(json devices 0 idle_s) $(json devices 1 idle_s)"
expect_number "the shares add up to the batch" "$a + $b == 512"
expect_number "pthread, on all cores, gets more than basic, on one" "$a > $b"
keep measured
# shellcheck disable=SC2086
train "$digits" --devices 'pocl:*' $wide --set 'train.shares=[1, 1]' || finish
expect_equal "shares held equal" "$(json devices 0 share) $(json devices 1 share)" "256 256"
note "step_ms measured shares $(of measured step_ms) equal shares $(json step_ms)"
# Half as slow again would be far beyond noise.
expect_number "measured shares are not slower than equal ones" \
    "$(of measured step_ms) < 1.5 * $(json step_ms)"
finish
