libmotley_core_la_SOURCES += \
	runtime/model/config.c runtime/model/config.h \
	runtime/model/config_keys.c \
	runtime/model/define.c runtime/model/define.h \
	runtime/model/document.c \
	runtime/model/expand.c runtime/model/expand.h \
	runtime/model/keys.c runtime/model/keys.h \
	runtime/model/layer/activation.c \
	runtime/model/layer/add.c \
	runtime/model/layer/attention.c \
	runtime/model/layer/batch_norm.c \
	runtime/model/layer/concat.c \
	runtime/model/layer/conv2d.c \
	runtime/model/layer/dropout.c \
	runtime/model/layer/embedding.c \
	runtime/model/layer/flatten.c \
	runtime/model/layer/init.c \
	runtime/model/layer/init.h \
	runtime/model/layer/linear.c \
	runtime/model/layer/list.h \
	runtime/model/layer/norm.c \
	runtime/model/layer/pad.c \
	runtime/model/layer/permute.c \
	runtime/model/layer/pool2d.c \
	runtime/model/layer/position.c \
	runtime/model/layer/recurrent.c \
	runtime/model/layer/relu.c \
	runtime/model/layer/reshape.c \
	runtime/model/layer/slice.c \
	runtime/model/layer/sum.c \
	runtime/model/layer/window.c \
	runtime/model/layer/window.h \
	runtime/model/layers.c runtime/model/layers.h \
	runtime/model/model.c \
	runtime/model/optimizer.c runtime/model/optimizer.h \
	runtime/model/yaml.c runtime/model/yaml.h \
	runtime/model/yaml_print.c
EXTRA_DIST += doc/config.md
