libmotley_core_la_SOURCES += devices/accumulate.c devices/activation.c devices/add.c \
	devices/archive.c devices/archive.h devices/archive_pack.c devices/attention.c \
	devices/attention.h devices/attention_gpu.c devices/average.c devices/batch_norm.c \
	devices/batch_norm.h devices/batch_norm_gpu.c devices/buffer.c devices/cl_error.c \
	devices/clip_norm.c devices/command_buffer.c devices/commands.c devices/commands.h \
	devices/conv2d.c devices/conv2d.h devices/conv2d_cpu.c devices/conv2d_gpu.c \
	devices/conv2d_planes.c devices/conv2d_winograd.c devices/device.c devices/device.h \
	devices/devices.h devices/discover.c devices/dropout.c devices/embedded.h \
	devices/embedding.c devices/ingest.c devices/joined.c devices/joined.h \
	devices/joined_kernel.c devices/joined_measure.c devices/kernel.h devices/lamb.c \
	devices/lanes.c devices/lanes.h devices/linear.c \
	devices/list.c devices/loss_scale.c devices/matmul.c devices/matmul.h \
	devices/matmul_clblast.c devices/matmul_cpu.c devices/matmul_mma.c devices/matmul_tiled.c \
	devices/measure.c devices/move.c devices/narrow.c devices/norm.c devices/norm.h \
	devices/norm_gpu.c devices/optimizer.c devices/optimizer.h devices/parts.c devices/peak.c \
	devices/peak.h devices/pointwise_loss.c devices/pool2d.c devices/position.c \
	devices/primitive.c devices/primitive.h devices/probe.c devices/probe.h devices/problem.c \
	devices/problem.h devices/problem_text.c devices/product.c devices/product.h \
	devices/program.c devices/program_cache.c devices/recurrent.c devices/relu.c \
	devices/remember.c devices/select.c devices/softmax.c devices/state.h devices/sum.c \
	devices/trial.c devices/trial.h devices/tune.c devices/tune.h devices/tune_quick.c \
	devices/tuned.c devices/tuned.h devices/tuned_file.c devices/tuned_text.c devices/twins.c \
	devices/variant.c devices/variant.h
