#!/bin/sh
# examples/get-data keeps a file only when its checksum is right, goes on with a part of one, and
# leaves alone what is there. The mirror is a folder (file://), so curl is needed, and no network.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
command -v curl >/dev/null 2>&1 || skip "no curl"

get=$srcdir/examples/get-data
mirror=$tmp/mirror
MOTLEY_DATA_URL=file://$mirror
export MOTLEY_DATA_URL
mkdir -p "$mirror/iris"

expect "it lists the sets" run sh "$get" --list
for set in mnist fashion-mnist digits iris wine-quality california-housing tiny-shakespeare; do
    expect_grep "$set is listed" "^$set .*MB" "$tmp/out"
done
refuse "an unknown set" "no set 'cifar'.*mnist" sh "$get" cifar "$tmp/got"
refuse_lines=20 refuse "no arguments" 'usage' sh "$get"
refuse "a mirror without the file" 'iris.csv cannot be fetched' sh "$get" iris "$tmp/got"

echo "150,4,setosa" >"$mirror/iris/iris.csv"
refuse "another file than expected" 'SHA-256 [0-9a-f]{64}, expected was f13ffa8f' sh "$get" iris "$tmp/got"
expect "what is wrong is not kept" [ -z "$(ls "$tmp/got/iris")" ]
echo "mine" >"$tmp/got/iris/iris.csv"
refuse "a file of the user's own" 'move it away' sh "$get" iris "$tmp/got"
expect_equal "the user's own file is as it was" "$(cat "$tmp/got/iris/iris.csv")" mine
rm "$tmp/got/iris/iris.csv"

[ -f "${MOTLEY_DATA-}/iris/iris.csv.gz" ] || { note "MOTLEY_DATA has no iris: not tried"; finish; }
gunzip -c "$MOTLEY_DATA/iris/iris.csv.gz" >"$mirror/iris/iris.csv"
head -c 1000 "$mirror/iris/iris.csv" >"$tmp/got/iris/iris.csv.part"
expect "the right file is taken" run sh "$get" iris "$tmp/got"
expect_grep "it went on where it stopped" 'going on at byte 1000' "$tmp/out"
expect "it is the file" cmp -s "$mirror/iris/iris.csv" "$tmp/got/iris/iris.csv"
rm "$mirror/iris/iris.csv"
expect "what is there is not fetched again" run sh "$get" iris "$tmp/got"
finish
