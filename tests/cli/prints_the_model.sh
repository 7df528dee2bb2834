#!/bin/sh
# `motley model`: layers, sums and memory without a device and without data; what it says of parameters
# is what training writes.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

prints()
{
    n_checks=$((n_checks + 1))
    run "$MOTLEY" model "$@" || fail "exit $status: motley model $*: $(cat "$tmp/err")"
    expect_equal "$*: standard error" "$(cat "$tmp/err")" ""
}
residual=$srcdir/examples/drawn_digits_residual.yaml
branches=$srcdir/tests/train/branches.yaml

# No driver and no data set is in reach.
vendors=${OCL_ICD_VENDORS-}
OCL_ICD_VENDORS=$tmp/none MOTLEY_DATA=$tmp/none
export OCL_ICD_VENDORS MOTLEY_DATA

prints "$residual"
expect_grep "a layer of a definition" '^residual2\.fc1 +linear +\(B,64\) +4,160 +8.19 k$' "$tmp/out"
expect_grep "the sum" '^all +75,850 ' "$tmp/out"
expect_grep "memory" '^training +[0-9.]+ MiB' "$tmp/out"
expect "nothing ends in blanks" sh -c '! grep -q " $" "$1"' - "$tmp/out"

# 784*64 + 6 * 64*64 + 64*10 multiply-adds; biases are parameters besides.
prints "$residual" --json
expect_equal "parameters" "$(json parameters)" $((784 * 64 + 64 + 6 * (64 * 64 + 64) + 64 * 10 + 10))
expect_number "multiply-adds" "$(json multiply_adds) == $((784 * 64 + 6 * 64 * 64 + 64 * 10))"
expect_equal "layers" "$(json layers length)" 21
expect_equal "what an add takes" "$(json layers 6 from)" "residual1.fc2 fc1"
expect_equal "batch" "$(json batch)" 64
m='memory_bytes'
expect_number "memory adds up" "$(json $m training) == $(json $m parameters) + $(json $m gradients) + \
    $(json $m optimizer) + $(json $m activations) + $(json $m input)"
expect_number "Adam keeps two numbers a parameter" "$(json $m optimizer) == 2 * $(json $m parameters)"
small=$(json $m activations)
# ResNet-20 as its authors have it: 0.27 M parameters; 40.6 M multiply-adds in its convolutions, in the
# 40.8 M that are often quoted batch norm's are counted too.
prints "$srcdir/examples/cifar_resnet20.yaml" --json
expect_equal "ResNet-20: parameters" "$(json parameters)" 269722
expect_equal "ResNet-20: multiply-adds" "$(json multiply_adds)" \
    $((16 * 27 * 1024 + 6 * 16 * 144 * 1024 + 32 * 144 * 256 + 5 * 32 * 288 * 256 + 64 * 288 * 64 + \
        5 * 64 * 576 * 64 + 640))
prints "$residual" --json --set data.batch=128 --set train.optimizer.name=sgd
expect_number "activations grow with the batch" "$(json $m activations) == 2 * $small"
expect_equal "plain SGD keeps nothing" "$(json $m optimizer)" 0

# LeNet-5: what a convolution multiplies counts as well.
prints "$srcdir/examples/mnist_lenet.yaml" --json
expect_number "multiply-adds of convolutions" "$(json multiply_adds) == \
    $((784 * 6 * 25 + 100 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10))"

prints "$branches" --dot
expect_grep "a node" '\[label="concat1: concat' "$tmp/out"
expect_grep "a frame" 'label="block2\.residual1"' "$tmp/out"
expect_equal "as many frames end as begin" "$(grep -c '^ *subgraph' "$tmp/out")" "$(grep -c '^  }$' "$tmp/out")"
expect_equal "an edge for each value taken" "$(grep -c -- '->' "$tmp/out")" \
    "$(prints "$branches" --json >/dev/null; grep -o '"from":\[[^]]*\]' "$tmp/out" | grep -o '"[a-z0-9.]*"[],]' | wc -l)"
if command -v dot >/dev/null 2>&1; then
    prints "$branches" --dot
    expect "Graphviz draws it" sh -c 'dot -Tsvg "$1" >"$1.svg"' - "$tmp/out"
else
    note "Graphviz is not installed: nothing was drawn"
fi

# What samples are like is known of these by name, or by what the configuration says.
for set in mnist fashion-mnist digits; do
    prints "$residual" --set data.set=$set --set data.normalize='[0.1, 0.2]'
done
prints "$residual" --set 'data={set: csv, shape: [11], task: regression}' --set \
    'model.layers=[{linear: 3}, {linear: 1}]'
expect_grep "a table" '^fc2 +linear +\(B,1\) +4 ' "$tmp/out"
refuse "a table of which nothing is known" 'data.file|csv' "$MOTLEY" model "$residual" --set data.set=csv
refuse "no configuration" 'config' "$MOTLEY" model
refuse "no such file" 'nowhere.yaml' "$MOTLEY" model "$tmp/nowhere.yaml"
refuse "wrong shapes" 'residual.yaml:[0-9]+ \(in residual\): layer residual1.add1 takes values of one shape, but gets \(B,60\) and \(B,64\)' \
    "$MOTLEY" model "$residual" --set 'model.layers=[flatten, {linear: 64}, {residual: 60}, {linear: 10}]'

# What it says is what training does.
OCL_ICD_VENDORS=$vendors
[ -n "$vendors" ] || unset OCL_ICD_VENDORS
prints "$residual" --json
parameters=$(json parameters)
train "$residual" --devices "$(first_device)" --steps 1 --out "$tmp/run" &&
    expect_number "the file holds that many" "$(wc -c <"$tmp/run/model.safetensors") > 4 * $parameters && \
        $(wc -c <"$tmp/run/model.safetensors") < 4 * $parameters + 4096"
finish
