#!/bin/sh
# A loss that is not finite stops the training and names the step; no model of NaNs is written.  One
# device, several, and ranks.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
explode="--set train.optimizer.lr=1e6"
# shellcheck disable=SC2086
nan()
{
    refuse "$1" 'loss.*(nan|inf|finite|not a number).*step|step.*loss.*(nan|inf|finite|not a number)' $2 "$MOTLEY" train "$digits" $explode --out "$tmp/nan" $3
    expect "$1: no model is written" [ ! -e "$tmp/nan/model.safetensors" ]
    rm -rf "$tmp/nan"
}
nan "one device" "" "--devices $first"
if make_two; then
    nan "two devices" "" "--devices pocl:* --set train.shares=[1,1]"
    unset POCL_DEVICES
fi
if have_mpi; then
    refuse_lines=20 # mpiexec adds its own
    nan "two ranks" "$(mpi 2)" "--devices $first"
fi
finish
