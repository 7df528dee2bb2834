# Layers between the program and OpenCL or MPI, for tests: slow devices and links, calls that fail.
# -rpath makes libtool build a shared object of what is not installed.  Without sanitizers: those of the
# program serve both.
check_LTLIBRARIES += tests/layers/libmotley_mpi_layer.la
tests_layers_libmotley_mpi_layer_la_SOURCES = tests/layers/mpi_layer.c
tests_layers_libmotley_mpi_layer_la_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
tests_layers_libmotley_mpi_layer_la_CFLAGS = $(WARNINGS)
tests_layers_libmotley_mpi_layer_la_LIBADD = $(MPI_LIBS)
tests_layers_libmotley_mpi_layer_la_LDFLAGS = -module -avoid-version -shared -rpath /none

check_LTLIBRARIES += tests/layers/libmotley_test_layer.la
tests_layers_libmotley_test_layer_la_SOURCES = tests/layers/cl_layer.c tests/layers/cl_layer.h \
	tests/layers/cl_build.c tests/layers/cl_slow.c
tests_layers_libmotley_test_layer_la_CFLAGS = $(WARNINGS)
tests_layers_libmotley_test_layer_la_LDFLAGS = -module -avoid-version -shared -rpath /none

check_PROGRAMS += tests/layers/try_cl
tests_layers_try_cl_SOURCES = tests/layers/try_cl.c
tests_layers_try_cl_LDADD = $(OPENCL_LIBS)
TESTS += tests/layers/layers.sh
EXTRA_DIST += tests/layers/layers.sh
