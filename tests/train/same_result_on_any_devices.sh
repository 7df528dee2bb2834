#!/bin/sh
# The same training on one device, on two unlike ones, and on every driver at hand: the loss after
# each epoch is equal to 5 digits, parameters after 200 steps within 1e-5 (relative norm), dropout
# included.  A convolutional network on one device and on two as well.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

same_as_one()
{
    expect_close "$1: loss of every epoch" "$(of one epoch_losses)" "$(json epoch_losses)" 5
    expect "$1: parameters" "$HELPERS/params_diff" "$tmp/one/model.safetensors" \
        "$tmp/$1/model.safetensors" 1e-5
    expect_equal "$1: steps" "$(json steps)" "$(of one steps)"
}
# Every device of the run took part: otherwise it shows nothing.
all_took_part()
{
    n=$(json devices length)
    expect_number "$1: devices" "$n >= $2"
    i=0
    while [ "$i" -lt "$n" ]; do
        note "$1: $(json devices "$i" id) share $(json devices "$i" share) samples $(json devices "$i" samples)"
        expect_number "$1: samples of device $i" "$(json devices "$i" samples) > 0"
        i=$((i + 1))
    done
}

first=$(first_device)
train "$digits" --devices "$first" --out "$tmp/one" || finish
keep one
expect_equal "steps" "$(json steps)" 200
expect_number "the loss falls" "$(of one epoch_losses | awk '{ print $NF " < 0.8 * " $1 }')"

# Shares held unequal by hand, so that all devices take part whatever they measure.
if [ "${first%:*}" = pocl ]; then
    POCL_DEVICES="pthread basic" train "$digits" --devices 'pocl:*' --out "$tmp/two" \
        --set 'train.shares=[7, 1]' && same_as_one two && all_took_part two 2
    train "$digits" --devices 'pocl:0/2' --out "$tmp/parts" --set 'train.shares=[1, 1]' &&
        same_as_one parts && all_took_part parts 2
fi

n=$(devices_listed length)
if [ "$n" -gt 1 ]; then
    shares=$(awk -v n="$n" 'BEGIN { for (i = 1; i <= n; i++) printf "%s%d", (i > 1 ? ", " : ""), i }')
    train "$digits" --devices all --out "$tmp/all" --set "train.shares=[$shares]" &&
        same_as_one all && all_took_part all "$n"
    train "$digits" --devices all --out "$tmp/measured" && same_as_one measured
else
    note "one device only: no second driver to compare with"
fi

if [ "${first%:*}" = pocl ]; then
    images=$srcdir/tests/train/images.yaml
    rm -rf "$tmp/one" "$tmp/two"
    train "$images" --devices "$first" --out "$tmp/one" || finish
    keep one
    expect_number "images: the loss falls" "$(of one epoch_losses | awk '{ print $NF " < 0.9 * " $1 }')"
    POCL_DEVICES="pthread basic" train "$images" --devices 'pocl:*' --out "$tmp/two" \
        --set 'train.shares=[3, 1]' && same_as_one two && all_took_part two 2
fi
finish
