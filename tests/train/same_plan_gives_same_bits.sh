#!/bin/sh
# The same plan gives the same bits, run after run; another seed gives others.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

twice()
{
    name=$1
    shift
    "$@" --out "$tmp/$name.1" || return
    hash=$(json params_hash)
    losses=$(json epoch_losses)
    "$@" --out "$tmp/$name.2" || return
    expect_equal "$name: hash of the parameters" "$(json params_hash)" "$hash"
    expect_equal "$name: losses" "$(json epoch_losses)" "$losses"
    expect "$name: the model's bytes" cmp "$tmp/$name.1/model.safetensors" \
        "$tmp/$name.2/model.safetensors"
}

first=$(first_device)
twice one train "$digits" --devices "$first"
hash=$(json params_hash)
if make_two; then
    twice two train "$digits" --devices 'pocl:*' --set 'train.shares=[3, 1]'
    unset POCL_DEVICES
fi
if have_mpi; then
    twice ranks launch "$(mpi 2)" train "$digits" --devices "$first" --set 'train.shares=[1, 1]'
fi
train "$digits" --devices "$first" --seed 8 && expect "another seed, other parameters" \
    [ "$(json params_hash)" != "$hash" ]
finish
