libmotley_core_la_SOURCES += \
	runtime/base/clock.c runtime/base/clock.h \
	runtime/base/file.c \
	runtime/base/log.c runtime/base/log.h \
	runtime/base/memory.c runtime/base/memory.h \
	runtime/base/numbers.c runtime/base/numbers.h \
	runtime/base/op.c runtime/base/op.h \
	runtime/base/random.c runtime/base/random.h \
	runtime/base/shape.c runtime/base/shape.h \
	runtime/base/status.c runtime/base/status.h \
	runtime/base/text.c runtime/base/text.h \
	runtime/base/version.c
