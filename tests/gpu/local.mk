# Every kernel, with the parameters that GPUs get, through the compilers for GPUs that nobody here has.
if HAVE_CHECK
check_PROGRAMS += tests/gpu/kernels
LONG += tests/gpu/gpu_compile.sh
tests_gpu_kernels_SOURCES = tests/gpu/kernels.c
tests_gpu_kernels_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_gpu_kernels_LDADD = tests/ops/libmakers.la libmotley_core.la $(CHECK_LIBS)

check_PROGRAMS += tests/gpu/test_mma
LONG += tests/gpu/tensor_cores_give_right_numbers.sh
tests_gpu_test_mma_SOURCES = tests/gpu/test_mma.c
tests_gpu_test_mma_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_gpu_test_mma_LDADD = tests/ops/libmakers.la libmotley_core.la $(CHECK_LIBS)
endif
EXTRA_DIST += tests/gpu/gpu_compile.sh tests/gpu/tensor_cores_give_right_numbers.sh
