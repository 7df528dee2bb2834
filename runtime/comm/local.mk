libmotley_core_la_CPPFLAGS += $(MPI_CFLAGS)
libmotley_core_la_SOURCES += runtime/comm/comm.h
