#!/bin/sh
# A device trains from an archive of kernels that were built offline without one call of a compiler;
# what the archive lacks is named.  On Intel's FPGA emulator where it is, else on the first device.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
# By the rules, as a training from an archive goes: tuned choices differ by rounding.
by_rule

"$MOTLEY" devices --ids >"$tmp/ids" 2>/dev/null
device=$(grep -m 1 -i 'fpga' "$tmp/ids") || device=$(first_device)
note "device $device"
train "$digits" --devices "$device" --steps 60 --out "$tmp/compiled" || finish
hash=$(json params_hash)

must() { n_checks=$((n_checks + 1)); run "$@" && return; fail "exit $status: $*: $(cat "$tmp/err")"; finish; }
must "$MOTLEY" kernels export "$digits" --devices "$device" --out "$tmp/kernels"
expect "sources are exported" [ -s "$tmp/kernels/kernels.list" ]
must "$MOTLEY" kernels build "$tmp/kernels" --devices "$device"
must "$MOTLEY" kernels pack "$tmp/kernels" "$tmp/archive"

# A cache of its own, empty: no binary from before can help.
mkdir "$tmp/cache"
layer=$HELPERS/layers/.libs/libmotley_test_layer.so
if [ -f "$layer" ]; then
    OPENCL_LAYERS=$layer MOT_LAYER_COUNT=$tmp/calls
    export OPENCL_LAYERS MOT_LAYER_COUNT
fi
XDG_CACHE_HOME=$tmp/cache train "$digits" --devices "$device" --steps 60 --kernels "$tmp/archive" \
    --out "$tmp/offline" || finish
unset OPENCL_LAYERS MOT_LAYER_COUNT
expect_equal "the same parameters" "$(json params_hash)" "$hash"
if grep -q clGetPlatformIDs "$tmp/calls" 2>/dev/null; then
    grep -E 'Program' "$tmp/calls"
    expect_grep "no source reaches the driver" '^clCreateProgramWithSource 0$' "$tmp/calls"
    expect_grep "nothing is compiled" '^clCompileProgram 0$' "$tmp/calls"
    expect_grep "binaries are used" '^clCreateProgramWithBinary [1-9]' "$tmp/calls"
else
    note "this OpenCL loader knows no layers: calls of the compiler were not counted"
fi
refuse "another model needs other kernels" 'archive|kernel' "$MOTLEY" train "$digits" \
    --devices "$device" --kernels "$tmp/archive" --set train.optimizer.name=adam --steps 5
finish
