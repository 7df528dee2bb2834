#!/bin/sh
# Two devices of unlike speed that fight for the same cores get shares near what they carry when they
# run together, without being told: they compute about equally long.  (How much faster that is stands
# in bench/; slowed_device_gets_less.sh has devices whose speed is known.)
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
case $(first_device) in pocl:*) ;; *) skip "pocl is not here" ;; esac

POCL_DEVICES="pthread basic"
export POCL_DEVICES
wide="$plain_pictures --set data.batch=512 --set data.samples=20480 --set train.epochs=5"
# shellcheck disable=SC2086
train "$digits" --devices 'pocl:*' $wide --set train.leave_out=false || finish
a=$(share_of pthread) b=$(share_of basic)
note "shares: pthread $a, basic $b; busy $(json devices 0 busy_s) $(json devices 1 busy_s)" \
    "idle $(json devices 0 idle_s) $(json devices 1 idle_s)"
expect_number "the shares add up to the batch" "$a + $b == 512"
expect_number "both take part" "$a > 0 && $b > 0"
expect_number "they compute about equally long" \
    "$(json devices 0 busy_s) < 3 * $(json devices 1 busy_s) && $(json devices 1 busy_s) < 3 * $(json devices 0 busy_s)"

# Where equal shares are measured to be faster by more than 3 % they are taken.
expect_number "not slower than equal shares" "$(json gain_measured) >= 0.97"

# Held by hand they are what they are told to be, also when that is slower.
# shellcheck disable=SC2086
train "$digits" --devices 'pocl:*' $wide --set 'train.shares=[1, 3]' --steps 40 || finish
expect_equal "shares held 1 to 3" "$(json devices 0 share) $(json devices 1 share)" "128 384"
# Left to choose, it says why a device got nothing.
# shellcheck disable=SC2086
train "$digits" --devices 'pocl:*' $wide --steps 40 || finish
for i in 0 1; do
    if [ "$(json devices "$i" share)" = 0 ]; then
        note "left out: $(json devices "$i" reason)"
        expect "the reason has numbers" sh -c 'echo "$1" | grep -q "[0-9]"' - "$(json devices "$i" reason)"
    fi
done
finish
