# What tests see: the command, the small helper programs, and caches of their own, so that a run
# neither uses nor fills the person's caches (kept between runs: kernels compile once;
# MOTLEY_TEST_CACHE lets several builds share them).
# intercept_tls_get_addr: with it LeakSanitizer takes a thread's variables, where malloc put them 16
# bytes behind a page's begin, for memory of an old glibc, reads at a wild address and ends with 1.
# Where they lie depends on the environment and the paths: 1 time in 256, but then every time.
if SANITIZERS
# Mesa's drivers lose memory in a library that is gone by the end, which no suppression can name.
ONE_DRIVER = if test -z "$$OCL_ICD_VENDORS" && test -f /etc/OpenCL/vendors/pocl.icd; then \
	OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd; export OCL_ICD_VENDORS; fi;
endif
AM_TESTS_ENVIRONMENT = $(ONE_DRIVER) \
	MOTLEY='$(abs_top_builddir)/motley'; export MOTLEY; \
	HELPERS='$(abs_top_builddir)/tests'; export HELPERS; \
	MPIEXEC='$(MPIEXEC)'; export MPIEXEC; \
	XDG_CACHE_HOME="$${MOTLEY_TEST_CACHE:-$(abs_top_builddir)/tests/cache}"; export XDG_CACHE_HOME; \
	POCL_CACHE_DIR="$$XDG_CACHE_HOME/pocl"; export POCL_CACHE_DIR; \
	mkdir -p "$$POCL_CACHE_DIR"; unset MOTLEY_DEVICES; \
	ALONE='$(ALONE)'; TURNS='$(abs_top_builddir)/tests/turns'; export ALONE TURNS; \
	: "$${CK_DEFAULT_TIMEOUT:=60}"; export CK_DEFAULT_TIMEOUT; \
	LSAN_OPTIONS="suppressions=$(abs_top_srcdir)/tests/asan.supp:print_suppressions=0"; \
	export LSAN_OPTIONS; \
	ASAN_OPTIONS=intercept_tls_get_addr=0; export ASAN_OPTIONS; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
LOG_COMPILER = $(srcdir)/tests/turn
SH_LOG_COMPILER = $(srcdir)/tests/turn $(SHELL)
MOSTLYCLEANFILES += tests/turns.gate tests/turns.room

# Small programs that the shell tests use.
check_PROGRAMS += tests/json_get tests/params_diff tests/make_idx
tests_json_get_SOURCES = tests/json_get.c
tests_json_get_LDADD = $(JANSSON_LIBS)
tests_params_diff_SOURCES = tests/params_diff.c
tests_params_diff_LDADD = libmotley_core.la
tests_make_idx_SOURCES = tests/make_idx.c
tests_make_idx_LDADD = libmotley_core.la

TESTS += tests/floors.sh tests/exports.sh
LONG += tests/oclgrind.sh
EXTRA_DIST += tests/lib.sh tests/floors.sh tests/exports.sh tests/oclgrind.sh tests/get-drivers tests/turn tests/asan.supp

mostlyclean-local:
	rm -rf tests/cache

include tests/cli/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/ops/local.mk
include tests/plan/local.mk
include tests/mpi/local.mk
include tests/gpu/local.mk
include tests/layers/local.mk
include tests/train/local.mk
include tests/exec/local.mk
