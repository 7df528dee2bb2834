libmotley_core_la_SOURCES += runtime/graph/graph.h runtime/graph/op/rules.h
