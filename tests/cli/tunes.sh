#!/bin/sh
# `motley tune` finds choices for a configuration's products, goes on after it was stopped, remembers and
# shares what it found; training uses it, gives the same results within rounding, and the same bits in
# every run; a short search of its own is remembered before the first step.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
config 's/ 48$/ 40/;s/samples: 3200/samples: 1600/;s/batch: 64/batch: 60/'
small="$tmp/c.yaml --devices $first"
file() { ls "$tmp"/cache/motley/tuned-* 2>/dev/null | grep -v lock | head -1; }
tune()
{
    n_checks=$((n_checks + 1))
    # shellcheck disable=SC2086
    run timeout 300 "$MOTLEY" tune $small --json "$@" && return 0
    fail "exit $status: motley tune $*: $(tail -n 3 "$tmp/err")"
    return 1
}

# 1. A training with nothing remembered looks for something, once; the next one gives the same bits.
# shellcheck disable=SC2086
train $small -v
expect_grep "it searches" '^motley: tune device .* problems [1-9]' "$tmp/err"
expect "and remembers" [ -f "$(file)" ]
expect_grep "every product of the training" '^quick product TN 10x40x60 sums : ' "$(file)"
expect_grep "those of an epoch's last batch too" '^quick product TN 10x40x40 sums : ' "$(file)"
keep quick
cp "$(file)" "$tmp/remembered"
# shellcheck disable=SC2086
train $small -v
expect "the next one does not search" sh -c '! grep -q "motley: tune device" "$1"' - "$tmp/err"
expect "nor change what is remembered" cmp -s "$(file)" "$tmp/remembered"
expect_equal "the same bits" "$(json params_hash)" "$(of quick params_hash)"

# 2. Switched off, by key or environment: by the rules, nothing read or written.
rm "$(file)"
# shellcheck disable=SC2086
train $small --set train.tune=false && keep rule
# shellcheck disable=SC2086
MOTLEY_TUNED=0 train $small
expect_equal "both ways to switch it off" "$(json params_hash)" "$(of rule params_hash)"
expect_equal "nothing is remembered" "$(file)" ""

# 3. Stopped, it keeps what it has and goes on later.
# shellcheck disable=SC2086
"$MOTLEY" tune $small >"$tmp/stopped" 2>&1 </dev/null &
pid=$!
wait_while_running "$pid" grep -q '^2/' "$tmp/stopped"
kill -INT "$pid"
wait "$pid"
status=$?
if [ "$status" -ne 0 ]; then # else it was faster than the signal
    expect_equal "stopped: exit status" "$status" 130
    expect_grep "stopped: what was found is shown" 'product .*(by rule|direct|packed|tiled|clblast)' \
        "$tmp/stopped"
fi
kept=$(grep -c '^product' "$(file)")
expect_number "stopped: something is kept" "$kept >= 2"
grep '^product' "$(file)" >"$tmp/kept"
tune && keep tuned
expect_number "it went on to the end" "$(json problems length) >= $kept && $(json problems length) >= 5"
expect "what was kept stays" sh -c 'grep -Fxq -f "$1" "$2" &&
    [ "$(grep -Fxc -f "$1" "$2")" = "$(grep -c . "$1")" ]' - "$tmp/kept" "$(file)"
i=0
while [ "$i" -lt "$(json problems length)" ]; do
    expect_number "problem $i is not slower than by rule" "$(json problems "$i" gain) >= 1"
    i=$((i + 1))
done
cp "$(file)" "$tmp/remembered"
tune && expect "all is known: nothing changes" cmp -s "$(file)" "$tmp/remembered"

# 4. Training uses it, silently; rounding is all that differs.
# shellcheck disable=SC2086
train $small -v && keep used
expect_grep "it is used" '^motley: tuned device .* problems [1-9]' "$tmp/err"
expect "... without another search for what is known" \
    sh -c '! grep -q "quick product .* 60" "$1" && ! grep -q "quick product NT 60x" "$1"' - "$(file)"
expect_close "losses" "$(json epoch_losses | tr -d '[],' | tr '\n' ' ')" \
    "$(of rule epoch_losses | tr -d '[],' | tr '\n' ' ')" 3
# shellcheck disable=SC2086
train $small
expect_equal "the same bits in every run" "$(json params_hash)" "$(of used params_hash)"

# 5. Shared by a file: taken over by another cache folder without measuring, or used as it is.
tune --file "$tmp/shared"
expect_grep "it is text" '^product NT 60x40x' "$tmp/shared"
XDG_CACHE_HOME=$tmp/cache2
# shellcheck disable=SC2086
MOTLEY_TUNED=$tmp/shared train $small
expect_equal "used as it is" "$(json params_hash)" "$(of used params_hash)"
tune --file "$tmp/shared"
expect "taken over" sh -c 'cmp -s "$1" "$2"' - "$(grep '^product' "$tmp/shared" >"$tmp/a"; echo "$tmp/a")" \
    "$(grep '^product' "$tmp"/cache2/motley/tuned-* >"$tmp/b"; echo "$tmp/b")"
# shellcheck disable=SC2086
refuse "a file of something else" 'no file of tuned choices|does not begin' \
    "$MOTLEY" tune $small --file "$tmp/c.yaml"

# 6. A damaged file is no reason to fail.
{ head -c 300 "$tmp/remembered"; printf '\377\000nonsense\nproduct NT : direct rows -1\n'; } >"$(file)"
printf 'product NT 60x40x784 bias relu : direct rows 99999999999999999999\n' >>"$tmp/shared"
# shellcheck disable=SC2086
MOTLEY_TUNED=$tmp/shared train $small -v
expect_grep "a damaged line is skipped" 'tuned file .* line [0-9]+ skipped 1' "$tmp/err"
: >"$tmp/empty"
# shellcheck disable=SC2086
MOTLEY_TUNED=$tmp/empty train $small
finish
