libmotley_core_la_SOURCES += runtime/train/data.h runtime/train/safetensors.h
libmotley_core_la_SOURCES += runtime/train/dataset.c
libmotley_core_la_SOURCES += runtime/train/gzip_file.c runtime/train/gzip_file.h
libmotley_core_la_SOURCES += runtime/train/idx.c runtime/train/idx.h
libmotley_core_la_SOURCES += runtime/train/safetensors.c
libmotley_core_la_SOURCES += runtime/train/tensor_convert.c runtime/train/tensor_convert.h
