/* cmd_generate.c: text, token by token, from a network that was trained on text. */
#include "config.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LENGTH = 500, DEFAULT_SEED = 1 };
static const double DEFAULT_TEMPERATURE = 0.8;

typedef struct writer {
    mot_generator *generator;
    const char *prompt;
    bool silent; /* nothing is printed while it grows */
    mot_text text;
    int32_t *token;
    int64_t n;
} writer;

/* Text appears as it is drawn. */
static mot_status write_token(writer *w)
{
    const char *text;
    MOT_TRY(mot_generator_next(w->generator, &w->token[w->n], &text));
    w->n++;
    const size_t length = *text == '\0' ? 1 : strlen(text);
    if (!w->silent) {
        fwrite(text, 1, length, stdout);
        fflush(stdout);
    }
    return mot_text_add_bytes(&w->text, text, length);
}

static mot_status write_all(writer *w, int64_t length, uint64_t seed, bool json)
{
    double first_s = 0;
    MOT_TRY(mot_alloc((size_t)length, sizeof *w->token, &w->token));
    MOT_TRY(mot_generator_prompt(w->generator, w->prompt));
    if (!w->silent)
        fputs(w->prompt, stdout);
    while (w->n < length) {
        MOT_TRY(write_token(w));
        if (w->n == 1) /* with this one kernels are built */
            first_s = mot_clock_s();
    }
    if (!w->silent)
        putchar('\n');
    const mot_generated generated = {
        .device = mot_generator_device(w->generator),
        .prompt = w->prompt,
        .text = w->text.data ? w->text.data : "",
        .length = w->text.length,
        .token = w->token,
        .n = w->n,
        .seed = seed,
        .tokens_per_s = w->n > 1 ? (double)(w->n - 1) / (mot_clock_s() - first_s) : 0,
    };
    return json ? mot_json_print_generated(&generated) : MOT_OK;
}

static mot_status generate(const mot_arguments *arguments)
{
    const bool first = mot_command_rank() == 0;
    const mot_generate_options options = {
        .devices = arguments->devices,
        .temperature = arguments->temperature >= 0 ? arguments->temperature : DEFAULT_TEMPERATURE,
        .top_k = arguments->top_k > 0 ? arguments->top_k : 0,
        .seed = arguments->seed >= 0 ? (uint64_t)arguments->seed : DEFAULT_SEED,
    };
    writer w = {.prompt = arguments->prompt ? arguments->prompt : "",
                .silent = arguments->json || !first};
    MOT_TRY(mot_generator_open(arguments->operand[0], &options, &w.generator));
    mot_status status = write_all(&w, arguments->n >= 0 ? arguments->n : DEFAULT_LENGTH,
                                  options.seed, arguments->json && first);
    mot_generator_close(w.generator);
    mot_text_free(&w.text);
    free(w.token);
    return status;
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_session_log(arguments);
    return generate(arguments) == MOT_OK ? MOT_EXIT_OK : mot_command_failed(command, false);
}

static const mot_option options[] = {
    {"prompt", 0, MOT_OPTION_TEXT, "TEXT", "what the text begins with (default: a new line)",
     MOT_PLACE(prompt), 0},
    {"length", 'n', MOT_OPTION_INT, "N", "how many tokens follow (default: 500)", MOT_PLACE(n), 0},
    {"temperature", 0, MOT_OPTION_FLOAT, "F",
     "below 1 likely tokens become likelier; 0: always the likeliest (default: 0.8)",
     MOT_PLACE(temperature), 0},
    {"top-k", 0, MOT_OPTION_INT, "K", "draw from the K likeliest tokens only (default: from all)",
     MOT_PLACE(top_k), 1},
    {"seed", 0, MOT_OPTION_INT, "N", "the seed of all random numbers (default: 1)", MOT_PLACE(seed),
     0},
    MOT_OPTION_DEVICES,
    MOT_OPTION_JSON("print device, seed, prompt, text, tokens and speed as one JSON object"),
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_generate = {
    "generate",
    "DIR",
    1,
    1,
    "write text with a network that was trained on text",
    "DIR is the folder of a training, what `motley train --out DIR` wrote.  The same seed gives "
    "the\n"
    "same text on every device, as far as rounding lets it.",
    options,
    run,
    false,
};
