check_PROGRAMS += tests/exec/test_exec
LONG += tests/exec/test_exec
tests_exec_test_exec_SOURCES = tests/exec/test_exec.c
tests_exec_test_exec_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_exec_test_exec_LDADD = libmotley_core.la $(CHECK_LIBS)
