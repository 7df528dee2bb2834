libmotley_core_la_CPPFLAGS += $(MPI_CFLAGS)
libmotley_core_la_SOURCES += \
	runtime/comm/collective.c \
	runtime/comm/comm.c runtime/comm/comm.h \
	runtime/comm/internal.h \
	runtime/comm/launcher.c \
	runtime/comm/request.c \
	runtime/comm/share.c
