libmotley_core_la_SOURCES += runtime/train/data.h runtime/train/safetensors.h
