#!/bin/sh
# --init with a file that is missing, damaged, or of other shapes; kernels' archive likewise.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
short="--devices $first --steps 10"
# shellcheck disable=SC2086
train "$digits" $short --out "$tmp/good" || finish
model=$tmp/good/model.safetensors
# shellcheck disable=SC2086
train "$digits" $short --init "$model" --out "$tmp/again"
bad()
{
    # shellcheck disable=SC2086
    refuse "$1" "$2" "$MOTLEY" train "$digits" $short --init "$tmp/bad.safetensors" --out "$tmp/written"
    expect "$1: no model is written" [ ! -e "$tmp/written/model.safetensors" ]
    rm -rf "$tmp/written"
}

bad "missing" 'bad.safetensors'
: >"$tmp/bad.safetensors"
bad "empty" 'bad.safetensors'
head -c 1000 "$model" >"$tmp/bad.safetensors"
bad "truncated" 'bad.safetensors'
head -c 5 "$model" >"$tmp/bad.safetensors"
bad "shorter than its length field" 'bad.safetensors'
{ printf '\377\377\377\377\377\377\377\177'; tail -c +9 "$model"; } >"$tmp/bad.safetensors"
bad "a header length beyond the file" 'bad.safetensors'
sed 's/F32/F99/' "$model" >"$tmp/bad.safetensors"
bad "an unknown type" 'bad.safetensors'
head -c 2000 /dev/urandom >"$tmp/bad.safetensors"
bad "noise" 'bad.safetensors'
{ head -c -4 "$model"; printf '\000\000\300\177'; } >"$tmp/bad.safetensors"
bad "a weight that is no number" 'bad.safetensors.*no numbers'
# shellcheck disable=SC2086
train "$digits" $short --set 'model.layers=[flatten,{linear: 32},relu,{linear: 10}]' --out "$tmp/other" &&
    cp "$tmp/other/model.safetensors" "$tmp/bad.safetensors"
bad "other shapes" '32.*48|48.*32'

head -c 3000 /dev/urandom >"$tmp/archive"
# shellcheck disable=SC2086
refuse "noise as an archive of kernels" 'archive' "$MOTLEY" train "$digits" $short --kernels "$tmp/archive"
# shellcheck disable=SC2086
refuse "no archive of kernels" 'nowhere' "$MOTLEY" train "$digits" $short --kernels "$tmp/nowhere"

# A checkpoint that promises more epochs than it has losses of (the header keeps its length).
# shellcheck disable=SC2086
train "$digits" --devices "$first" --steps 100 --out "$tmp/far"
file=$tmp/far/checkpoint.safetensors
sed 's/"epoch": *"2"/"epoch":"20000000000"/; s/"step": *"100"/"step":"1000000000000"/
    s/"epoch_losses": *"0x1\..\{16\}/"epoch_losses":"/' "$file" >"$tmp/cut"
expect_equal "the same size" "$(wc -c <"$tmp/cut")" "$(wc -c <"$file")"
cp "$tmp/cut" "$file"
refuse "a checkpoint from far ahead" 'checkpoint.*losses' "$MOTLEY" train "$digits" --devices "$first" \
    --out "$tmp/far" --resume

# A damaged checkpoint.
# shellcheck disable=SC2086
for file in "$tmp"/good/*checkpoint*; do
    [ -f "$file" ] || continue
    head -c 700 "$file" >"$tmp/cut" && cp "$tmp/cut" "$file"
    seen=yes
done
[ "${seen-}" != yes ] || refuse "a truncated checkpoint" 'checkpoint' "$MOTLEY" train "$digits" \
    --devices "$first" --steps 20 --out "$tmp/good" --resume
finish
