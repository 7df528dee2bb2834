#!/bin/sh
# Missing, truncated and lying data files: one message with the file's name, exit 1 or 2, no crash.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

usps=$srcdir/tests/train/usps.yaml
good=$tmp/good
mkdir "$good"
expect "digits to train on" "$HELPERS/make_idx" 300 16 1 "$good/train-images.gz" "$good/train-labels.gz" || finish
expect "digits to test on" "$HELPERS/make_idx" 100 16 2 "$good/test-images" "$good/test-labels" || finish
bad()
{
    refuse "$1" "$2" "$MOTLEY" train "$usps" --data "$tmp/data" --epochs 1 --out "$tmp/written"
    expect "$1: no model is written" [ ! -e "$tmp/written/model.safetensors" ]
    rm -rf "$tmp/data" "$tmp/written"
    cp -r "$good" "$tmp/data"
}
bytes() { printf '%b' "$1"; }

refuse "no such folder" 'nowhere' "$MOTLEY" train "$usps" --data "$tmp/nowhere"
cp -r "$good" "$tmp/data"
rm "$tmp/data/test-labels"
bad "a missing file" 'test-labels'
head -c 5000 "$good/test-images" >"$tmp/data/test-images"
bad "truncated" 'test-images.*(5000|short|truncat|ends|expected|needs|bytes)'
: >"$tmp/data/test-images"
bad "empty" 'test-images'
head -c 1000 "$good/train-images.gz" >"$tmp/data/train-images.gz"
bad "truncated gzip" 'train-images'
{ head -c 500 "$good/train-images.gz"; head -c 200 /dev/zero; tail -c +701 "$good/train-images.gz"; } >"$tmp/data/train-images.gz"
bad "damaged gzip" 'train-images'
cp "$good/test-labels" "$tmp/data/test-images"
bad "labels for images" 'test-images'
cp "$good/test-images" "$tmp/data/test-labels"
bad "images for labels" 'test-(labels|images)'
{ bytes '\0000\0000\0010\0003\0377\0377\0377\0377\0000\0000\0000\0020\0000\0000\0000\0020'; head -c 1000 /dev/zero; } >"$tmp/data/test-images"
bad "a header that claims 4 milliards" 'test-images'
{ bytes '\0000\0000\0010\0003\0177\0377\0377\0377\0177\0377\0377\0377\0177\0377\0377\0377'; head -c 1000 /dev/zero; } >"$tmp/data/test-images"
bad "sizes that overflow" 'test-images'
{ head -c 8 "$good/test-labels"; head -c 99 /dev/zero; } >"$tmp/data/test-labels"
bad "fewer labels than images" 'test-labels'
# 100 labels of which one is 200, in a set whose number of classes is 10
{ head -c 107 "$good/test-labels"; bytes '\0310'; } >"$tmp/data/test-labels"
bad "a label out of range" '200'
head -c 3000 /dev/urandom >"$tmp/data/test-images"
bad "noise" 'test-images'
"$HELPERS/make_idx" 100 14 2 "$tmp/data/test-images" "$tmp/data/test-labels"
bad "test images of another size" '14.*16|16.*14'

# Tables.
table()
{
    printf '%s\n' "data:" "  set: csv" "  file: $tmp/t.csv" "  target: y" "  task: regression" \
        "  test_fraction: 0.2" "  batch: 8" \
        "model:" "  layers:" "    - linear: 4" "    - relu" "    - linear: 1" \
        "train:" "  epochs: 1" "  optimizer:" "    name: sgd" "    lr: 0.01" >"$tmp/table.yaml"
}
table
bad_table() { refuse "$1" "$2" "$MOTLEY" train "$tmp/table.yaml"; }
rows() { awk 'BEGIN { print "a,b,y"; for (i = 0; i < 40; i++) printf "%d,%d,%d\n", i, i % 7, i % 3 }'; }
rows >"$tmp/t.csv"
train "$tmp/table.yaml" --devices "$(first_device)"
rm "$tmp/t.csv"
bad_table "a missing table" 't.csv'
: >"$tmp/t.csv"
bad_table "an empty table" 't.csv'
rows | sed '20s/,/,,/' >"$tmp/t.csv"
bad_table "a row of another length" 't.csv:20|line 20'
rows | sed '30s/^[0-9]*/abc/' >"$tmp/t.csv"
bad_table "a word among numbers" 't.csv:30|line 30'
rows | sed '1s/y/z/' >"$tmp/t.csv"
bad_table "no target column" "'?\"?y'?\"?"
echo "a,b,y" >"$tmp/t.csv"
bad_table "a header only" 't.csv'

# CIFAR, folders of images, texts.
show() { printf 'data: {%s}\n' "$1" >"$tmp/set.yaml"; }
bad_set() { refuse "$1" "$2" "$MOTLEY" data show "$tmp/set.yaml" --data "$tmp/sets"; }
mkdir -p "$tmp/sets/t/cats"
show "set: cifar10"
bad_set "no CIFAR at all" 'data_batch_1.bin.*cifar-10-binary'
head -c 6000 /dev/zero >"$tmp/sets/data_batch_3.bin"
bad_set "a CIFAR file cut off" 'data_batch_3.bin: 6000 bytes'
head -c 3073 /dev/zero >"$tmp/sets/data_batch_3.bin"
expect "one record of CIFAR" run "$MOTLEY" data show "$tmp/set.yaml" --data "$tmp/sets"
expect_grep "what is missing is said" '1 of 5 training files are there, with 1 pictures, and no test_batch.bin' "$tmp/out"
show "set: images, train_images: t"
bad_set "a class without images" 't/cats has no PNG or JPEG images'
printf '\211PNG\r\n\032\n broken' >"$tmp/sets/t/cats/a.png"
bad_set "a broken PNG" 't/cats/a.png.*PNG'
printf '\377\330\377\340 broken' >"$tmp/sets/t/cats/a.png"
bad_set "a broken JPEG, whatever its name" 't/cats/a.png.*JPEG'
show "set: text, file: t.txt"
bad_set "no text" 't.txt'
printf 'ab\377' >"$tmp/sets/t.txt"
bad_set "a text that is not UTF-8" 't.txt is not UTF-8 at byte 2'
printf 'short' >"$tmp/sets/t.txt"
bad_set "a text shorter than a window" '5 tokens; a window of data.context 64'

# Sets that are not there say how to get them.
unset MOTLEY_DATA
refuse "no MOTLEY_DATA" 'MOTLEY_DATA|get-data' "$MOTLEY" train "$srcdir/examples/mnist_mlp.yaml"
MOTLEY_DATA=$tmp refuse "an empty MOTLEY_DATA" 'get-data' "$MOTLEY" train "$srcdir/examples/mnist_mlp.yaml"
finish
