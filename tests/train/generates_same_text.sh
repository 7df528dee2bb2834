#!/bin/sh
# Networks of recurrent and of attention layers are trained on a small text, alike on one device, on two
# unlike ones, and on two ranks: losses equal to 4 digits.  What they generate follows the text, is the same on
# every device, and what cannot be generated is told.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule

words=$srcdir/tests/train/words.yaml
line='one two three '
awk -v line="$line" 'BEGIN { for (i = 0; i < 200; i++) printf "%s", line; print "vuvu" }' >"$tmp/words.txt"
first=$(first_device)
transformer='[embedding: {vocabulary: 11, out: 12, name: token}, position, layer_norm, {attention: {heads: 2, causal: true}}, {linear: {out: 11, tied: token}}]'

# generate DIR ARGUMENTS...: the text, in $tmp/text.
generate()
{
    n_checks=$((n_checks + 1))
    folder=$1
    shift
    run "$MOTLEY" generate "$folder" --prompt 'one ' --json "$@" || { fail "generate: exit $status"; cat "$tmp/err"; }
    json text >"$tmp/text"
}
same_text() { expect_equal "$1" "$(cat "$tmp/text")" "$2"; }

train "$words" --data "$tmp" --devices "$first" --out "$tmp/one" || finish
keep one
train "$words" --data "$tmp" --devices "$first" --out "$tmp/gpt" --set "model.layers=$transformer"
keep gpt
alike() { expect_close "$1: losses" "$(of "$2" epoch_losses)" "$(json epoch_losses)" 4; }
# The text's characters are added to the configuration when it is read; what else it says still holds then.
train "$words" --data "$tmp" --devices "$first" --set train.shares=equal && alike "equal shares of one" one
if have_mpi; then
    launch "$(mpi 2)" train "$words" --data "$tmp" --devices "$first" --set train.shares=equal &&
        alike "equal shares of two ranks" one
fi
for net in one gpt; do
    if [ "${first%:*}" = pocl ]; then
        POCL_DEVICES="pthread basic" train "$tmp/$net/config.yaml" --data "$tmp" --devices 'pocl:*' \
            --set 'train.shares=[5, 2]' && alike "$net on two devices" $net
    fi
    if have_mpi; then
        launch "$(mpi 2)" train "$tmp/$net/config.yaml" --data "$tmp" --devices "$first" &&
            alike "$net on two ranks" $net
    fi
    # The likeliest continuation of what was learnt by heart, farther than a window.
    generate "$tmp/$net" --devices "$first" --temperature 0 --length 40
    same_text "$net goes on with the text" "two three one two three one two three on"
    # Drawn: by seed and place, on any device.
    generate "$tmp/$net" --devices "$first" --temperature 1.5 --length 60
    drawn=$(cat "$tmp/text")
    expect "$net: as many tokens as asked for" [ "$(json tokens length)" = 60 ]
    generate "$tmp/$net" --devices "$first" --temperature 1.5 --length 60
    same_text "$net, again" "$drawn"
    generate "$tmp/$net" --devices "$first" --temperature 1.5 --length 60 --seed 2
    expect "$net: another seed, another text" [ "$(cat "$tmp/text")" != "$drawn" ]
    generate "$tmp/$net" --devices "$first" --temperature 9 --length 60 --top-k 1
    expect_grep "$net: of one candidate" '^two three one two three' "$tmp/text"
    if [ "${first%:*}" = pocl ]; then
        POCL_DEVICES="pthread basic" generate "$tmp/$net" --devices pocl:1 --temperature 1.5 --length 60
        same_text "$net on an unlike device" "$drawn"
    fi
done

# As text on standard output: the prompt, what follows, a new line.
run "$MOTLEY" generate "$tmp/one" --devices "$first" --prompt 'one ' --temperature 0 --length 4
expect_equal "text is printed" "$(cat "$tmp/out")" "one two "
train "$words" --data "$tmp" --devices "$first" --out "$tmp/bytes" --steps 5 --set data.tokens=bytes --set train.storage=fp16 \
    --set 'model.layers=[embedding: {vocabulary: 256, out: 4}, gru: 4, linear: 256]'
generate "$tmp/bytes" --devices "$first" --length 5
expect_equal "a network of bytes" "$(json tokens length)" 5

refuse "a character that it does not know" 'the prompt:1: the character U\+0058 is not among the 11' \
    "$MOTLEY" generate "$tmp/one" --prompt 'one X'
refuse "no folder of a training" 'nowhere/config.yaml' "$MOTLEY" generate "$tmp/nowhere"
refuse "a temperature below 0" 'temperature' "$MOTLEY" generate "$tmp/one" --temperature -1
rm "$tmp/gpt/model.safetensors"
refuse "no weights" 'gpt/model.safetensors' "$MOTLEY" generate "$tmp/gpt"
cp "$tmp/bytes/model.safetensors" "$tmp/gpt"
refuse "weights of another network" 'token.weight' "$MOTLEY" generate "$tmp/gpt"
grep -v vocabulary: "$tmp/one/config.yaml" >"$tmp/bytes/config.yaml"
refuse "no vocabulary" 'data.vocabulary' "$MOTLEY" generate "$tmp/bytes"
sed 's/causal: true/causal: false/' "$tmp/gpt/config.yaml" >"$tmp/bytes/config.yaml"
refuse "attention to what follows" 'attn1.*causal' "$MOTLEY" generate "$tmp/bytes"
cp "$digits" "$tmp/bytes/config.yaml"
refuse "a network for pictures" 'drawn-digits is no text' "$MOTLEY" generate "$tmp/bytes"
finish
