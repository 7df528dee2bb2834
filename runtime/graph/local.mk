libmotley_core_la_SOURCES += \
	runtime/graph/differentiate.c \
	runtime/graph/fuse.c \
	runtime/graph/graph.c runtime/graph/graph.h \
	runtime/graph/internal.h \
	runtime/graph/memory.c \
	runtime/graph/print.c \
	runtime/graph/rules.c \
	runtime/graph/seal.c \
	runtime/graph/update.c \
	runtime/graph/op/activation.c \
	runtime/graph/op/add.c \
	runtime/graph/op/attention.c \
	runtime/graph/op/dropout.c \
	runtime/graph/op/embedding.c \
	runtime/graph/op/ingest.c \
	runtime/graph/op/linear.c \
	runtime/graph/op/move.c \
	runtime/graph/op/mse.c \
	runtime/graph/op/norm.c \
	runtime/graph/op/optimizer.c \
	runtime/graph/op/position.c \
	runtime/graph/op/relu.c \
	runtime/graph/op/rules.h \
	runtime/graph/op/softmax.c \
	runtime/graph/op/softmax_xent.c \
	runtime/graph/op/sum.c
