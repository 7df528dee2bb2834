#!/bin/sh
# The OpenCL test layer counts, makes calls fail, and makes a device look slower, as it says.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

program=$HELPERS/layers/try_cl
layer=$HELPERS/layers/.libs/libmotley_test_layer.so
[ -f "$layer" ] || skip "$layer is not built"

# try ARGUMENTS...: the program with the layer; status and $tmp/out.
try()
{
    OPENCL_LAYERS=$layer timeout 120 "$program" "$@" >"$tmp/out" 2>&1
    status=$?
}

# 1. Without orders nothing changes, and calls are counted.
MOT_LAYER_COUNT=$tmp/calls try
[ "$status" -eq 77 ] && skip "no OpenCL device"
expect_equal "exit status" "$status" 0
grep -q "clGetPlatformIDs" "$tmp/calls" 2>/dev/null || skip "this OpenCL loader knows no layers"
expect_grep "one program from source" "^clCreateProgramWithSource 1$" "$tmp/calls"
expect_grep "none from binaries" "^clCreateProgramWithBinary 0$" "$tmp/calls"
expect_grep "launches" "^clEnqueueNDRangeKernel 100$" "$tmp/calls"
expect_grep "buffers" "^clCreateBuffer 1$" "$tmp/calls"

# 2. The n-th call fails with the declared code; so do functions that return objects.
while read -r order said; do
    MOT_LAYER_FAIL=$order try
    expect_equal "$order: exit status" "$status" 1
    expect_equal "$order" "$(tail -1 "$tmp/out")" "$said"
done <<END
clEnqueueNDRangeKernel:100:-5 clEnqueueNDRangeKernel -5
clEnqueueNDRangeKernel:1:-54 clEnqueueNDRangeKernel -54
clCreateBuffer:1:-61 clCreateBuffer -61
clBuildProgram:1+:-11 clBuildProgram -11
clFlush:7:-1,clEnqueueReadBuffer:1:-36 clEnqueueReadBuffer -36
clCreateContext:1:-2 clCreateContext -2
END
MOT_LAYER_FAIL=clEnqueueNDRangeKernel:101:-5 try
expect_equal "a call that does not come: exit status" "$status" 0

# 3. A device that is declared slower takes so much longer for whoever waits, however he waits;
# its results stay (the program looks), and the other devices are as they were.
MOT_LAYER_SLOW=nobody=50 try
expect_equal "another device is slow: exit status" "$status" 0
MOT_LAYER_SLOW=nobody=50,=4 try
expect_equal "slow: exit status" "$status" 0
for way in finish read mark poll; do
    expect_number "slow: waiting by $way takes 4 times as long" \
        "$(awk -v way=$way '$1 == way { print $3 " >= 4 * " $2 }' "$tmp/out")"
done
cat "$tmp/out"
finish
