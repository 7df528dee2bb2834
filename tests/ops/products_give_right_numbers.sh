#!/bin/sh
# The part of test_ops that takes longest, as a script: make begins those first.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
MOT_TEST_OPS=linear,linear_dinput,linear_dweight,product
export MOT_TEST_OPS
every_operator
