#!/bin/sh
# `motley data show` counts what a set has, `data pack` makes a file that trains to the same bits and
# is refused when it is damaged; `data` itself says what it needs.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

expect "show" run "$MOTLEY" data show "$digits" --set data.validation=200 --json
expect_equal "samples" "$(json parts train samples) $(json parts validation samples) $(json parts test samples)" "3000 200 500"
expect_equal "classes" "$(json classes) $(json parts train counts length)" "10 10"
expect_equal "a sample" "$(json sample 0) $(json sample 1) $(json sample 2) $(json type)" "1 28 28 u8"
expect_equal "the counts add up" \
    "$(i=0; while [ $i -lt 10 ]; do json parts train counts $i; i=$((i + 1)); done | awk '{ n += $1 } END { print n }')" 3000
expect "show for people" run "$MOTLEY" data show "$digits"
expect_grep "a line to copy" '^normalize: \[\[0\.[0-9]{4}\], \[0\.[0-9]{4}\]\]$' "$tmp/out"

first=$(first_device)
train "$digits" --devices "$first" --set data.shuffle=false --epochs 1 || finish
hash=$(json params_hash)
expect "pack" run "$MOTLEY" data pack "$digits" --out "$tmp/digits.pack"
sed "s/set: drawn-digits/set: packed/; s/samples: 3200/file: digits.pack/; /test_samples/d" "$digits" >"$tmp/packed.yaml"
train "$tmp/packed.yaml" --data "$tmp" --devices "$first" --set data.shuffle=false --epochs 1 &&
    expect_equal "the same bits from the packed file" "$(json params_hash)" "$hash"
expect "show the packed file" run "$MOTLEY" data show "$tmp/packed.yaml" --data "$tmp" --json
mean=$(json mean 0)
expect "show the set it was made of" run "$MOTLEY" data show "$digits" --json
expect_equal "mean" "$mean" "$(json mean 0)"

head -c 100000 "$tmp/digits.pack" >"$tmp/cut.pack"
refuse "a truncated file" 'cut.pack has 100000 bytes.*cut off' "$MOTLEY" train "$tmp/packed.yaml" --data "$tmp" --set data.file=cut.pack
{ head -c 9000 "$tmp/digits.pack"; printf '!!!!'; tail -c +9005 "$tmp/digits.pack"; } >"$tmp/changed.pack"
refuse "changed samples" 'the samples of its train part have changed' "$MOTLEY" data show "$tmp/packed.yaml" --data "$tmp" --set data.file=changed.pack
refuse "a configuration for a packed file" 'no packed data set' "$MOTLEY" data show "$tmp/packed.yaml" --set "data.file=$digits"
refuse "no file to write" '--out' "$MOTLEY" data pack "$digits"
refuse "a folder that is not there" 'nowhere/x' "$MOTLEY" data pack "$digits" --out "$tmp/nowhere/x"
refuse "data alone" 'show and pack' "$MOTLEY" data
expect_equal "no temporary files" "$(find "$tmp" -name '*.tmp')" ""

if [ -f "${MOTLEY_DATA-}/mnist/train-images-idx3-ubyte.gz" ]; then
    printf 'data: {set: mnist}\n' >"$tmp/mnist.yaml"
    expect "show MNIST" run "$MOTLEY" data show "$tmp/mnist.yaml"
    expect_grep "the published mean and deviation" '^normalize: \[\[0.1307\], \[0.3081\]\]$' "$tmp/out"
fi
finish
