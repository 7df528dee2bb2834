#!/bin/sh
# Help and version, device list: exit 0, on standard output, nothing on standard error.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

says()
{
    what=$1 pattern=$2
    shift 2
    n_checks=$((n_checks + 1))
    run "$@" || fail "$what: exit $status"
    expect_grep "$what" "$pattern" "$tmp/out"
    expect_equal "$what: standard error" "$(cat "$tmp/err")" ""
}
says "version" '[0-9]+\.[0-9]+\.[0-9]+' "$MOTLEY" --version
says "help" 'train' "$MOTLEY" --help
for command in train eval predict generate model tune devices data kernels bench; do
    says "help of $command" "motley $command" "$MOTLEY" "$command" --help
    says "help of $command, the other way" "motley $command" "$MOTLEY" help "$command"
done
says "devices" "$(first_device)" "$MOTLEY" devices
says "devices as JSON" '^[[{]' "$MOTLEY" devices --json
# Into a pipe that is closed early: no crash, no message of a signal.
expect "devices into a closed pipe" sh -c '"$1" devices | head -0' - "$MOTLEY"
# What cannot be printed is told, and goes into no file that happens to be open.
if [ -c /dev/full ]; then
    refuse "devices onto a full disk" 'standard output' sh -c '"$1" devices >/dev/full' - "$MOTLEY"
    refuse "progress onto a full disk" 'standard output' sh -c '"$1" train "$2" --steps 2 >/dev/full' - \
        "$MOTLEY" "$digits"
fi
refuse "standard output closed" 'standard output' sh -c '"$1" train "$2" --steps 2 --out "$3" >&- <&-' - \
    "$MOTLEY" "$digits" "$tmp/run"
for file in "$tmp"/run/*; do
    expect "$file has nothing of what is printed" sh -c '! grep -q "accuracy [0-9]\|trains" "$1"' - "$file"
done
finish
