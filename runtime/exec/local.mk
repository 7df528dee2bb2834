libmotley_core_la_SOURCES += \
	runtime/exec/exec.c runtime/exec/exec.h runtime/exec/internal.h \
	runtime/exec/profile.c runtime/exec/profile.h \
	runtime/exec/reduce.c runtime/exec/reduce.h \
	runtime/exec/replica.c runtime/exec/replica.h \
	runtime/exec/room.c runtime/exec/room.h \
	runtime/exec/sequence.c runtime/exec/sequence.h \
	runtime/exec/state.c \
	runtime/exec/times.c \
	runtime/exec/tune.c \
	runtime/exec/worker.c runtime/exec/worker.h
