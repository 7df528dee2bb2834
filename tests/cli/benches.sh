#!/bin/sh
# `motley bench` measures products in all forms, operators and steps, and says it as JSON; `train
# --profile` says where the time goes.  Small shapes: whether it is fast is no question here.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow

first=$(first_device)
rows() { json length; }
# bench WHAT ARGUMENTS...: must succeed, its last line an array.
bench()
{
    n_checks=$((n_checks + 1))
    what=$1
    shift
    [ "$what" = step ] || set -- "$@" --time 20
    run timeout 600 "$MOTLEY" bench "$what" "$@" --devices "$first" --json && return 0
    fail "exit $status: motley bench $what $*: $(head -c 400 "$tmp/err")"
    return 1
}
keys()
{
    for key in "$@"; do
        expect "key $key" json 0 "$key" >"$tmp/value"
    done
}

if bench gemm 17x33x5 24x16x40:NT 16x24x40:TN 20x30x10:TT '3*8x9x10:NN'; then
    expect_equal "a row for each shape" "$(rows)" 5
    keys device what m n k form time_s gflops peak fraction
    expect_equal "device" "$(json 0 device)" "$first"
    expect_equal "forms" "$(json 0 form) $(json 1 form) $(json 2 form) $(json 3 form)" "NN NT TN TT"
    expect_equal "sizes" "$(json 4 batch) $(json 4 m) $(json 4 n) $(json 4 k)" "3 8 9 10"
    expect_number "time and rate" "$(json 1 time_s) > 0 && $(json 1 gflops) > 0 && $(json 1 peak) > 0"
    expect_number "rate is work over time" \
        "$(json 1 gflops) * $(json 1 time_s) * 1e9 / (2 * 24 * 16 * 40) - 1 < 1e-3 &&
         $(json 1 gflops) * $(json 1 time_s) * 1e9 / (2 * 24 * 16 * 40) - 1 > -1e-3"
    expect_equal "one line on standard output" "$(grep -c . "$tmp/out")" 1
    expect_grep "rows for people" '24x16x40 NT' "$tmp/err"
fi
bench gemm 24x24x24:TT --variant plain && expect_equal "the variant asked for" "$(json 0 variant)" plain
bench gemm 24x24x24 --variants && {
    expect_number "several variants" "$(rows) > 1"
    # Numbers are checked before they are timed; a variant that fails is named.
    expect "no variant gives wrong numbers" sh -c '! grep -q "wrong numbers" "$1"' - "$tmp/err"
}
if bench conv 2x3x9x8:4x3x3/2 2x4x6x6:4x3x3g2; then
    expect_equal "forward and both gradients" "$(rows)" 6
    keys device what m n k shape gflops peak fraction
    expect_equal "what" "$(json 0 what) $(json 1 what) $(json 2 what)" "forward dinput dweight"
    expect_equal "sizes" "$(json 3 shape) $(json 3 batch) $(json 3 m) $(json 3 n) $(json 3 k)" \
        "2x4x6x6:4x3x3g2 2 72 2 18"
fi
bench conv 2x4x6x6:4x3x3 --variants && {
    expect_number "several variants" "$(rows) > 3"
    expect "no variant gives wrong numbers" sh -c '! grep -q "wrong numbers" "$1"' - "$tmp/err"
}
if bench attention 1x2x9x5 2x1x17x8:full --variants; then
    expect_equal "forward and backward" "$(json 0 what) $(json 0 shape)" "forward 1x2x9x5"
    keys device what shape time_s gflops peak fraction
    expect "no variant gives wrong numbers" sh -c '! grep -q "wrong numbers" "$1"' - "$tmp/err"
fi
if bench ops --size 1; then
    expect_number "operators" "$(rows) >= 10"
    keys device what m n time_s gbytes_per_s peak fraction
fi
bench ops adam --size 1 && expect_equal "one operator" "$(rows) $(json 0 what)" "1 adam"
if bench step "$digits" --steps 20; then
    keys device step_ms samples_per_second launches gflops fraction
    expect_number "a step" "$(json 0 step_ms) > 0 && $(json 0 launches) > 0 && $(json 0 gflops) > 0"
fi

train "$digits" --devices "$first" --steps 40 --profile && {
    expect_number "operators in the profile" "$(json profile rows length) >= 4"
    for key in device op layer phase time_s launches flops bytes fraction bound; do
        expect "key $key" json profile rows 0 "$key" >"$tmp/value"
    done
    expect_number "steps" "$(json profile steps) >= 20 && $(json profile step_s) > 0"
    expect_grep "a table" 'matrix products: .* of the step' "$tmp/err"
}
keep profiled
train "$digits" --devices "$first" --steps 40 &&
    expect_equal "measuring changes nothing" "$(json params_hash)" "$(of profiled params_hash)"

if have_mpi; then
    launch "$(mpi 2)" train "$digits" --devices "$first" --steps 40 --profile \
        --set train.leave_out=false --set train.shares=equal && {
        expect_number "the exchange is in it" \
            "$(json profile exchange_s) > 0 && $(json profile exposed_s) > 0"
        expect_grep "and in the table" 'exchange of gradients.*hidden' "$tmp/err"
    }
fi

refuse "no shape" 'NN.*NT|shape' "$MOTLEY" bench gemm 12x
refuse "a form that is none" 'shape' "$MOTLEY" bench gemm 12x12x12:NX
refuse "a size of nothing" 'shape' "$MOTLEY" bench gemm 0x12x12
refuse "a size that overflows" 'shape' "$MOTLEY" bench gemm 99999999999999999999x12x12
refuse "a variant that is none" 'no variant' "$MOTLEY" bench gemm 8x8x8 --variant fast
refuse "no convolution" 'BxCxHxW' "$MOTLEY" bench conv 2x3x9x8
refuse "groups that do not divide" 'BxCxHxW' "$MOTLEY" bench conv 2x3x9x8:4x3x3g2
refuse "no shape of attention" '12x4x64x32:full' "$MOTLEY" bench attention 12x4x64
refuse "no variant of attention" 'no variant' "$MOTLEY" bench attention 1x1x2x2 --variant fast
refuse "an operator that is none" "did you mean 'dropout'" "$MOTLEY" bench ops dropot
refuse "no command" 'gemm, conv, attention, ops and step' "$MOTLEY" bench
finish
