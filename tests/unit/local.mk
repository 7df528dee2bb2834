# one file a module; append your block

# base
if HAVE_CHECK
check_PROGRAMS += tests/unit/test_base tests/unit/test_text
TESTS += tests/unit/test_base tests/unit/test_text
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_base_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_text_LDADD = libmotley_core.la $(CHECK_LIBS)
endif
