#!/bin/sh
# kill -9 at a moment that nobody chose, then --resume: the final parameters are bit-equal to those of
# an uninterrupted run, on one device and on two with their shares held fixed; what was written before
# the kill is whole.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

epochs=40
! quick || epochs=12
long="--set data.samples=6400 --epochs $epochs --set train.checkpoint_every=100"
# kill_and_resume NAME ARGUMENTS...: against an uninterrupted run.
kill_and_resume()
{
    name=$1
    shift
    # shellcheck disable=SC2086
    train "$digits" $long "$@" --out "$tmp/$name.whole" || return
    keep whole
    steps=$(json steps)
    # Killed some time after its first checkpoint, wherever it is then.
    # shellcheck disable=SC2086
    "$MOTLEY" train "$digits" $long "$@" --out "$tmp/$name" >"$tmp/killed.out" 2>&1 </dev/null &
    pid=$!
    wait_while_running "$pid" [ -e "$tmp/$name/checkpoint.safetensors" ]
    sleep "0.0$(($$ % 10))"
    kill -9 "$pid" 2>/dev/null && killed=yes || killed=no
    wait "$pid" 2>/dev/null
    expect_equal "$name: killed before its end" "$killed" yes
    expect "$name: no model before the end" [ ! -e "$tmp/$name/model.safetensors" ]
    # shellcheck disable=SC2086
    train "$digits" $long "$@" --out "$tmp/$name" --resume || return
    expect_equal "$name: steps" "$(json steps)" "$steps"
    expect_equal "$name: hash of the parameters" "$(json params_hash)" "$(of whole params_hash)"
    expect "$name: the model's bytes" cmp "$tmp/$name.whole/model.safetensors" \
        "$tmp/$name/model.safetensors"
    expect_equal "$name: losses of all epochs" "$(json epoch_losses)" "$(of whole epoch_losses)"
}

first=$(first_device)
kill_and_resume one --devices "$first"
# With all that an update may have: states, an average of the weights, a learning rate that changes;
# and samples that are mixed.
kill_and_resume adamw --devices "$first" --set train.optimizer.name=adamw --set train.optimizer.lr=0.002 \
    --set train.ema=0.99 --set train.clip_norm=1 --set train.schedule.name=cosine --set train.schedule.warmup=50 \
    --set data.augment.mixup=0.4
if make_two; then
    kill_and_resume two --devices 'pocl:*' --set 'train.shares=[3, 1]'
fi

# Only one run at a time writes to a folder; what a killed one left unfinished goes with the next.
short="--devices $first --epochs 1"
# shellcheck disable=SC2086
train "$digits" $short --out "$tmp/shared"
: >"$tmp/shared/checkpoint.safetensors.4711.3.tmp"
: >"$tmp/shared/mine.tmp"
# shellcheck disable=SC2086
"$MOTLEY" train "$digits" --devices "$first" --epochs 100000 --out "$tmp/shared" >/dev/null 2>&1 </dev/null &
pid=$!
wait_while_running "$pid" [ ! -e "$tmp/shared/checkpoint.safetensors.4711.3.tmp" ]
# shellcheck disable=SC2086
refuse "a folder that another run writes to" 'another run.*shared' \
    "$MOTLEY" train "$digits" $short --out "$tmp/shared"
expect "unfinished files of a killed run are removed" [ ! -e "$tmp/shared/checkpoint.safetensors.4711.3.tmp" ]
expect "... but no others" [ -e "$tmp/shared/mine.tmp" ]
kill -9 "$pid" 2>/dev/null
wait "$pid" 2>/dev/null

# A new run that is killed before its first checkpoint does not go on from the run before it, and a
# --resume that is refused changes nothing.
# shellcheck disable=SC2086
train "$digits" $short --out "$tmp/twice"
refuse "--resume with another seed" 'seed' "$MOTLEY" train "$digits" $short --seed 8 --out "$tmp/twice" --resume
expect "the refused run's configuration was not written" grep -q 'seed: 7' "$tmp/twice/config.yaml"
refuse "NaN" 'loss' "$MOTLEY" train "$digits" $short --set train.optimizer.lr=1e6 --out "$tmp/twice"
refuse "--resume after a new run without a checkpoint" 'no checkpoint' \
    "$MOTLEY" train "$digits" $short --out "$tmp/twice" --resume

# Nothing to resume from is an error that says so.
refuse "--resume without a checkpoint" 'checkpoint|resume' \
    "$MOTLEY" train "$digits" --devices "$first" --out "$tmp/nothing" --resume
expect "and leaves no folder" test ! -e "$tmp/nothing"
finish
