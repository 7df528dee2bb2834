/* cmd_eval.c: loss and accuracy of stored weights on a part of the data. */
#include "config.h"

#include "tools/command.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/session.h"

#include <math.h>
#include <stdio.h>

static bool evaluate(mot_session *session, const mot_arguments *arguments, mot_part part)
{
    double loss, accuracy;
    char text[MOT_FORMAT];
    mot_trainer *trainer = session->trainer;
    if (mot_trainer_evaluate(trainer, part, &loss, &accuracy) != MOT_OK)
        return mot_session_fail(session);
    if (session->rank != 0)
        return true;
    bool regression = mot_trainer_report(trainer)->regression;
    int64_t n = mot_trainer_n_samples(trainer, part);
    const char *name = arguments->part ? arguments->part : "test";
    if (arguments->json)
        return mot_json_print_evaluation(name, n, loss, accuracy, regression) == MOT_OK ||
               mot_session_fail(session);
    printf("%s  samples %s", name, mot_format_count(n, text));
    printf("  loss %s", mot_format_loss(loss, text));
    if (regression)
        printf("  R2 %.4f\n", accuracy);
    else
        printf("  accuracy %s\n", mot_format_percent(accuracy, text));
    return true;
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    mot_part part;
    if (!arguments->init)
        return mot_command_misused(command,
                                   "eval needs --init FILE, the model.safetensors of a training");
    if (mot_session_part(command, arguments, &session, &part) &&
        mot_session_configure(command, arguments, &session) &&
        mot_session_open(arguments, NULL, NULL, &session))
        evaluate(&session, arguments, part);
    return mot_session_close(&session);
}

static const mot_option options[] = {
    MOT_OPTION_INIT,    MOT_OPTION_PART,
    MOT_OPTION_DEVICES, MOT_OPTION_DATA,
    MOT_OPTION_SET,     MOT_OPTION_KERNELS,
    MOT_OPTION_SEED,    MOT_OPTION_JSON("print {part, samples, loss, accuracy} as one JSON object"),
    MOT_OPTION_VERBOSE, MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_eval = {
    "eval", "CONFIG", 1, 1, "measure a trained network on the test data", NULL, options, run, true,
};
