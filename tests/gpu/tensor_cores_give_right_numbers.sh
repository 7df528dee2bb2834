#!/bin/sh
# test_mma: the product on tensor cores, which plain C takes the part of here.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
[ -x "$HELPERS/gpu/test_mma" ] || skip "test_mma is not built (no libcheck)"
unoptimized
rm -rf "$tmp"
exec "$HELPERS/gpu/test_mma"
