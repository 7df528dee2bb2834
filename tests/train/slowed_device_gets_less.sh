#!/bin/sh
# Two equal halves of a CPU share the batch about equally; when a loader layer makes one kind of device
# several times slower than it is, its share shrinks accordingly, and the result stays the same.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
MOTLEY_TUNED=0 # nothing is compiled to be tried
export MOTLEY_TUNED
case $(first_device) in pocl:*) ;; *) skip "pocl is not here" ;; esac
layer=$HELPERS/layers/.libs/libmotley_test_layer.so
[ -f "$layer" ] || skip "$layer is not built"

POCL_DEVICES="basic basic"
export POCL_DEVICES
# A batch so large that what a launch costs, eight times, is little beside the others' work.
wide="$plain_pictures --set data.batch=2048 --set data.samples=20480 --set train.epochs=2 --set train.leave_out=false"
# Again where another program has taken one of the processors meanwhile.
for _ in 1 2 3; do
    # shellcheck disable=SC2086
    train "$digits" --devices 'pocl:*' $wide || finish
    keep equal
    a=$(json devices 0 share) b=$(json devices 1 share)
    note "two of a kind: shares $a $b"
    [ "$a" -le 600 ] || [ "$b" -le 600 ] || break
done
expect_number "two of a kind share the batch" "$a + $b == 2048"
expect_number "about equally" "$a > 600 && $b > 600"

# A layer makes pthread eight times slower than it is: now basic carries more.
POCL_DEVICES="pthread basic"
OPENCL_LAYERS=$layer MOT_LAYER_SLOW=pthread=8
export OPENCL_LAYERS MOT_LAYER_SLOW
# shellcheck disable=SC2086
train "$digits" --devices 'pocl:*' $wide || finish
unset OPENCL_LAYERS MOT_LAYER_SLOW
a=$(share_of pthread) b=$(share_of basic)
note "pthread slowed 8 times: pthread $a, basic $b"
expect_number "the slowed one gets less" "2 * $a < $b"
expect_number "but something" "$a > 0"
expect_close "the result is the same" "$(of equal epoch_losses)" "$(json epoch_losses)" 5
finish
