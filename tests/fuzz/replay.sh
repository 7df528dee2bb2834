#!/bin/sh
# Every input of the corpus of each fuzz target is refused or read; none crashes.
fuzz=${HELPERS:?}/fuzz
corpus=${srcdir:-$(dirname "$0")/../..}/tests/fuzz
failed=0
for target in cifar csv idx image packed safetensors text tuned yaml; do
    printf '%s: ' "$target"
    "$fuzz/fuzz_$target" "$corpus/$target" || { echo "failed with $?"; failed=1; }
done
exit $failed
