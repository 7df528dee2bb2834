#!/bin/sh
# What eval counts is the same on one device, on two unlike ones and on ranks, and follows from what predict
# writes; R2 and mean absolute error of numbers, perplexity of texts.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule

first=$(first_device)
make_two
# trained CONFIG ARGUMENTS...: trains and evaluates on one device, and then on other shares: the same but for
# rounding of the loss.
trained()
{
    config=$1
    shift
    arguments=$*
    launch "" train "$config" "$@" --devices "$first" --out "$tmp/run" || finish
    keep training
    for how in one two ranks; do
        prefix="" devices=$first
        [ "$how" = one ] || [ "${first%:*}" = pocl ] || continue
        [ "$how" != two ] || devices='pocl:0,pocl:1'
        [ "$how" != ranks ] || { have_mpi || continue; prefix=$(mpi 2); }
        # shellcheck disable=SC2086
        launch "$prefix" eval "$config" $arguments --devices "$devices" --init "$tmp/run/model.safetensors" ||
            return
        # Losses, and what follows from them, to 5 digits; the rest as it stands.
        sed -E 's/("(loss|r2|mean_abs_error|perplexity|bits_per_[a-z]*)":-?[0-9]\.?[0-9]{0,3})[0-9.e-]*/\1/g' \
            "$tmp/out" >"$tmp/$how"
        [ "$how" != one ] || keep evaluated
        expect "$config: $how" cmp "$tmp/one" "$tmp/$how"
    done
}

trained "$digits" --set data.ignore_label=3
expect_equal "samples" "$(of evaluated samples)" 500
expect_close "accuracy of training" "$(of training test_accuracy)" "$(of evaluated accuracy)" 6
run "$MOTLEY" predict "$digits" --set data.ignore_label=3 --init "$tmp/run/model.safetensors" \
    --devices "$first" --csv "$tmp/p.csv" || fail "predict: exit $status"
# Counted anew; a label that does not count is -1.  Fields 4 to 13 are the probabilities of classes 0 to 9.
awk -F, 'NR > 1 && $2 >= 0 { rows++; label[$2]++; given[$3]++; cell[$2, $3]++
        for (i = place = 0; i < 10; i++) place += $(4 + i) > $(4 + $2)
        top += place < 5 }
    END { printf "%d %.6f", rows, top / rows
        for (i = 0; i < 10; i++) printf " %d %d %d %d", label[i], given[i], cell[i, i], cell[i, 7] }' \
    "$tmp/p.csv" >"$tmp/counted"
told="$(of evaluated rows) $(of evaluated top5_accuracy | awk '{ printf "%.6f", $1 }')"
i=0
while [ "$i" -lt 10 ]; do
    told="$told $(of evaluated classes "$i" labelled) $(of evaluated classes "$i" predicted)"
    told="$told $(of evaluated classes "$i" correct) $(of evaluated confusion "$i" 7)"
    i=$((i + 1))
done
expect_equal "counts" "$told" "$(cat "$tmp/counted")"
expect_equal "what does not count is in no count" "$(of evaluated classes 3 labelled)" 0
expect_close "recall" "$(of evaluated classes 0 recall)" \
    "$(echo "$(of evaluated classes 0 correct) $(of evaluated classes 0 labelled)" | awk '{ printf "%.9f", $1 / $2 }')" 6
run "$MOTLEY" eval "$digits" --init "$tmp/run/model.safetensors" --devices "$first"
expect_grep "a table of classes" '^class +rows +precision +recall +F1' "$tmp/out"
expect_grep "a table of confusions" '^taken for +0 +1' "$tmp/out"

awk 'BEGIN { print "a,b,y"
    for (i = 0; i < 150; i++) printf "%.5f,%.5f,%.5f\n", sin(i), cos(3 * i), 40 * sin(i) - 9 * cos(3 * i) + 7 }' \
    >"$tmp/t.csv"
cat >"$tmp/table.yaml" <<END
data: {set: csv, file: $tmp/t.csv, batch: 16}
model: {layers: [{linear: 6}, gelu, {linear: 1}], loss: l1}
train: {epochs: 4, seed: 3, optimizer: {lr: 0.05}}
END
trained "$tmp/table.yaml"
run "$MOTLEY" predict "$tmp/table.yaml" --init "$tmp/run/model.safetensors" --devices "$first" --csv "$tmp/p.csv" ||
    fail "predict: exit $status"
awk -F, 'NR > 1 { d = $3 - $2; s += d < 0 ? -d : d; q += d * d; y += $2; yy += $2 * $2; n++ }
    END { printf "%.4f %.4f", s / n, 1 - q / (yy - y * y / n) }' "$tmp/p.csv" >"$tmp/counted"
expect_close "mean absolute error and R2" "$(cat "$tmp/counted")" \
    "$(of evaluated mean_abs_error) $(of evaluated r2)" 3
expect_close "those of training" "$(of training test_mean_abs_error) $(of training test_accuracy)" \
    "$(of evaluated mean_abs_error) $(of evaluated r2)" 5

awk 'BEGIN { for (i = 0; i < 3000; i++) printf "%s", substr("abcabda ", 1 + (i * i + int(i / 7)) % 8, 1) }' >"$tmp/t.txt"
cat >"$tmp/text.yaml" <<END
data: {set: text, file: $tmp/t.txt, test_file: $tmp/t.txt, context: 10, batch: 16}
model: {layers: [{embedding: {vocabulary: 5, out: 6}}, {linear: 5}], label_smoothing: 0.1}
train: {epochs: 2, seed: 3, optimizer: {lr: 0.5}}
END
trained "$tmp/text.yaml"
expect_number "rows are positions" "$(of evaluated rows) == 10 * $(of evaluated samples)"
expect_close "perplexity and bits" "$(of evaluated perplexity)" \
    "$(of evaluated bits_per_character | awk '{ printf "%.8f", 2 ^ $1 }')" 5
expect_number "smoothing is not in the perplexity" "log($(of evaluated perplexity)) < $(of evaluated loss)"
expect_close "that of training" "$(of training test_perplexity)" "$(of evaluated perplexity)" 5
finish
