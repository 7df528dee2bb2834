#!/bin/sh
# Convolutions, attention, norms and activations are tuned as products are: found by a short search, remembered
# under shapes that people can read, used with the same bits in every run; damaged lines are no reason to fail.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow

MOTLEY_JOIN=0 # one launch for each operator: for each choice a small kernel is compiled
export MOTLEY_JOIN
first=$(first_device)
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
sed 's/samples: 1280/samples: 320/' "$srcdir/tests/train/images.yaml" >"$tmp/cnn.yaml"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "the quick brown fox jumps over the lazy dog"; done >"$tmp/fox.txt"
cat >"$tmp/gpt.yaml" <<CONFIG
data: {set: text, file: $tmp/fox.txt, context: 16, batch: 4}
model:
  layers:
    - embedding: {vocabulary: 28, out: 16}
    - layer_norm
    - attention: {heads: 2, causal: true}
    - linear: 24
    - gelu
    - linear: 28
train: {steps: 10, seed: 3, optimizer: {name: adamw, lr: 0.001}}
CONFIG
file() { ls "$tmp"/cache/motley/tuned-* 2>/dev/null | grep -v lock | head -1; }
known() { expect_grep "$1 is remembered" "^(quick )?$1 .*-> .* : " "$(file)"; }

# search NAME: the first training looks for something, the second one takes it, another goes by the rules.
search()
{
    train "$tmp/$1.yaml" --devices "$first" -v
    expect_grep "$1: it searches" '^motley: tune device .* problems [1-9]' "$tmp/err"
    keep first
    cp "$(file)" "$tmp/remembered"
    train "$tmp/$1.yaml" --devices "$first" -v
    expect "$1: the next one does not search" sh -c '! grep -q "motley: tune device" "$1"' - "$tmp/err"
    expect "$1: nor change what is remembered" cmp -s "$(file)" "$tmp/remembered"
    expect_equal "$1: the same bits" "$(json params_hash)" "$(of first params_hash)"
    MOTLEY_TUNED=0 train "$tmp/$1.yaml" --devices "$first" -v
    expect "$1: by the rules nothing is read" sh -c '! grep -q "tuned device" "$1"' - "$tmp/err"
    keep "$1-rule"
    train "$tmp/$1.yaml" --devices "$first" --set train.tune=false
    expect_equal "$1: both ways to switch it off" "$(json params_hash)" "$(of "$1-rule" params_hash)"
}

# 1. Found, remembered, used.
search cnn
for op in conv2d conv2d_dinput conv2d_dweight relu_grad; do known $op; done
search gpt
for op in attention attention_grad norm norm_grad activation activation_grad; do known $op; done

# 2. What is remembered is used, whoever wrote it, and only that; the same in every run.
sed '/->/s/^quick //; /^conv2d/s/ : .*/ : tile groups 3 rows 5/; /^attention/s/ : .*/ : lanes block 8/
     /^norm/s/ : .*/ : vector groups 3/; /^activation/s/ : .*/ : vector groups 2/' "$(file)" >"$tmp/by_hand"
cp "$tmp/by_hand" "$(file)"
for net in cnn gpt; do
    train "$tmp/$net.yaml" --devices "$first" && keep by_hand
    expect_close "$net: by hand, losses" "$(json epoch_losses | tr -d '[],' | tr '\n' ' ')" \
        "$(of "$net-rule" epoch_losses | tr -d '[],' | tr '\n' ' ')" 3
    train "$tmp/$net.yaml" --devices "$first"
    expect_equal "$net: by hand, the same bits" "$(json params_hash)" "$(of by_hand params_hash)"
done
expect "what was written by hand stays" cmp -s "$(file)" "$tmp/by_hand"
run "$MOTLEY" train "$tmp/gpt.yaml" --devices "$first" --profile
expect_number "the profile comes" "$status == 0"

# 3. Damaged lines are skipped, the others count.
{
    sed '/^attention_grad/s/ -> / => /; /^norm /s/ : .*/ : vector groups -3/' "$tmp/by_hand"
    printf 'conv2d 1x1x1x1 ->  : tile\nattention 2x3x -> 1 heads x : lanes\nbad every soup : lanes\n'
} >"$(file)"
train "$tmp/cnn.yaml" --devices "$first" -v
expect_grep "a damaged line is skipped" 'tuned file .* line [0-9]+ skipped 1' "$tmp/err"
train "$tmp/gpt.yaml" --devices "$first" -v
expect_grep "what was lost is searched for" '^motley: tune device .* problems [1-9]' "$tmp/err"
known attention_grad

# 4. `motley tune` looks at them, and is never slower.
n_checks=$((n_checks + 1))
run timeout 300 "$MOTLEY" tune "$tmp/gpt.yaml" --devices "$first" --set data.batch=3 --anew --json ||
    fail "motley tune: $(tail -n 3 "$tmp/err")"
i=0
while [ "$i" -lt "$(json problems length)" ]; do
    expect_number "problem $i is not slower than by rule" "$(json problems "$i" gain) >= 1"
    i=$((i + 1))
done
expect_grep "attention is among them" '^attention_grad 3x16x16 .*heads 2 causal : ' "$(file)"
finish
