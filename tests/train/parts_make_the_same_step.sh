#!/bin/sh
# train.accumulate: a batch in parts gives the step of the whole batch, dropout, clipping and average
# included: on one device, on two unlike ones, also where one has no samples of the last part, on ranks.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule

first=$(first_device)
# The last batch of an epoch has 8 samples.
run="--set data.samples=200 --set train.optimizer.name=adamw --set train.optimizer.lr=0.002
    --set train.clip_norm=0.5 --set train.ema=0.9 --set train.check_replicas=1"
# shellcheck disable=SC2086
train "$digits" --devices "$first" $run --out "$tmp/whole" || finish
keep whole
# same NAME PREFIX ARGUMENTS...: as the run with whole batches.
same()
{
    name=$1 prefix=$2
    shift 2
    # shellcheck disable=SC2086
    launch "$prefix" train "$digits" $run "$@" --out "$tmp/$name" || return
    expect_equal "$name: steps" "$(json steps)" "$(of whole steps)"
    expect_close "$name: loss of every epoch" "$(of whole epoch_losses)" "$(json epoch_losses)" 5
    expect "$name: parameters" "$HELPERS/params_diff" "$tmp/whole/model.safetensors" \
        "$tmp/$name/model.safetensors" 1e-5
}
same thirds "" --devices "$first" --set train.accumulate=3
if make_two; then
    # Parts of 10 and a last one of 4, all for the second device.
    same two "" --devices 'pocl:*' --set train.accumulate=7 --set 'train.shares=[1, 9]'
    if have_mpi; then
        same ranks "$(mpi 2)" --devices pocl:0 --set train.accumulate=3
    fi
fi
refuse "more parts than samples" 'train.accumulate is 65' \
    "$MOTLEY" train "$digits" --devices "$first" --set train.accumulate=65
finish
