#!/bin/sh
# Every loss, and labels that do not count, however the batch is divided: on one device, on two unlike ones,
# in parts and on ranks, with shares in which now and then nothing counts.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule

first=$(first_device)
make_two
# 150 rows that a line nearly goes through; a class that follows from it; a part between 0 and 1.
awk 'BEGIN { print "a,b,y,class,part"
    for (i = 0; i < 150; i++) { a = sin(i); b = cos(3 * i); y = 2 * a - b + 0.3 * sin(7 * i)
        printf "%.5f,%.5f,%.5f,%s,%.5f\n", a, b, y, (y > 0 ? "up" : "down"), 1 / (1 + exp(-y)) } }' >"$tmp/t.csv"
cat >"$tmp/table.yaml" <<END
data: {set: csv, file: $tmp/t.csv, batch: 16, drop: [class, part], target: y, test_fraction: 0.2}
model: {layers: [{linear: 6}, gelu, {linear: 1}]}
train: {epochs: 3, seed: 3, optimizer: {name: sgd, lr: 0.05, momentum: 0.9}}
END
# whole NAME CONFIG ARGUMENTS...: what the others are to be.
whole()
{
    name=$1 config=$2
    shift 2
    arguments=$*
    # shellcheck disable=SC2086
    launch "" train "$config" $arguments --devices "$first" --out "$tmp/whole" || finish
    keep whole
}
# same HOW PREFIX ARGUMENTS...
same()
{
    how=$1 prefix=$2
    shift 2
    # shellcheck disable=SC2086
    launch "$prefix" train "$config" $arguments "$@" --set train.check_replicas=5 --out "$tmp/other" || return
    expect_close "$name $how: loss of every epoch" "$(of whole epoch_losses)" "$(json epoch_losses)" 5
    for key in test_loss test_accuracy; do
        expect_close "$name $how: $key" "$(of whole $key)" "$(json $key)" 4
    done
    expect "$name $how: parameters" "$HELPERS/params_diff" "$tmp/whole/model.safetensors" \
        "$tmp/other/model.safetensors" 1e-5
}
on_all_shares()
{
    # shellcheck disable=SC2086
    if ! quick && MOTLEY_JOIN=1 launch "" train "$config" $arguments --devices "$first"; then
        expect_equal "$name as one launch" "$(json params_hash)" "$(of whole params_hash)"
    fi
    [ "${first%:*}" = pocl ] || return
    same "on two devices" "" --devices 'pocl:0,pocl:1' --set 'train.shares=[15, 1]'
    quick || same "in parts" "" --devices "$first" --set train.accumulate=3
    ! have_mpi || same "on ranks" "$(mpi 2)" --devices pocl:0 --set 'train.shares=[1, 3]'
}

whole mse "$tmp/table.yaml"
squared=$(of whole test_loss)
for loss in l1 huber; do
    whole $loss "$tmp/table.yaml" --set model.loss=$loss --set model.huber_delta=0.5
    expect_number "$loss learns" "$(of whole test_accuracy) > 0.7"
    expect_number "$loss is another loss" "$(of whole test_loss) != $squared"
    on_all_shares
done
whole "bce of classes" "$tmp/table.yaml" --set model.loss=bce --set data.target=class --set 'data.drop=[y,part]'
expect_number "bce of classes learns" "$(of whole test_accuracy) > 0.7"
on_all_shares
run "$MOTLEY" predict "$tmp/table.yaml" --set model.loss=bce --set data.target=class --set 'data.drop=[y,part]' \
    --devices "$first" --init "$tmp/whole/model.safetensors" --csv "$tmp/p.csv"
expect "two probabilities of a class" awk -F, 'NR > 1 { sum = $4 + $5 - 1; if (sum * sum > 1e-10) exit 1
    right += $2 == $3 } END { exit right < 0.7 * (NR - 1) }' "$tmp/p.csv"
whole "bce of numbers" "$tmp/table.yaml" --set model.loss=bce --set data.target=part --set 'data.drop=[y,class]'
expect_number "bce of numbers learns" "$(of whole test_accuracy) > 0.7"
on_all_shares

# A tenth of the digits does not count.
whole "smoothing" "$digits" --set model.label_smoothing=0.1 --set data.samples=200
on_all_shares
whole "a label that does not count" "$digits" --set data.ignore_label=3 --set data.samples=200 --set data.batch=7
expect_number "the loss is a number" "$(of whole train_loss) > 0"
on_all_shares
# A batch in which nothing counts changes the weights by their momentum alone.
whole "a batch that does not count" "$digits" --set data.ignore_label=3 --set data.samples=40 --set data.batch=1
expect_number "the loss is a number" "$(of whole train_loss) > 0"
# Mixtures: of pictures, with all that goes with them, of rows with two classes, and of numbers.
whole "mixup" "$digits" --set data.augment.mixup=0.4 --set model.label_smoothing=0.1 --set data.ignore_label=3 \
    --set data.samples=200
on_all_shares
whole "mixup of two classes" "$tmp/table.yaml" --set data.augment.mixup=1 --set model.loss=bce \
    --set data.target=class --set 'data.drop=[y,part]'
expect_number "mixup of two classes learns" "$(of whole test_accuracy) > 0.7"
on_all_shares
whole "mixup of numbers" "$tmp/table.yaml" --set data.augment.mixup=1
expect_number "mixup of numbers learns" "$(of whole test_accuracy) > 0.5"
on_all_shares
refuse "a label of numbers" 'data.ignore_label goes with cross-entropy, not mse' \
    "$MOTLEY" train "$tmp/table.yaml" --set data.ignore_label=3
refuse "bce of ten classes" 'bce, for two classes.*has 10 classes' "$MOTLEY" train "$digits" --set model.loss=bce
refuse "bce of any numbers" 'target [0-9]+ is -?[0-9.]+; model.loss bce needs numbers between 0 and 1' \
    "$MOTLEY" train "$tmp/table.yaml" --set model.loss=bce
refuse "bce with an output for each class" 'gives 2 outputs; two classes need one with model.loss bce' \
    "$MOTLEY" train "$tmp/table.yaml" --set model.loss=bce --set data.target=class --set 'data.drop=[y,part]' \
    --set 'model.layers=[{linear: 2}]'
finish
