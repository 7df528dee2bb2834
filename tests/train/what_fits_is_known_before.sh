#!/bin/sh
# A model that does not fit the devices' memory is refused before anything runs, with what would fit, and
# that does; a device that holds less gets less, or nothing, with the reason, and the result stays.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
by_rule
config=$tmp/deep.yaml
cat >"$config" <<'END'
data: {set: drawn-digits, batch: 512, samples: 1536, test_samples: 50}
model:
  layers:
    - flatten
    - linear: 64
    - repeat: 6
      layers: [layer_norm, {linear: 256}, gelu, {linear: 64}, {add: input}]
    - linear: 10
train: {epochs: 1, seed: 5, optimizer: {name: sgd, lr: 0.01}}
END
first=$(first_device)

# said PATTERN: the number in the last refusal behind the pattern.
said() { sed -n "s/.*$1\([0-9.]*\).*/\1/p" "$tmp/err" | sed 's/\.$//' | head -1; }
refuses() { refuse "$1" "$2" "$MOTLEY" train "$config" --devices "$first" --set train.memory="$3"; }
fits() { train "$config" --devices "$first" --set train.memory="$1" --set "$2" && expect_equal "$2: steps" "$(json steps)" "$3"; }

refuses "half a batch" "a batch of 512 samples does not fit in memory, [0-9]+ do: $first holds [0-9]+, all need [0-9.]+ MiB, it lacks [0-9.]+\." 6
batch=$(said 'Set data.batch to ') parts=$(said 'train.accumulate to ') again=$(said 'with which ')
lacks=$(said 'it lacks ') needs=$(said 'all need ')
note "of 512 samples $batch fit in 6 MiB, $again with checkpoints, or $parts parts; all need $needs MiB"
expect_number "what it lacks" "$needs - $lacks > 5.8 && $needs - $lacks < 6.2"
expect_number "checkpoints help" "$again > 1.3 * $batch"
fits 6 "data.batch=$batch" $(((1536 + batch - 1) / batch))
refuse "one sample more" "a batch of $((batch + 1)) samples does not fit in memory, $batch do" \
    "$MOTLEY" train "$config" --devices "$first" --set train.memory=6 --set data.batch=$((batch + 1))
fits 6 "train.accumulate=$parts" 3
sed 's/repeat: 6/repeat: 6\n      checkpoint: true/' "$config" >"$tmp/again.yaml"
mv "$config" "$tmp/kept.yaml"
mv "$tmp/again.yaml" "$config"
fits 6 "data.batch=$again" $(((1536 + again - 1) / again))
mv "$tmp/kept.yaml" "$config"
refuses "nothing" "not one sample fits in memory: $first needs [0-9.]+ MiB for one and may use 0.5" 0.5
# Rings of small batches have more slots: what is advised fits for all that.
cat >"$tmp/slots.yaml" <<END
data: {set: drawn-digits, samples: 2000, batch: 2000}
model: {layers: [flatten, linear: 64, relu, linear: 10], loss: cross-entropy}
train: {epochs: 1}
END
for memory in 9 4 2 1.5; do
    refuse "slots, $memory MiB" "a batch of 2000 samples does not fit in memory" \
        "$MOTLEY" train "$tmp/slots.yaml" --devices "$first" --set train.memory="$memory"
    batch=$(said 'Set data.batch to ')
    train "$tmp/slots.yaml" --devices "$first" --set train.memory="$memory" --set data.batch="$batch" &&
        expect_equal "$memory MiB: steps of $batch" "$(json steps)" $(((2000 + batch - 1) / batch))
done
refuses "limits of two devices" "train.memory has 2 numbers, the devices are 1" '[5, 6]'
refuses "no memory" "train.memory" 0

if [ "${first%:*}" = pocl ]; then
    train "$config" --devices "$first" || finish
    keep one
    same()
    {
        expect_close "$1: loss" "$(of one epoch_losses)" "$(json epoch_losses)" 5
        expect_equal "$1: devices" "$(json devices length)" 2
    }
    two() { train "$config" --devices "$first/2" --set train.memory="$1" --set train.shares="$2"; }
    two '[5, 100]' equal && same "one holds less" &&
        expect_number "its share" "$(json devices 0 share) > 100 && $(json devices 0 share) < 256"
    two '[5, 100]' auto && same "shares as measured" && expect_number "its share" "$(json devices 0 share) < 256"
    two '[0.5, 100]' auto && same "one holds nothing" &&
        expect_equal "it has no share" "$(json devices 1 share)" 0 &&
        expect_grep "why" 'one sample needs [0-9.]+ MiB, 0.5 may be used' "$tmp/out"
    two '[0.5, 100]' '[0, 1]' && same "weights, one holds nothing"
    refuse "a weight for nothing" "train.shares gives samples to device $first/2.0, but not one fits" \
        "$MOTLEY" train "$config" --devices "$first/2" --set 'train.memory=[0.5, 100]' --set 'train.shares=[1, 1]'
    refuse "a weight too large" "device $first/2.0: 256 samples do not fit in its memory, [0-9]+ do; give it a smaller weight" \
        "$MOTLEY" train "$config" --devices "$first/2" --set 'train.memory=[5, 100]' --set 'train.shares=[1, 1]'
    refuse "two hold less than all" 'a batch of 512 samples does not fit in memory, [0-9]+ do: .*/2.0 holds.*; .*/2.1 holds' \
        "$MOTLEY" train "$config" --devices "$first/2" --set 'train.memory=[5, 4]'
fi
finish
