libmotley_core_la_SOURCES += runtime/model/config.h
