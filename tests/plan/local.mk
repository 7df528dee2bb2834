# shares, fits and plans: numbers in, numbers out
if HAVE_CHECK
plan_tests = tests/plan/test_balance tests/plan/test_observe tests/plan/test_plan
check_PROGRAMS += $(plan_tests)
TESTS += $(plan_tests)
tests_plan_test_balance_SOURCES = tests/plan/test_balance.c
tests_plan_test_balance_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_plan_test_balance_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_plan_test_observe_SOURCES = tests/plan/test_observe.c
tests_plan_test_observe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_plan_test_observe_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_plan_test_plan_SOURCES = tests/plan/test_plan.c
tests_plan_test_plan_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_plan_test_plan_LDADD = libmotley_core.la $(CHECK_LIBS)
endif
