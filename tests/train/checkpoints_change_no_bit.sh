#!/bin/sh
# Blocks that are computed again for backward give the parameters of a training that keeps all, to the
# bit, in less memory: on every device, on two unlike ones, with a batch in parts.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule
again=$srcdir/tests/train/checkpoints.yaml
kept=$tmp/kept.yaml
sed 's/checkpoint: true/checkpoint: false/' "$again" >"$kept"

# both NAME ARGUMENTS...: trained both ways.
both()
{
    name=$1
    shift
    train "$kept" "$@" || return
    keep kept
    train "$again" "$@" || return
    expect_equal "$name: hash of the parameters" "$(json params_hash)" "$(of kept params_hash)"
    expect_equal "$name: losses" "$(json epoch_losses)" "$(of kept epoch_losses)"
    expect_equal "$name: test loss" "$(json test_loss)" "$(of kept test_loss)"
}

run "$MOTLEY" model "$kept" --json || fail "motley model: $(cat "$tmp/err")"
activations=$(json memory_bytes activations) flops=$(json step_flops)
expect_equal "none is computed again" "$(json checkpoints blocks) $(json checkpoints saved_bytes)" "0 0"
run "$MOTLEY" model "$again" --json || fail "motley model: $(cat "$tmp/err")"
saved=$(json checkpoints saved_bytes)
expect_equal "blocks" "$(json checkpoints blocks)" 6
expect_number "memory" "$(json memory_bytes activations) + $saved == $activations"
expect_number "a good part of it" "$saved > 0.4 * $activations"
expect_number "work" "$(json step_flops) == $flops + $(json checkpoints flops)"
expect_number "not more than forward" "$(json checkpoints flops) <= $(json batch) * $(json flops)"
note "activations $activations, $saved of them saved"
run "$MOTLEY" model "$again" && expect_grep "it is told" 'checkpoints save [0-9.]+ [KM]iB' "$tmp/out"

first=$(first_device)
n=$(devices_listed length) i=0
cp "$tmp/devices.out" "$tmp/list"
while [ "$i" -lt "$n" ]; do
    id=$("$HELPERS/json_get" "$tmp/list" "$i" id) kind=$("$HELPERS/json_get" "$tmp/list" "$i" kind)
    i=$((i + 1))
    # Big kernels can hang rusticl's compiler.
    case $kind-$id in *-rusticl*) continue ;; esac
    both "$id" --devices "$id"
done
both parts --devices "$first" --set train.accumulate=3
if [ "${first%:*}" = pocl ]; then
    POCL_DEVICES="pthread basic" both unlike --devices 'pocl:*' --set 'train.shares=[5, 2]'
fi
finish
