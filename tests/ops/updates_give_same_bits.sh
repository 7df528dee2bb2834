#!/bin/sh
# What every replica computes for itself has the same bits on unlike devices, by every variant that they take.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
make_two || skip "pocl is not here"
CK_RUN_CASE="same bits"
export CK_RUN_CASE
every_operator
