#!/bin/sh
# Data of other shapes trains by changing the configuration only: USPS-like digits (16x16, 7,291 of
# them) from IDX files plain and gzip, and the tables wine quality and California housing.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

expect "7,291 digits of 16x16" "$HELPERS/make_idx" 7291 16 1 "$tmp/train-images.gz" "$tmp/train-labels.gz"
expect "2,007 digits of 16x16" "$HELPERS/make_idx" 2007 16 2 "$tmp/test-images" "$tmp/test-labels"
train "$srcdir/tests/train/usps.yaml" --data "$tmp" --devices "$(first_device)" &&
    expect_number "accuracy on 16x16 digits" "$(json test_accuracy) > 0.75" &&
    expect_equal "steps of an epoch: 7291 / 64, rounded up" "$(json steps)" "$((114 * $(json epochs)))"

if [ -d "${MOTLEY_DATA-}/wine-quality" ]; then
    train "$srcdir/examples/wine_quality.yaml" --devices "$(first_device)" &&
        expect_number "R2 on wine quality" "$(json test_accuracy) > 0.2"
    note "wine: R2 $(json test_accuracy)"
else
    note "MOTLEY_DATA has no wine-quality: not tried"
fi
if [ -d "${MOTLEY_DATA-}/california-housing" ]; then
    train "$srcdir/examples/california_housing.yaml" --devices "$(first_device)" &&
        expect_number "R2 on California housing" "$(json test_accuracy) >= 0.79"
    note "California housing: R2 $(json test_accuracy)"
else
    note "MOTLEY_DATA has no california-housing: not tried"
fi
finish
