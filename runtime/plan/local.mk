libmotley_core_la_SOURCES += runtime/plan/plan.h
