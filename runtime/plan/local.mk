libmotley_core_la_SOURCES += \
	runtime/plan/balance.c \
	runtime/plan/lines.c runtime/plan/lines.h \
	runtime/plan/machine.c \
	runtime/plan/observe.c \
	runtime/plan/plan.c runtime/plan/plan.h \
	runtime/plan/plan_text.c
