libmotley_core_la_SOURCES += devices/device.h devices/devices.h devices/kernel.h devices/primitive.h devices/embedded.h
libmotley_core_la_SOURCES += devices/archive.c
libmotley_core_la_SOURCES += devices/archive.h
libmotley_core_la_SOURCES += devices/archive_pack.c
libmotley_core_la_SOURCES += devices/buffer.c
libmotley_core_la_SOURCES += devices/cl_error.c
libmotley_core_la_SOURCES += devices/command_buffer.c
libmotley_core_la_SOURCES += devices/commands.h devices/commands.c devices/joined.c devices/joined_measure.c
libmotley_core_la_SOURCES += devices/device.c
libmotley_core_la_SOURCES += devices/discover.c
libmotley_core_la_SOURCES += devices/list.c
libmotley_core_la_SOURCES += devices/parts.c
libmotley_core_la_SOURCES += devices/program.c
libmotley_core_la_SOURCES += devices/program_cache.c
libmotley_core_la_SOURCES += devices/state.h
libmotley_core_la_SOURCES += devices/twins.c

# Primitives.
libmotley_core_la_SOURCES += devices/accumulate.c devices/activation.c devices/add.c devices/average.c \
	devices/clip_norm.c devices/dropout.c devices/ingest.c devices/lamb.c devices/linear.c \
	devices/matmul.c devices/matmul.h devices/matmul_cpu.c devices/matmul_gpu.c \
	devices/matmul_mma.c devices/move.c devices/mse.c devices/norm.c devices/optimizer.c \
	devices/optimizer.h devices/primitive.c devices/relu.c devices/softmax.c devices/sum.c \
	devices/variant.c devices/variant.h
libmotley_core_la_SOURCES += devices/measure.c
libmotley_core_la_SOURCES += devices/tuned.h devices/tuned.c devices/tuned_text.c devices/tuned_file.c \
	devices/tune.h devices/tune.c devices/tune_quick.c
libmotley_core_la_SOURCES += devices/peak.h devices/peak.c devices/product.h devices/product.c
libmotley_core_la_SOURCES += devices/probe.c
libmotley_core_la_SOURCES += devices/probe.h
libmotley_core_la_SOURCES += devices/remember.c
libmotley_core_la_SOURCES += devices/select.c
