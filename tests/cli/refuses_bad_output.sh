#!/bin/sh
# Folders that cannot be written and disks that are full: one message, no half-written file, and what was
# there before is still whole.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
short="--devices $first --steps 20"
: >"$tmp/file"
# shellcheck disable=SC2086
refuse "a file in the place of the folder" 'file' "$MOTLEY" train "$digits" $short --out "$tmp/file"
# shellcheck disable=SC2086
refuse "a folder without a name" 'empty' "$MOTLEY" train "$digits" $short --out ""
# shellcheck disable=SC2086
refuse "below a file" 'file' "$MOTLEY" train "$digits" $short --out "$tmp/file/below"
# shellcheck disable=SC2086
refuse "a folder that takes no files" 'proc|cannot' "$MOTLEY" train "$digits" $short --out /proc/motley
if [ "$(id -u)" != 0 ]; then
    mkdir "$tmp/closed" && chmod a-w "$tmp/closed"
    # shellcheck disable=SC2086
    refuse "a folder without permission" 'closed' "$MOTLEY" train "$digits" $short --out "$tmp/closed"
fi

whole_or_absent()
{
    find "$tmp/disk" -name '*.tmp*' >"$tmp/left"
    expect "$1: no temporary file is left" [ ! -s "$tmp/left" ] || cat "$tmp/left"
    for file in "$tmp"/disk/run/*.safetensors; do
        [ ! -e "$file" ] || expect "$1: $file is whole" "$HELPERS/params_diff" "$file" "$file" >/dev/null
    done
}
# Disk full: a file size limit stands in for it everywhere (SIGXFSZ must not kill), a small tmpfs
# where we may mount one.
mkdir "$tmp/disk"
config 's/linear: 48/linear: 512/'
big="$tmp/c.yaml --devices $first --steps 40"
# limited COMMAND...: no file may grow beyond 128 KiB.
limited='ulimit -f 256; exec "$@"'
# shellcheck disable=SC2086
train $big --out "$tmp/disk/fits" && rm -rf "$tmp/disk/fits"
# shellcheck disable=SC2086
refuse "file size limit" 'cannot write|too large' sh -c "$limited" - "$MOTLEY" train $big --out "$tmp/disk/run"
whole_or_absent "file size limit"
rm -rf "$tmp/disk/run"

if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m tmpfs "$tmp/disk" 2>/dev/null; then
    cleanup() { umount "$tmp/disk"; }
    # shellcheck disable=SC2086
    refuse "disk full" 'no space left|cannot write' "$MOTLEY" train $big --out "$tmp/disk/run"
    whole_or_absent "disk full"
    # Full when the second checkpoint comes: the first is still there and good.
    rm -rf "$tmp/disk/run"
    umount "$tmp/disk" && mount -t tmpfs -o size=2600k tmpfs "$tmp/disk"
    # shellcheck disable=SC2086
    run timeout 60 "$MOTLEY" train $big --set train.checkpoint_every=10 --out "$tmp/disk/run" || true
    whole_or_absent "disk full later"
else
    note "no tmpfs can be mounted here: disk full by file size limit only"
fi
finish
