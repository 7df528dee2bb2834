# every operator, every variant, every device, against plain C in double
if HAVE_CHECK
check_PROGRAMS += tests/ops/test_ops
LONG += tests/ops/products_give_right_numbers.sh tests/ops/other_operators_give_right_numbers.sh
TESTS += tests/ops/updates_give_same_bits.sh
# What other programs need too that draw operands.
check_LTLIBRARIES += tests/ops/libmakers.la
tests_ops_libmakers_la_SOURCES = tests/ops/ops.c tests/ops/ops.h tests/unit/reference_ops.h \
	tests/ops/test_activation.c tests/ops/test_batch_norm.c tests/ops/test_conv2d.c \
	tests/ops/test_elementwise.c tests/ops/test_linear.c tests/ops/test_loss.c \
	tests/ops/test_move.c tests/ops/test_narrow.c tests/ops/test_norm.c tests/ops/test_optimizer.c \
	tests/ops/test_pool2d.c tests/ops/test_recurrent.c tests/ops/test_sequence.c
tests_ops_libmakers_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ops_test_ops_SOURCES = tests/ops/test_ops.c tests/ops/test_product.c
tests_ops_test_ops_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ops_test_ops_LDADD = tests/ops/libmakers.la libmotley_core.la $(CHECK_LIBS)
endif
EXTRA_DIST += tests/ops/products_give_right_numbers.sh tests/ops/other_operators_give_right_numbers.sh \
	tests/ops/updates_give_same_bits.sh
