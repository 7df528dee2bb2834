#!/bin/sh
# A device trains from an archive of kernels that were built offline without one call of a compiler;
# what the archive lacks is named.  On Intel's FPGA emulator where it is, else on the first device.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow

"$MOTLEY" devices --ids >"$tmp/ids" 2>/dev/null
device=$(grep -m 1 -i 'fpga' "$tmp/ids") || device=$(first_device)
note "device $device"
train "$digits" --devices "$device" --steps 60 --out "$tmp/compiled" || finish
hash=$(json params_hash)

expect "export" "$MOTLEY" kernels export "$digits" --devices "$device" --out "$tmp/kernels" >"$tmp/export.out" 2>&1 || cat "$tmp/export.out"
ls "$tmp/kernels"
expect "build offline" "$HELPERS/build_offline" "$device" "$tmp/kernels" || finish
expect "pack" "$MOTLEY" kernels pack "$tmp/kernels" "$tmp/archive" >"$tmp/pack.out" 2>&1 || { cat "$tmp/pack.out"; finish; }

# A cache of its own, empty: no binary from before can help.
mkdir "$tmp/cache"
count="$HELPERS/.libs/layer_count.so"
if [ -f "$count" ]; then
    OPENCL_LAYERS=$count
    MOT_LAYER_COUNT_FILE=$tmp/calls
    export OPENCL_LAYERS MOT_LAYER_COUNT_FILE
fi
XDG_CACHE_HOME=$tmp/cache train "$digits" --devices "$device" --steps 60 --kernels "$tmp/archive" \
    --out "$tmp/offline" || finish
unset OPENCL_LAYERS
expect_equal "the same parameters" "$(json params_hash)" "$hash"
if [ -f "$tmp/calls" ]; then
    cat "$tmp/calls"
    expect "no call of the compiler" sh -c '! grep -E "clBuildProgram_source|clCompileProgram|clCreateProgramWithSource" "$1" | grep -v " 0$"' - "$tmp/calls"
fi
refuse "another model needs other kernels" 'archive|kernel' "$MOTLEY" train "$digits" \
    --devices "$device" --kernels "$tmp/archive" --set train.optimizer.name=adam --steps 5
finish
