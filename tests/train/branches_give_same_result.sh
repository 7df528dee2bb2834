#!/bin/sh
# Branches, repetitions and definitions train alike on one device, on two unlike ones, and on
# two ranks: losses equal to 5 digits, parameters within 1e-5.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule

branches=$srcdir/tests/train/branches.yaml
same_as_one()
{
    expect_close "$1: loss of every epoch" "$(of one epoch_losses)" "$(json epoch_losses)" 5
    expect "$1: parameters" "$HELPERS/params_diff" "$tmp/one/model.safetensors" \
        "$tmp/$1/model.safetensors" 1e-5
}

first=$(first_device)
train "$branches" --devices "$first" --out "$tmp/one" || finish
keep one
expect_number "the loss falls" "$(of one epoch_losses | awk '{ print $NF " < 0.9 * " $1 }')"
# What was resolved and written reads back as the same model.
train "$tmp/one/config.yaml" --devices "$first" --out "$tmp/again" &&
    expect_equal "the resolved configuration trains the same" "$(json params_hash)" "$(of one params_hash)"
if [ "${first%:*}" = pocl ]; then
    POCL_DEVICES="pthread basic" train "$branches" --devices 'pocl:*' --out "$tmp/two" \
        --set 'train.shares=[5, 2]' && same_as_one two
fi
n=$(devices_listed length)
if [ "$n" -gt 1 ]; then
    shares=$(awk -v n="$n" 'BEGIN { for (i = 1; i <= n; i++) printf "%s%d", (i > 1 ? ", " : ""), i }')
    train "$branches" --devices all --out "$tmp/all" --set "train.shares=[$shares]" && same_as_one all
fi
if have_mpi; then
    launch "$(mpi 2)" train "$branches" --devices "$first" --out "$tmp/ranks" && same_as_one ranks
fi
finish
