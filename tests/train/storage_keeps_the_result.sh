#!/bin/sh
# train.storage: what is kept in bf16 or fp16 takes about half of the memory and gives the accuracy of
# float32.  fp16: steps that overflow are skipped on all devices and ranks alike, and a run that was
# resumed is the one that was not.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
by_rule
deep=$tmp/deep.yaml # convolutions, norms, attention, branches
sed 's/checkpoint: true/checkpoint: false/' "$srcdir/tests/train/checkpoints.yaml" >"$deep"
first=$(first_device)

activations()
{
    run "$MOTLEY" model "$deep" --json --set "train.storage=$1" || fail "motley model: $(cat "$tmp/err")"
    json memory_bytes activations
}
floats=$(activations float32)
for storage in bf16 fp16; do
    expect_number "memory with $storage" "$(activations "$storage") < 0.65 * $floats"
done

train "$digits" --devices "$first" --set train.epochs=4 || finish
accuracy=$(json test_accuracy) loss=$(json train_loss)
train "$deep" --devices "$first" || finish
deep_loss=$(json train_loss)
for storage in bf16 fp16; do
    set -- --devices "$first" --set "train.storage=$storage"
    train "$digits" "$@" --set train.epochs=4 || continue
    note "$storage: accuracy $(json test_accuracy), float32 $accuracy; loss $(json train_loss), $loss"
    expect_number "accuracy with $storage" "$(json test_accuracy) > $accuracy - 0.02"
    expect_number "loss with $storage" "$(json train_loss) < 1.02 * $loss"
    train "$deep" "$@" || continue
    expect_number "loss of a deep network with $storage" \
        "$(json train_loss) < 1.02 * $deep_loss && $(json train_loss) > 0.98 * $deep_loss"
    train "$deep" "$@" --set train.accumulate=3 || continue
    expect_number "and a batch in parts" \
        "$(json train_loss) < 1.02 * $deep_loss && $(json train_loss) > 0.98 * $deep_loss"
done
expect_equal "no step is skipped" "$(json skipped_steps)" 0
expect_equal "the scale's beginning" "$(json loss_scale)" 65536

# A batch norm of one sample has no gradient, whatever 16 bits leave of it.
set -- --devices "$first" --epochs 5 --set data.samples=37 --set data.batch=12 --set train.optimizer.lr=0.1 \
    --set 'model.layers=[flatten, {linear: 15}, batch_norm, relu, {linear: 10}]'
train "$digits" "$@" && alone=$(json train_loss)
for storage in bf16 fp16; do
    train "$digits" "$@" --set "train.storage=$storage" || continue
    expect_number "a sample alone with $storage: $(json train_loss), float32 $alone" \
        "$(json train_loss) < 1.02 * $alone && $(json train_loss) > 0.98 * $alone"
done

# So large that a gradient that waits overflows.
overflow="--set train.storage=fp16 --set train.loss_scale=16777216 --set train.loss_scale_every=4
    --set train.check_replicas=1 --set train.ema=0.9 --set train.clip_norm=1"
# shellcheck disable=SC2086
train "$deep" --devices "$first" $overflow --out "$tmp/whole" || finish
keep whole
note "$(json skipped_steps) of $(json steps) steps skipped, scale $(json loss_scale)"
expect_number "steps are skipped" "$(json skipped_steps) > 2"
expect_number "and others are not" "$(json skipped_steps) < 0.7 * $(json steps)"
expect_number "loss" "$(json train_loss) < 1.2 * $deep_loss"
expect "metrics tell" grep -q '"skipped_steps": [1-9]' "$tmp/whole/metrics.jsonl"
# shellcheck disable=SC2086
train "$deep" --devices "$first" $overflow --out "$tmp/halves" --steps 9 &&
    train "$deep" --devices "$first" $overflow --out "$tmp/halves" --resume
for key in params_hash loss_scale skipped_steps epoch_losses; do
    expect_equal "resumed: $key" "$(json "$key")" "$(of whole "$key")"
done
expect "the checkpoint has the scale" grep -aq '"loss_scale"' "$tmp/whole/checkpoint.safetensors"
expect_equal "and the model has not" "$(grep -ac '"loss_scale"' "$tmp/whole/model.safetensors")" 0
train "$deep" --devices "$first" --init "$tmp/whole/model.safetensors" --steps 1
# shellcheck disable=SC2086
train "$deep" --devices "$first" $overflow --init "$tmp/whole/model.safetensors" --steps 1
if make_two; then
    # shellcheck disable=SC2086
    train "$deep" --devices 'pocl:*' $overflow --set 'train.shares=[5, 2]' &&
        expect_number "two devices: skipped, loss" "$(json skipped_steps) > 2 && $(json train_loss) < 1.2 * $deep_loss"
    if have_mpi; then
        # shellcheck disable=SC2086
        launch "$(mpi 2)" train "$deep" --devices pocl:0 $overflow &&
            expect_number "two ranks: skipped, loss" "$(json skipped_steps) > 2 && $(json train_loss) < 1.2 * $deep_loss"
    fi
fi
# What does not fit fp16 at any scale is told, also where the run ends within an epoch.
refuse "values beyond fp16" 'not finite at step 20, even with a loss scale of .*train.storage=bf16' \
    "$MOTLEY" train "$digits" --devices "$first" --steps 20 --set train.storage=fp16 \
    --set train.loss_scale=1 --set 'data.normalize=[0, 0.000001]'
train "$digits" --devices "$first" --steps 2 --out "$tmp/plain" --set train.checkpoint_every=1
refuse "a checkpoint without a scale" 'has no loss scale.*train.storage' "$MOTLEY" train "$digits" \
    --devices "$first" --out "$tmp/plain" --resume --set train.storage=fp16
refuse "a scale without fp16" 'train.loss_scale goes with train.storage fp16, not bf16' \
    "$MOTLEY" train "$digits" --devices "$first" --set train.storage=bf16 --set train.loss_scale=2
finish
