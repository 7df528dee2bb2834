#!/bin/sh
# test_ops without what products_give_right_numbers.sh runs.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
MOT_TEST_OPS='!linear,linear_dinput,linear_dweight,product'
export MOT_TEST_OPS
MOT_TEST_VARIANTS=own
export MOT_TEST_VARIANTS
(every_operator) || exit
unoptimized
MOT_TEST_VARIANTS=foreign
every_operator
