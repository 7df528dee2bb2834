#!/bin/sh
# The same training with 2 and 3 ranks as on one: loss of each epoch to 5 digits, parameters within
# 1e-5, the same bits on all replicas.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need_mpi

train "$digits" --devices "$(first_device)" --out "$tmp/one" || finish
keep one
for shares in 3,2 1,2,1 auto; do
    n=$(echo "$shares" | awk -F, '{ print (NF > 1 ? NF : 2) }')
    [ "$shares" = auto ] || shares="[$shares]"
    launch "$(mpi "$n")" train "$digits" --devices "$(first_device)" --out "$tmp/ranks$n" \
        --set train.check_replicas=20 --set "train.shares=$shares" || continue
    expect_equal "ranks" "$(json ranks)" "$n"
    expect_close "$n ranks: loss of every epoch" "$(of one epoch_losses)" "$(json epoch_losses)" 5
    expect "$n ranks: parameters" "$HELPERS/params_diff" "$tmp/one/model.safetensors" \
        "$tmp/ranks$n/model.safetensors" 1e-5
    i=0 total=0
    while [ "$i" -lt "$(json devices length)" ]; do
        note "$n ranks: rank $(json devices "$i" rank) $(json devices "$i" id) share $(json devices "$i" share)"
        [ "$shares" = auto ] ||
            expect_number "$n ranks: samples of device $i" "$(json devices "$i" samples) > 0"
        total=$((total + $(json devices "$i" samples)))
        i=$((i + 1))
    done
    expect_equal "$n ranks: samples in all" "$total" 12800
    # Output comes from rank 0 alone.
    expect_equal "$n ranks: JSON lines" "$(grep -c '^{' "$tmp/out")" 1
done
finish
