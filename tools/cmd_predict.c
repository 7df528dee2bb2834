/* cmd_predict.c: what a trained network says about samples, as a table, CSV or pictures. */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "tools/command.h"
#include "tools/digits.h"
#include "tools/format.h"
#include "tools/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 500, DEFAULT_N = 10 };

typedef struct writer {
    mot_session *session;
    mot_part part;
    bool regression, csv;
    int64_t n_outputs;
    FILE *out; /* NULL: this rank is silent */
} writer;

static void print_head(const writer *w)
{
    if (!w->out)
        return;
    if (!w->csv) {
        fputs(w->regression ? " index      target  prediction\n"
                            : " index  label  prediction  probability\n",
              w->out);
        return;
    }
    fputs(w->regression ? "index,target,prediction" : "index,label,prediction", w->out);
    for (int64_t k = 0; !w->regression && k < w->n_outputs; k++)
        fprintf(w->out, ",p%" PRId64, k);
    fputc('\n', w->out);
}

static void print_class(const writer *w, int64_t index, int64_t label, const float *output)
{
    int64_t best = 0;
    for (int64_t k = 1; k < w->n_outputs; k++)
        if (output[k] > output[best])
            best = k;
    if (!w->csv) {
        fprintf(w->out, "%6" PRId64 "  %5" PRId64 "  %10" PRId64 "  %9.2f %%%s\n", index, label,
                best, 100 * output[best], label == best || label < 0 ? "" : "  wrong");
        return;
    }
    fprintf(w->out, "%" PRId64 ",%" PRId64 ",%" PRId64, index, label, best);
    for (int64_t k = 0; k < w->n_outputs; k++)
        fprintf(w->out, ",%.6g", output[k]);
    fputc('\n', w->out);
}

static void print_value(const writer *w, int64_t index, float target, float output)
{
    fprintf(w->out, w->csv ? "%" PRId64 ",%.7g,%.7g\n" : "%6" PRId64 "  %10.5g  %10.5g\n", index,
            target, output);
}

static mot_status predict(const writer *w, int64_t n)
{
    mot_trainer *trainer = w->session->trainer;
    float *output = NULL, *pixel = NULL, target = 0;
    int64_t label = 0;
    mot_status status;
    MOT_TRY_GOTO(mot_alloc((size_t)(CHUNK * w->n_outputs), sizeof *output, &output));
    MOT_TRY_GOTO(mot_alloc((size_t)mot_trainer_n_inputs(trainer), sizeof *pixel, &pixel));
    print_head(w);
    for (int64_t first = 0; first < n; first += CHUNK) {
        int64_t count = n - first < CHUNK ? n - first : CHUNK;
        MOT_TRY_GOTO(mot_trainer_predict(trainer, w->part, first, count, output));
        for (int64_t i = 0; w->out && i < count; i++) {
            MOT_TRY_GOTO(mot_trainer_sample(trainer, w->part, first + i, pixel,
                                            w->regression ? NULL : &label,
                                            w->regression ? &target : NULL));
            if (w->regression)
                print_value(w, first + i, target, output[i * w->n_outputs]);
            else
                print_class(w, first + i, label, output + i * w->n_outputs);
        }
    }
fail:
    free(output);
    free(pixel);
    return status;
}

static mot_status draw(const writer *w, int64_t n)
{
    mot_terminal terminal = mot_terminal_of(stdout);
    int64_t *index;
    MOT_TRY(mot_alloc((size_t)n, sizeof *index, &index));
    for (int64_t i = 0; i < n; i++)
        index[i] = i;
    mot_status status =
        mot_digits_draw(&terminal, w->session->trainer, w->part, index, (int)n, !w->out);
    free(index);
    return status;
}

static mot_status open_csv(writer *w, const char *path)
{
    w->csv = true;
    if (!w->out || strcmp(path, "-") == 0)
        return MOT_OK;
    w->out = fopen(path, "w");
    if (!w->out)
        return MOT_FAIL(MOT_ERR_FILE, "%s cannot be written: %s", path, strerror(errno));
    return MOT_OK;
}

static mot_status close_csv(writer *w, const char *path)
{
    if (!w->out || w->out == stdout)
        return MOT_OK;
    int failed = ferror(w->out);
    if (fclose(w->out) != 0 || failed) {
        remove(path);
        return MOT_FAIL(MOT_ERR_FILE, "%s cannot be written whole: %s", path, strerror(errno));
    }
    return MOT_OK;
}

static mot_status carry_out(mot_session *session, const mot_arguments *arguments, mot_part part)
{
    mot_trainer *trainer = session->trainer;
    writer w = {.session = session, .part = part, .out = session->rank == 0 ? stdout : NULL};
    w.regression = mot_trainer_report(trainer)->regression;
    w.n_outputs = mot_trainer_n_outputs(trainer);
    int64_t all = mot_trainer_n_samples(trainer, part);
    int64_t n = arguments->n >= 0 ? arguments->n : arguments->csv ? all : DEFAULT_N;
    n = n < all ? n : all;
    if (all == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the %s part of the data is empty",
                        arguments->part ? arguments->part : "test");
    if (arguments->draw && !mot_digits_possible(trainer))
        return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                        "--draw needs pictures and classes; these samples are something else");
    if (arguments->draw)
        return draw(&w, n);
    if (!arguments->csv)
        return predict(&w, n);
    MOT_TRY(open_csv(&w, arguments->csv));
    mot_status status = predict(&w, n), closed = close_csv(&w, arguments->csv);
    return status != MOT_OK ? status : closed;
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    mot_part part;
    if (!arguments->init)
        return mot_command_misused(
            command, "predict needs --init FILE, the model.safetensors of a training");
    if (arguments->csv && arguments->draw)
        return mot_command_misused(command, "--csv and --draw exclude each other");
    if (mot_session_part(command, arguments, &session, &part) &&
        mot_session_configure(command, arguments, &session) &&
        mot_session_open(arguments, NULL, NULL, &session) &&
        carry_out(&session, arguments, part) != MOT_OK)
        mot_session_fail(&session);
    return mot_session_close(&session);
}

static const mot_option options[] = {
    MOT_OPTION_INIT,
    MOT_OPTION_PART,
    {"n", 'n', MOT_OPTION_INT, "N", "how many samples, from the first (default: 10; all for --csv)",
     MOT_PLACE(n), 1},
    {"csv", 0, MOT_OPTION_TEXT, "FILE",
     "write index, label, prediction and all probabilities as CSV; - is standard output",
     MOT_PLACE(csv), 0},
    {"draw", 0, MOT_OPTION_FLAG, NULL, "draw the samples in the terminal", MOT_PLACE(draw), 0},
    MOT_OPTION_DEVICES,
    MOT_OPTION_DATA,
    MOT_OPTION_SET,
    MOT_OPTION_KERNELS,
    MOT_OPTION_SEED,
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_predict = {
    "predict", "CONFIG", 1,   1,    "print or draw what a trained network says about test samples",
    NULL,      options,  run, true,
};
