#!/bin/sh
# The part of test_ops that takes longest, as a script: make begins those first.
MOT_TEST_OPS=linear,linear_dinput,linear_dweight,product
export MOT_TEST_OPS
exec "${HELPERS:?run by make check}/ops/test_ops"
