/* cmd_eval.c: how well stored weights do on a part of the data. */
#include "config.h"

#include "tools/command.h"
#include "tools/evaluation.h"
#include "tools/json.h"
#include "tools/session.h"

#include <stdio.h>

static bool evaluate(mot_session *session, const mot_arguments *arguments, mot_part part)
{
    const mot_evaluation *evaluation;
    mot_trainer *trainer = session->trainer;
    if (mot_trainer_evaluate_fully(trainer, part, &evaluation) != MOT_OK)
        return mot_session_fail(session);
    if (session->rank != 0)
        return true;
    const mot_terminal terminal = mot_terminal_of(stdout);
    const char *name = arguments->part ? arguments->part : "test";
    const char *token = mot_trainer_report(trainer)->token;
    const int64_t n = mot_trainer_n_samples(trainer, part);
    if (arguments->json)
        return mot_json_print_evaluation(name, n, token, evaluation) == MOT_OK ||
               mot_session_fail(session);
    mot_evaluation_print(&terminal, name, n, token, evaluation);
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
    MOT_OPTION_SEED,    MOT_OPTION_JSON("print all measures as one JSON object"),
    MOT_OPTION_VERBOSE, MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_eval = {
    "eval", "CONFIG", 1, 1, "measure a trained network on the test data", NULL, options, run, true,
};
