#!/bin/sh
# The JSON line and the output folder hold what the manual promises; stdout is machine-readable; eval and
# predict read the model back.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
train "$digits" --devices "$first" --out "$tmp/run" || finish
expect_equal "the last line is the object" "$(tail -n 1 "$tmp/out" | head -c 1)" "{"
for key in steps epochs samples_per_second step_ms train_loss validation_loss validation_accuracy test_loss test_accuracy seed ranks \
    params_hash epoch_losses devices; do
    expect "key $key" json "$key" >"$tmp/value"
done
for key in id rank share samples busy_s idle_s launches_per_step; do
    expect "key devices[0].$key" json devices 0 "$key" >"$tmp/value"
done
expect_equal "steps" "$(json steps)" 200
expect_equal "epochs" "$(json epochs)" 4
expect_equal "seed" "$(json seed)" 7
expect_equal "ranks" "$(json ranks)" 1
expect_equal "share" "$(json devices 0 share)" 64
expect_equal "samples" "$(json devices 0 samples)" 12800
expect_equal "losses" "$(json epoch_losses length)" 4
expect_number "test accuracy" "$(json test_accuracy) > 0.5 && $(json test_accuracy) <= 1"
expect_number "step_ms" "$(json step_ms) > 0"
keep trained

for file in metrics.jsonl model.safetensors; do
    expect "$file" [ -s "$tmp/run/$file" ]
done
resolved=$(find "$tmp/run" -name '*.yaml')
expect "the resolved configuration" [ -s "${resolved:-none}" ]
expect_equal "no temporary files" "$(find "$tmp/run" -name '*.tmp*')" ""
expect_equal "every line of metrics is an object" "$(grep -vc '^{.*}$' "$tmp/run/metrics.jsonl")" 0
# The resolved configuration says all: the same run from it alone.
train "$resolved" --devices "$first" &&
    expect_equal "the same run from the resolved configuration" "$(json params_hash)" "$(of trained params_hash)"

# A network that is trained anew in its folder is replaced, which is said.
train "$digits" --devices "$first" --steps 2 --out "$tmp/anew" &&
    expect_equal "nothing is replaced in a new folder" "$(grep -c 'replacing the network' "$tmp/err")" 0
train "$digits" --devices "$first" --steps 2 --out "$tmp/anew" &&
    expect_grep "a network is replaced" 'replacing the network in .*/anew$' "$tmp/err"

# The same by --set and options as by the file.
train "$digits" --devices "$first" --seed 9 --epochs 2 --set train.optimizer.lr=0.01
hash=$(json params_hash)
sed 's/seed: 7/seed: 9/; s/epochs: 4/epochs: 2/; s/lr: 0.05/lr: 0.01/' "$digits" >"$tmp/c.yaml"
train "$tmp/c.yaml" --devices "$first" && expect_equal "options and file" "$(json params_hash)" "$hash"
train "$digits" --devices "$first" --steps 30 && expect_equal "--steps" "$(json steps)" 30

launch "" eval "$digits" --devices "$first" --init "$tmp/run/model.safetensors" && {
    expect_close "eval: accuracy" "$(json accuracy)" "$(of trained test_accuracy)" 6
    expect_close "eval: loss" "$(json loss)" "$(of trained test_loss)" 5
}
n_checks=$((n_checks + 1))
run "$MOTLEY" predict "$digits" --devices "$first" --init "$tmp/run/model.safetensors" || fail "predict: exit $status"
expect "predict says something" [ -s "$tmp/out" ]
finish
