#!/bin/sh
# A step that is one launch, or a part of one of several steps, gives the bits of one launch an operator: a small
# network on every device, one after the other and as two halves; all that tests train on the first one.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
MOTLEY_TUNED=0
export MOTLEY_TUNED

# Steps that wait in the queue while another runs become one launch.  How many wait is a matter of time, so that
# there are any is asked over several trainings, of each device.
least=1
several_steps_a_launch()
{
    expect_number "$1: several steps a launch, in one training at least" "$least < 1"
    least=1
}

# both NAME ARGUMENTS...: trained both ways; MOST launches a step at most when joined.
both()
{
    name=$1 most=$2
    shift 2
    MOTLEY_JOIN=0 train "$@" || return
    hash=$(json params_hash) losses=$(json epoch_losses) launches=$(json devices 0 launches_per_step)
    expect_number "$name: launches one by one" "$launches > $most"
    MOTLEY_JOIN=1 train "$@" || return
    expect_equal "$name: hash of the parameters" "$(json params_hash)" "$hash"
    expect_equal "$name: losses" "$(json epoch_losses)" "$losses"
    joined=$(json devices 0 launches_per_step)
    expect_number "$name: launches joined" "$joined <= $most"
    least=$(awk "BEGIN { print $joined < $least ? $joined : $least }")
    note "$name: $launches launches a step, joined $joined"
}

# build_time LAUNCHES: seconds of compilation in the last training, of joined launches or of all others.
build_time()
{
    awk -v joined="$1" '$1 == "motley:" && $2 == "build" && ($6 == "joined") == joined { s += $NF } END { print s + 0 }' \
        "$tmp/err"
}

# builds_fast ID: one kernel of all costs the compiler less than twice what they cost it one by one: some make
# vectors of work-items, of groups of one, where nobody tells them not to.
builds_fast()
{
    mkdir -p "$tmp/cold/motley"
    cp "$XDG_CACHE_HOME"/motley/probe-* "$tmp/cold/motley"
    for join in 0 1; do
        MOTLEY_JOIN=$join XDG_CACHE_HOME=$tmp/cold train "$digits" --devices "$1" --steps 5 -vv || return
        eval "built_$join=$(build_time $join)"
    done
    rm -r "$tmp/cold"
    note "$1: compiled one by one $built_0 s, joined $built_1 s"
    expect_number "$1: joined kernels are compiled" "$built_1 > 0"
    expect_number "$1: in less than twice the time" "$built_1 < 2 * $built_0"
}

config 's/^    name: sgd/    name: adam/; s/lr: 0.05/lr: 0.001/; /momentum/d; s/- linear: 48/- linear: 300/'
config_adam=$tmp/adam.yaml
mv "$tmp/c.yaml" "$config_adam"
n=$(devices_listed length) i=0
cp "$tmp/devices.out" "$tmp/list"
while [ "$i" -lt "$n" ]; do
    id=$("$HELPERS/json_get" "$tmp/list" "$i" id) kind=$("$HELPERS/json_get" "$tmp/list" "$i" kind)
    i=$((i + 1))
    # GPUs' kernels are not joined; big kernels can hang rusticl's compiler.
    case $kind-$id in gpu-* | *-rusticl*) continue ;; esac
    both "$id, SGD" 1 "$digits" --devices "$id" --epochs 2
    both "$id, Adam" 1 "$config_adam" --devices "$id" --epochs 1
    several_steps_a_launch "$id"
    quick || builds_fast "$id"
done
first=$(first_device)
if [ "${first%:*}" = pocl ]; then
    # Two buckets and the update; and the threads of two teams on the same cores.
    both halves 3 "$digits" --devices 'pocl:0/2' --epochs 2 --set 'train.shares=[1, 1]'
    POCL_DEVICES="pthread basic" both unlike 3 "$digits" --devices 'pocl:*' --epochs 2 \
        --set 'train.shares=[5, 2]'
    # Where devices meet within a step.
    POCL_DEVICES="pthread basic" both "batch norm on two" 9 "$srcdir/tests/train/batch_norm.yaml" \
        --devices 'pocl:*' --epochs 1 --set 'train.shares=[5, 2]'
fi

awk 'BEGIN { for (i = 0; i < 60; i++) printf "one two three "; print "vuvu" }' >"$tmp/words.txt"
transformer='[embedding: {vocabulary: 11, out: 12, name: token}, position, layer_norm, {attention: {heads: 2, causal: true}}, {linear: {out: 11, tied: token}}]'
small="--devices $first --epochs 1"
# shellcheck disable=SC2086
{
    both parts 3 "$digits" $small --set train.accumulate=3 --set train.optimizer.name=adamw \
        --set train.clip_norm=0.5 --set train.ema=0.9
    both branches 1 "$srcdir/tests/train/branches.yaml" $small
    both "recurrent layers" 1 "$srcdir/tests/train/words.yaml" $small --data "$tmp" --steps 20
    both attention 1 "$srcdir/tests/train/words.yaml" $small --data "$tmp" --steps 20 \
        --set "model.layers=$transformer"
    both "deep, again, in 16 bits" 2 "$srcdir/tests/train/checkpoints.yaml" $small --set train.storage=fp16
}
several_steps_a_launch "other networks"
finish
