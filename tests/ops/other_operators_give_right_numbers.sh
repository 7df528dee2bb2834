#!/bin/sh
# test_ops without what products_give_right_numbers.sh runs.
MOT_TEST_OPS='!linear,linear_dinput,linear_dweight,product'
export MOT_TEST_OPS
exec "${HELPERS:?run by make check}/ops/test_ops"
