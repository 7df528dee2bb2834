/* cmd_data.c: what a data set has, and data sets as packed files. */
#include "config.h"

#include "runtime/base/text.h"
#include "runtime/train/packed.h"
#include "runtime/train/summary.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- show ---- */

static const char *const PARTS[] = {"train", "validation", "test"};

/* A class by its name, a token as a C string would have it. */
static void name_class(const mot_data *data, int64_t number, char *out, size_t size)
{
    const mot_vocabulary *vocabulary = data->vocabulary;
    uint32_t code = vocabulary && vocabulary->code ? vocabulary->code[number] : (uint32_t)number;
    mot_text text = {0};
    if (data->train->class_name)
        snprintf(out, size, "%s", data->train->class_name[number]);
    else if (!vocabulary)
        snprintf(out, size, "%" PRId64, number);
    else if (code == '\n')
        snprintf(out, size, "'\\n'");
    else if (code < 0x20 || (code >= 0x7F && code < 0xA0) || (!vocabulary->code && code >= 0x80))
        snprintf(out, size, "0x%02" PRIx32, code);
    else if (mot_vocabulary_decode(vocabulary, (int32_t)number, &text) == MOT_OK)
        snprintf(out, size, "'%s'", text.data);
    mot_text_free(&text);
}

static void print_parts(const mot_data *data, const mot_summary *summary)
{
    char text[MOT_FORMAT];
    for (int part = 0; part < MOT_SUMMARY_PARTS; part++)
        if (summary->n[part] > 0)
            printf("%-12s %12s samples\n", PARTS[part], mot_format_count(summary->n[part], text));
    if (data->train->regression)
        printf("%-12s %12s\n", "targets", mot_format_count(data->train->n_classes, text));
    else
        printf("%-12s %12s\n", data->vocabulary ? "tokens" : "classes",
               mot_format_count(data->train->n_classes, text));
}

/* Classes that nothing belongs to are left out. */
static void print_counts(const mot_data *data, const mot_summary *summary)
{
    char name[64], text[MOT_FORMAT];
    printf("\n%-12s", data->vocabulary ? "token" : "class");
    for (int part = 0; part < MOT_SUMMARY_PARTS; part++)
        if (summary->count[part])
            printf(" %12s", PARTS[part]);
    printf("\n");
    for (int64_t c = 0; c < data->train->n_classes; c++) {
        int64_t all = 0;
        for (int part = 0; part < MOT_SUMMARY_PARTS; part++)
            all += summary->count[part] ? summary->count[part][c] : 0;
        if (all == 0)
            continue;
        name_class(data, c, name, sizeof name);
        printf("%-12s", name);
        for (int part = 0; part < MOT_SUMMARY_PARTS; part++)
            if (summary->count[part])
                printf(" %12s", mot_format_count(summary->count[part][c], text));
        printf("\n");
    }
}

static void print_list(const double *value, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        printf("%s%.4f", i ? ", " : "[", value[i]);
    printf("]");
}

static void print_statistics(const mot_data *data, const mot_summary *summary)
{
    bool bytes = data->train->dtype == MOT_U8;
    printf("\n%-12s %12s %12s\n", data->train->sample.n_dims == 3 ? "channel" : "input", "mean",
           "deviation");
    for (int64_t c = 0; c < summary->n_channels; c++)
        printf("%-12" PRId64 " %12.6g %12.6g\n", c, summary->mean[c], summary->deviation[c]);
    if (!bytes)
        return;
    printf("\nnormalize: [");
    print_list(summary->mean, summary->n_channels);
    printf(", ");
    print_list(summary->deviation, summary->n_channels);
    printf("]\n");
}

static void print_data(const mot_data *data, const mot_summary *summary)
{
    char shape[MOT_SHAPE_TEXT];
    printf("%s\n", data->train->name);
    if (data->note)
        printf("%s\n", data->note);
    printf("%-12s %12s %s\n", "sample", mot_shape_print(&data->train->sample, shape),
           mot_dtype_name(data->train->dtype));
    print_parts(data, summary);
    if (!data->train->regression)
        print_counts(data, summary);
    if (summary->n_channels > 0)
        print_statistics(data, summary);
}

static mot_status show(const mot_config *config, const mot_arguments *arguments)
{
    mot_data *data;
    mot_summary summary = {0};
    MOT_TRY(mot_data_open(config, arguments->data, &data));
    mot_status status = data->mapped ? mot_packed_verify(data->train->name) : MOT_OK;
    if (status == MOT_OK)
        status = mot_summary_of(data, &summary);
    if (status == MOT_OK && arguments->json)
        status = mot_json_print_data(data, &summary);
    else if (status == MOT_OK)
        print_data(data, &summary);
    mot_summary_free(&summary);
    mot_data_close(data);
    return status;
}

static int run_show(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    if (mot_session_configure(command, arguments, &session) &&
        show(session.config, arguments) != MOT_OK)
        session.exit_status = mot_command_failed(command, false);
    return mot_session_close(&session);
}

/* ---- pack ---- */

static mot_status pack(const mot_config *config, const mot_arguments *arguments)
{
    mot_data *data;
    char text[MOT_FORMAT];
    MOT_TRY(mot_data_open(config, arguments->data, &data));
    mot_status status = mot_packed_write(data, arguments->out);
    if (status == MOT_OK) {
        printf("%s has %s training samples; use it with `data: {set: packed, file: %s}`\n",
               arguments->out, mot_format_count(data->n_train, text), arguments->out);
        if (data->note)
            printf("%s\n", data->note);
    }
    mot_data_close(data);
    return status;
}

static int run_pack(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    if (!arguments->out)
        return mot_command_misused(command, "data pack needs --out FILE, the file to write");
    if (mot_session_configure(command, arguments, &session) &&
        pack(session.config, arguments) != MOT_OK)
        session.exit_status = mot_command_failed(command, false);
    return mot_session_close(&session);
}

/* ---- the commands ---- */

static const mot_option show_options[] = {
    MOT_OPTION_DATA,    MOT_OPTION_SET,  MOT_OPTION_JSON("print all as one JSON object"),
    MOT_OPTION_VERBOSE, MOT_OPTION_HELP, MOT_OPTION_END,
};

static const mot_option pack_options[] = {
    {"out", 'o', MOT_OPTION_TEXT, "FILE", "the file to write", MOT_PLACE(out), 0},
    MOT_OPTION_DATA,
    MOT_OPTION_SET,
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_data_show = {
    "data show",
    "CONFIG",
    1,
    1,
    "print what the data set of a configuration has",
    "Parts, samples, shape, classes and how many samples each has, and of the training samples\n"
    "mean and deviation by channel, as data.normalize takes them.  A packed file is checked\n"
    "against its checksums.",
    show_options,
    run_show,
    false,
};

const mot_command mot_command_data_pack = {
    "data pack",
    "CONFIG",
    1,
    1,
    "make one file of a data set, which is mapped and starts at once",
    "Parts are packed as the data block divides them, tables as the network gets them.  Train\n"
    "with `data: {set: packed, file: FILE}`.",
    pack_options,
    run_pack,
    false,
};
