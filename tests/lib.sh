# lib.sh: what the shell tests share; sourced, not run.
#
# make check sets MOTLEY (the command), HELPERS (the folder of the small programs in tests/),
# srcdir and MPIEXEC.  A test works in $tmp, an empty folder that is removed at its end, and says
# what it found with `fail`, `expect...` and `skip`.  Standard output of the last command that was
# run by `run`, `train` or `refuse` is in $tmp/out, standard error in $tmp/err.
set -u
LC_ALL=C
export LC_ALL

: "${srcdir:=$(dirname "$0")/../..}"
: "${MOTLEY:=motley}" "${HELPERS:=$(dirname "$MOTLEY")/tests}" "${MPIEXEC:=mpiexec}"
srcdir=$(cd "$srcdir" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/motley-test.XXXXXX") || exit 99
n_checks=0
failed=0
cleanup() { :; }
trap 'cleanup; rm -rf "$tmp"' EXIT
trap 'exit 99' HUP INT TERM

note() { echo "# $*"; }
skip() { echo "SKIP: $*"; exit 77; }
fail()
{
    failed=$((failed + 1))
    echo "FAIL: $*"
}
# At the end of every test: a test that checked nothing has failed.
finish()
{
    [ "$n_checks" -gt 0 ] || fail "nothing was checked"
    echo "$n_checks checks, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# expect WHAT COMMAND...: the command succeeds.
expect()
{
    what=$1
    shift
    n_checks=$((n_checks + 1))
    "$@" || fail "$what ($*)"
}
expect_equal() { expect "$1: got '$2', expected '$3'" [ "$2" = "$3" ]; }
# expect_number WHAT 'EXPRESSION': an awk expression on plain numbers that must hold, e.g. '0.9 > 0.8'.
expect_number() { expect "$1: $2" awk "BEGIN { exit !($2) }"; }
expect_grep() { expect "$1" grep -Eqi -- "$2" "$3" || cat "$3"; }
# expect_close WHAT LIST LIST DIGITS: numbers, one by one, equal to so many significant digits.
expect_close()
{
    n_checks=$((n_checks + 1))
    echo "$2|$3" | awk -F'|' -v digits="$4" '{
        n = split($1, a, " "); m = split($2, b, " ")
        if (n != m || n == 0) exit 1
        for (i = 1; i <= n; i++) {
            d = a[i] - b[i]; if (d < 0) d = -d
            s = a[i] < 0 ? -a[i] : a[i]
            if (a[i] "" ~ /nan|inf|null/ || b[i] "" ~ /nan|inf|null/ || d > s * 10 ^ -digits) exit 1
        }
    }' || fail "$1: '$2' and '$3' differ in the first $4 digits"
}

# run COMMAND...: its exit status, output kept.
run()
{
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    status=$?
    [ "$status" -lt 128 ] || fail "killed by signal $((status - 128)): $*"
    return "$status"
}
# train ARGUMENTS...: `motley train` that must succeed; the JSON line is the last of $tmp/out.
train() { launch "" train "$@"; }
# launch "PREFIX" ARGUMENTS...: the same behind a prefix such as "mpiexec -n 2".
launch()
{
    prefix=$1
    shift
    n_checks=$((n_checks + 1))
    # shellcheck disable=SC2086
    run timeout 900 $prefix "$MOTLEY" "$@" --json && return 0
    fail "exit $status: $prefix motley $*"
    tail -n 5 "$tmp/err"
    return 1
}
# json KEY...: a value of the last JSON line of the last run.
json() { "$HELPERS/json_get" "$tmp/out" "$@"; }
# keep NAME: put the last run's result aside, for `of NAME KEY...`.
keep() { cp "$tmp/out" "$tmp/$1.result"; }
of()
{
    name=$1
    shift
    "$HELPERS/json_get" "$tmp/$name.result" "$@"
}

# refuse WHAT PATTERN COMMAND...: exits with 1 or 2, one clear message on standard error that
# matches the pattern, in a bounded time, and no crash.
refuse()
{
    what=$1
    pattern=$2
    shift 2
    n_checks=$((n_checks + 1))
    run timeout 400 "$@"
    [ "$status" = 1 ] || [ "$status" = 2 ] || fail "$what: exit status $status, not 1 or 2"
    grep -Eqi -- "$pattern" "$tmp/err" ||
        fail "$what: the message does not match '$pattern': $(head -c 600 "$tmp/err")"
    # One message: not the same cause told over and over.
    [ "$(grep -c . "$tmp/err")" -le "${refuse_lines:-3}" ] ||
        fail "$what: $(grep -c . "$tmp/err") lines of message: $(head -c 1200 "$tmp/err")"
}

# devices_listed: ids of all devices that this environment shows.
devices_listed() { "$MOTLEY" devices --json >"$tmp/devices.out" 2>/dev/null; "$HELPERS/json_get" "$tmp/devices.out" "$@"; }
# share_of NAME: the share, in the last run, of the first device whose name contains NAME.
share_of()
{
    "$MOTLEY" devices --json >"$tmp/devices.out" 2>/dev/null
    n=$(json devices length) i=0
    while [ "$i" -lt "$n" ]; do
        id=$(json devices "$i" id) j=0
        while "$HELPERS/json_get" "$tmp/devices.out" "$j" id >"$tmp/id" 2>/dev/null; do
            case $id-$("$HELPERS/json_get" "$tmp/devices.out" "$j" name) in
            "$(cat "$tmp/id")"-*"$1"*) json devices "$i" share && return ;;
            esac
            j=$((j + 1))
        done
        i=$((i + 1))
    done
    fail "no device named $1 in the report"
}
need_data()
{
    [ -n "${MOTLEY_DATA-}" ] || skip "MOTLEY_DATA is not set"
    [ -d "$MOTLEY_DATA/$1" ] || skip "$MOTLEY_DATA has no $1"
}

# config SED_SCRIPT: the tests' configuration with changes, as $tmp/c.yaml.
config() { sed "$1" "$digits" >"$tmp/c.yaml"; }
# wait_while_running PID COMMAND...: until the command succeeds or the process is gone (20 s at most).
wait_while_running()
{
    watched=$1 turns=0
    shift
    until "$@" 2>/dev/null; do
        turns=$((turns + 1))
        kill -0 "$watched" 2>/dev/null && [ "$turns" -lt 1000 ] || return 1
        sleep 0.02
    done
}
# quick: is this a run that leaves out what takes long?  slow: this test takes longer than a few seconds; left out then.
quick() { [ -n "${MOTLEY_TEST_QUICK-}" ]; }
slow() { ! quick || skip "a quick run (MOTLEY_TEST_QUICK)"; }
# What tests train: drawn digits, an MLP with dropout; 3,200 samples in 50 steps an epoch.
digits=$srcdir/tests/train/digits.yaml
# For tests that compare times: nothing for the host to do to the pictures.
plain_pictures="--set data.augment.crop=0 --set data.augment.cutout=0"

# first_device: the device that single-device tests run on; pocl's where it is.
first_device()
{
    if [ ! -f "$tmp/first" ]; then
        "$MOTLEY" devices --ids >"$tmp/ids" 2>"$tmp/ids.err" || { cat "$tmp/ids.err" >&2; exit 99; }
        { grep -m 1 '^pocl:' "$tmp/ids" || head -1 "$tmp/ids"; } >"$tmp/first"
    fi
    cat "$tmp/first"
}
# by_rule: kernels by the rules and one launch for each operator, so that they are built once for all tests;
# joined_launches_give_same_bits shows that a step of one launch, compiled for each network, gives the same bits.
by_rule() { MOTLEY_JOIN=0 MOTLEY_TUNED=0; export MOTLEY_JOIN MOTLEY_TUNED; }
# unoptimized: for kernels made for GPUs, which pocl compiles for seconds to run them for a moment: from here on
# without optimizing, and kept apart from what others use.
unoptimized()
{
    "$MOTLEY" devices >/dev/null 2>&1 # measured before
    mkdir -p "$XDG_CACHE_HOME/unoptimized/motley" "$POCL_CACHE_DIR/unoptimized"
    cp "$XDG_CACHE_HOME"/motley/probe-* "$XDG_CACHE_HOME/unoptimized/motley"
    XDG_CACHE_HOME=$XDG_CACHE_HOME/unoptimized POCL_CACHE_DIR=$POCL_CACHE_DIR/unoptimized
    POCL_EXTRA_BUILD_FLAGS=-cl-opt-disable
    export XDG_CACHE_HOME POCL_CACHE_DIR POCL_EXTRA_BUILD_FLAGS
}
# every_operator: test_ops; all in one process, so libcheck does not end a kernel that hangs.
every_operator()
{
    ! quick || export MOT_TEST_RULES=1 MOTLEY_JOIN=0
    rm -rf "$tmp"
    exec timeout 1200 "$HELPERS/ops/test_ops"
}
# make_two: where pocl is, it shows two unlike devices from here on, pocl:0 and pocl:1; false elsewhere.
make_two()
{
    case $(first_device) in pocl:*) ;; *) return 1 ;; esac
    POCL_DEVICES="pthread basic"
    export POCL_DEVICES
}
# mpi N: how N ranks are started; more ranks than cores is fine.
have_mpi() { command -v "$MPIEXEC" >/dev/null 2>&1; }
need_mpi() { have_mpi || skip "no mpiexec"; }
mpi() { echo "$MPIEXEC -n $1"; }
