bin_PROGRAMS += motley
motley_SOURCES = \
	tools/bench.c tools/bench.h tools/bench_attention.c tools/bench_conv.c tools/bench_gemm.c \
	tools/bench_ops.c tools/bench_step.c \
	tools/cmd_bench.c tools/cmd_data.c tools/cmd_devices.c tools/cmd_eval.c tools/cmd_generate.c tools/cmd_help.c tools/cmd_kernels.c tools/cmd_model.c \
	tools/cmd_predict.c tools/cmd_train.c \
	tools/command.c tools/command.h \
	tools/digits.c tools/digits.h \
	tools/evaluation.c tools/evaluation.h \
	tools/format.c tools/format.h \
	tools/json.c tools/json.h \
	tools/main.c \
	tools/model.h tools/model_dot.c \
	tools/plot.c tools/plot.h \
	tools/profile.c tools/profile.h \
	tools/progress.c tools/progress.h \
	tools/report.c tools/report.h \
	tools/session.c tools/session.h \
	tools/terminal.c tools/terminal.h \
	tools/cmd_tune.c tools/tune.h tools/tune_ask.c tools/tune_child.c tools/tune_json.c \
	tools/tune_problems.c tools/tune_search.c tools/tune_show.c
motley_LDADD = libmotley_core.la $(JANSSON_LIBS)

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = tools/completion/motley
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = tools/completion/_motley
