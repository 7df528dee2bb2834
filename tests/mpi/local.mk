# ranks, started by mpiexec inside the script
check_PROGRAMS += tests/mpi/test_comm
tests_mpi_test_comm_SOURCES = tests/mpi/test_comm.c
tests_mpi_test_comm_CPPFLAGS = $(AM_CPPFLAGS) $(MPI_CFLAGS)
tests_mpi_test_comm_LDADD = libmotley_core.la
TESTS += tests/mpi/comm.sh
EXTRA_DIST += tests/mpi/comm.sh
