#!/bin/sh
# Batch norm's means and variances are those of the whole batch, wherever its samples are: the same
# training on one device, on unlike ones, on ranks with and without common memory,
# and with the batch in parts; running statistics belong to the parameters that are compared.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule

norms=$srcdir/tests/train/batch_norm.yaml
# same_as NAME NAME: losses to 5 digits, parameters and running statistics within 1e-5.
same_as()
{
    expect_close "$2: loss of every epoch" "$(of "$1" epoch_losses)" "$(json epoch_losses)" 5
    expect "$2: parameters and running statistics" "$HELPERS/params_diff" \
        "$tmp/$1/model.safetensors" "$tmp/$2/model.safetensors" 1e-5
}

first=$(first_device)
train "$norms" --devices "$first" --out "$tmp/one" || finish
keep one
expect_number "the loss falls" "$(of one epoch_losses | awk '{ print $NF " < 0.9 * " $1 }')"
expect "running statistics are saved" grep -q 'batch_norm1.running_var' "$tmp/one/model.safetensors"
train "$norms" --devices "$first" --out "$tmp/parts" --set train.accumulate=3 || finish
keep parts

if make_two; then
    train "$norms" --devices 'pocl:*' --out "$tmp/two" --set 'train.shares=[5, 2]' \
        --set train.check_replicas=1 && same_as one two
    train "$norms" --devices 'pocl:*' --out "$tmp/two_parts" --set 'train.shares=[5, 2]' \
        --set train.accumulate=3 --set train.check_replicas=1 && same_as parts two_parts
    unset POCL_DEVICES
fi
n=$(devices_listed length)
if [ "$n" -gt 1 ]; then
    shares=$(awk -v n="$n" 'BEGIN { for (i = 1; i <= n; i++) printf "%s%d", (i > 1 ? ", " : ""), i }')
    train "$norms" --devices all --out "$tmp/all" --set "train.shares=[$shares]" \
        --set train.check_replicas=1 && same_as one all
fi
if have_mpi; then
    launch "$(mpi 2)" train "$norms" --devices "$first" --out "$tmp/ranks" \
        --set train.check_replicas=1 && same_as one ranks
    MOTLEY_SHARE=0 launch "$(mpi 3)" train "$norms" --devices "$first" --out "$tmp/apart_ranks" \
        --set train.shares=equal && same_as one apart_ranks
    launch "$(mpi 2)" train "$norms" --devices "$first" --out "$tmp/ranks_parts" \
        --set train.accumulate=3 --set train.shares=equal && same_as parts ranks_parts
fi

# The update of a device without samples is over before the next batch's first part is summed.
if have_mpi; then
    launch "$(mpi 2)" train "$norms" --devices "$first" --set data.samples=24 --set data.batch=12 \
        --set 'model.layers=[flatten, {slice: {dim: 1, step: 16}}, {linear: 15}, batch_norm, {linear: 10}]' \
        --set train.accumulate=3 --set 'train.shares=[1, 0]' --epochs 60
fi

# A device that fails on the way leaves nobody waiting where devices meet: one message, wherever it is.
layer=$HELPERS/layers/.libs/libmotley_test_layer.so
refuse_lines=25 # mpiexec tells in its own words that a rank ended
fails_at()
{
    name=$1 n=$2
    shift 2
    refuse "$name, at launch $n" "motley: .*pocl:[01].*clEnqueueNDRangeKernel failed" "$@"
    expect_equal "$name, at launch $n: told once" "$(grep -c 'motley: ' "$tmp/err")" 1
}
MOT_LAYER_COUNT=$tmp/calls OPENCL_LAYERS=$layer "$MOTLEY" train "$norms" --devices "$first" >"$tmp/said" 2>&1
if [ "${first%:*}" = pocl ] && grep -q clEnqueueNDRangeKernel "$tmp/calls" 2>/dev/null; then
    for n in 901 $(quick || echo 1303); do
        order="OPENCL_LAYERS=$layer MOT_LAYER_FAIL=clEnqueueNDRangeKernel:$n:-5"
        # shellcheck disable=SC2086
        fails_at "one of two" $n env POCL_DEVICES="pthread basic" $order "$MOTLEY" train "$norms" \
            --devices 'pocl:*' --set 'train.shares=[5, 2]'
        # shellcheck disable=SC2086
        fails_at "in parts" $n env POCL_DEVICES="pthread basic" $order "$MOTLEY" train "$norms" \
            --devices 'pocl:*' --set 'train.shares=[5, 2]' --set train.accumulate=3
        have_mpi || continue
        # Of equal shares nothing is measured, so the number of launches is no matter of speed.
        n=$((n / 2)) equal="--set train.shares=equal"
        order="OPENCL_LAYERS=$layer MOT_LAYER_FAIL=clEnqueueNDRangeKernel:$n:-5"
        # shellcheck disable=SC2086
        fails_at "one of two ranks" $n "$MPIEXEC" -n 1 "$MOTLEY" train "$norms" $equal \
            --devices "$first" : -n 1 env $order "$MOTLEY" train "$norms" $equal --devices "$first"
    done
fi

# Stopped and resumed it ends with the same bits; what was saved evaluates to what the training said.
train "$norms" --devices "$first" --out "$tmp/halves" --epochs 2 --set train.steps=17 \
    --set train.checkpoint_every=17
cp -r "$tmp/halves" "$tmp/elsewhere"
train "$norms" --devices "$first" --out "$tmp/halves" --resume &&
    expect_equal "resumed" "$(json params_hash)" "$(of one params_hash)"
if [ "${first%:*}" = pocl ]; then
    POCL_DEVICES="pthread basic" train "$norms" --devices 'pocl:*' --out "$tmp/elsewhere" --resume \
        --set 'train.shares=[1, 3]' && same_as one elsewhere
fi
launch "" eval "$tmp/one/config.yaml" --devices "$first" --init "$tmp/one/model.safetensors" &&
    expect_close "evaluated by running statistics" "$(of one test_loss)" "$(json loss)" 6
finish
