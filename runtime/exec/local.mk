libmotley_core_la_SOURCES += runtime/exec/exec.h
