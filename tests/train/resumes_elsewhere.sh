#!/bin/sh
# A run that was stopped goes on with another set of devices, or another number of ranks: the loss curve
# goes on within 1e-5.  Ctrl-C finishes the step, writes a checkpoint and says how to resume.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
# Without relu: in 4,000 steps some unit comes so near to 0 that rounding decides whether it passes, and
# from then on two runs part that differ in nothing else.
config '/- relu/d'
long="--set data.samples=6400 --epochs 40"
# shellcheck disable=SC2086
train "$tmp/c.yaml" $long --devices "$first" --out "$tmp/whole" || finish
keep whole

# Ctrl-C in the middle.
# shellcheck disable=SC2086
(
    trap - INT
    exec "$MOTLEY" train "$tmp/c.yaml" $long --devices "$first" --out "$tmp/begun"
) >"$tmp/stopped.out" 2>"$tmp/stopped.err" </dev/null &
pid=$!
epochs_done() { [ "$(grep -c epoch "$tmp/begun/metrics.jsonl")" -ge 3 ]; }
wait_while_running "$pid" epochs_done
kill -INT "$pid"
wait "$pid"
status=$?
expect_equal "exit status after Ctrl-C" "$status" 130
cat "$tmp/stopped.out" "$tmp/stopped.err" >"$tmp/said"
expect_grep "says how to go on" 'resume' "$tmp/said"

goes_on()
{
    expect_equal "$1: steps" "$(json steps)" "$(of whole steps)"
    expect_close "$1: losses" "$(of whole epoch_losses)" "$(json epoch_losses)" 5
    expect "$1: parameters" "$HELPERS/params_diff" "$tmp/whole/model.safetensors" \
        "$tmp/$1/model.safetensors" 1e-4
}
cp -r "$tmp/begun" "$tmp/two" && cp -r "$tmp/begun" "$tmp/ranks"
# shellcheck disable=SC2086
if [ "${first%:*}" = pocl ]; then
    POCL_DEVICES="pthread basic" train "$tmp/c.yaml" $long --devices 'pocl:*' --out "$tmp/two" --resume \
        --set 'train.shares=[2, 1]' && goes_on two
fi
# shellcheck disable=SC2086
if have_mpi; then
    launch "$(mpi 2)" train "$tmp/c.yaml" $long --devices "$first" --out "$tmp/ranks" --resume &&
        goes_on ranks
fi
finish
