/* digits.c: draws samples with characters.
 *
 * A picture is first averaged into a grid of dots that fits a cell of fixed size.  How a dot shows
 * depends on the terminal: with colours, two dots a character ('▀' with its own grey below and
 * above); with UTF-8 only, braille (2 x 4 dots a character, on or off); else a character by darkness.
 */
#include "config.h"

#include "tools/digits.h"

#include "runtime/base/memory.h"
#include "tools/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, LOOK_AT = 1000, MAX_SIDE = 64, CAPTION = 32, CHUNK = 250 };

typedef enum { STYLE_GREY, STYLE_BRAILLE, STYLE_TEXT } style;

typedef struct picture {
    int64_t index, label, prediction;
    float probability;
    float dot[MAX_SIDE][MAX_SIDE]; /* 0..1 */
} picture;

typedef struct canvas {
    const mot_terminal *terminal;
    style how;
    int width, height; /* characters of one picture */
    int across, down;  /* dots of a character */
} canvas;

static canvas canvas_of(const mot_terminal *terminal)
{
    canvas c = {.terminal = terminal};
    c.how = terminal->colour && terminal->utf8 ? STYLE_GREY
            : terminal->utf8                   ? STYLE_BRAILLE
                                               : STYLE_TEXT;
    static const int size[3][4] = {{14, 7, 1, 2}, {14, 7, 2, 4}, {24, 12, 1, 1}};
    c.width = size[c.how][0];
    c.height = size[c.how][1];
    c.across = size[c.how][2];
    c.down = size[c.how][3];
    return c;
}

/* Pictures in one row of the terminal. */
static int canvas_per_row(const canvas *c)
{
    int n = (c->terminal->width - 2 + GAP) / (c->width + GAP);
    return n < 1 ? 1 : n > 10 ? 10 : n;
}

/* ---- samples ---- */

static int image_shape(const mot_trainer *trainer, int64_t *channels, int64_t *height,
                       int64_t *width)
{
    int64_t dims[4] = {0};
    int n = mot_trainer_input_shape(trainer, dims);
    if (n < 2 || n > 3)
        return 0;
    *channels = n == 3 ? dims[0] : 1;
    *height = dims[n - 2];
    *width = dims[n - 1];
    return (*channels == 1 || *channels == 3) && *height > 1 && *width > 1;
}

bool mot_digits_possible(const mot_trainer *trainer)
{
    int64_t channels, height, width;
    return image_shape(trainer, &channels, &height, &width) && mot_trainer_n_outputs(trainer) > 1 &&
           !mot_trainer_report(trainer)->regression;
}

/* Mean of the pixels that a dot covers, weighted by how much of each it covers. */
static float dot_value(const float *plane, int64_t height, int64_t width, double y0, double y1,
                       double x0, double x1)
{
    double sum = 0, area = 0;
    for (int64_t y = (int64_t)y0; y < height && (double)y < y1; y++)
        for (int64_t x = (int64_t)x0; x < width && (double)x < x1; x++) {
            double h = fmin(y1, (double)y + 1) - fmax(y0, (double)y);
            double w = fmin(x1, (double)x + 1) - fmax(x0, (double)x);
            sum += h * w * plane[y * width + x];
            area += h * w;
        }
    return area > 0 ? (float)(sum / area) : 0;
}

/* Bring pixels to 0..1 by the picture's own range, and to the dots of the canvas. */
static void shrink(const canvas *c, float *pixel, int64_t channels, int64_t height, int64_t width,
                   picture *out)
{
    int64_t n = height * width;
    float least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (channels == 3)
            pixel[i] = 0.299f * pixel[i] + 0.587f * pixel[n + i] + 0.114f * pixel[2 * n + i];
        least = fminf(least, pixel[i]);
        most = fmaxf(most, pixel[i]);
    }
    float range = most > least ? most - least : 1;
    int rows = c->height * c->down, columns = c->width * c->across;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            double sy = (double)height / rows, sx = (double)width / columns;
            float value =
                dot_value(pixel, height, width, y * sy, (y + 1) * sy, x * sx, (x + 1) * sx);
            out->dot[y][x] = (value - least) / range;
        }
}

static mot_status load(const canvas *c, mot_trainer *trainer, mot_part part, int64_t index,
                       picture *out)
{
    int64_t channels = 1, height = 1, width = 1, n_outputs = mot_trainer_n_outputs(trainer);
    float *pixel = NULL, *output = NULL;
    mot_status status;
    image_shape(trainer, &channels, &height, &width);
    MOT_TRY_GOTO(mot_alloc((size_t)mot_trainer_n_inputs(trainer), sizeof *pixel, &pixel));
    MOT_TRY_GOTO(mot_alloc((size_t)n_outputs, sizeof *output, &output));
    MOT_TRY_GOTO(mot_trainer_sample(trainer, part, index, pixel, &out->label, NULL));
    MOT_TRY_GOTO(mot_trainer_predict(trainer, part, index, 1, output));
    out->index = index;
    out->prediction = 0;
    for (int64_t i = 1; i < n_outputs; i++)
        if (output[i] > output[out->prediction])
            out->prediction = i;
    out->probability = output[out->prediction];
    shrink(c, pixel, channels, height, width, out);
fail:
    free(pixel);
    free(output);
    return status;
}

/* ---- drawing ---- */

static int grey(float value)
{
    int level = (int)lroundf(value * 25); /* 16, 232..255: black to white of the 256 colours */
    return level <= 0 ? 16 : level >= 25 ? 231 : 231 + level;
}

static unsigned braille(const picture *p, int row, int column)
{
    static const unsigned bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned mask = 0;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 2; x++)
            if (p->dot[row * 4 + y][column * 2 + x] > 0.4f)
                mask |= bit[y][x];
    return mask;
}

static void draw_row(const canvas *c, const picture *p, int row)
{
    FILE *out = c->terminal->out;
    for (int column = 0; column < c->width; column++) {
        if (c->how == STYLE_GREY) {
            fprintf(out, "\033[38;5;%d;48;5;%dm▀", grey(p->dot[2 * row][column]),
                    grey(p->dot[2 * row + 1][column]));
        } else if (c->how == STYLE_BRAILLE) {
            unsigned mask = braille(p, row, column);
            fprintf(out, "\xE2%c%c", 0xA0 + (mask >> 6), 0x80 + (mask & 0x3F));
        } else {
            static const char ramp[] = " .:-=+*#%@";
            fputc(ramp[(int)(p->dot[row][column] * 9.499f)], out);
        }
    }
    fputs(mot_terminal_style(c->terminal, MOT_STYLE_PLAIN), out);
}

/* "7 99.8 %" where it is right, "3 81 % (is 5)" where not. */
static void draw_caption(const canvas *c, const picture *p)
{
    char text[CAPTION];
    bool right = p->label == p->prediction || p->label < 0;
    if (right)
        snprintf(text, sizeof text, "%" PRId64 " %.1f %%", p->prediction, 100 * p->probability);
    else
        snprintf(text, sizeof text, "%" PRId64 " %.0f %% (is %" PRId64 ")", p->prediction,
                 100 * p->probability, p->label);
    fprintf(c->terminal->out, "%s%-*.*s%s",
            mot_terminal_style(c->terminal, right ? MOT_STYLE_GREEN : MOT_STYLE_RED), c->width,
            c->width, text, mot_terminal_style(c->terminal, MOT_STYLE_PLAIN));
}

static void draw_pictures(const canvas *c, const picture *row_of, int n)
{
    FILE *out = c->terminal->out;
    for (int row = 0; row <= c->height; row++) {
        fputs("  ", out);
        for (int i = 0; i < n; i++) {
            if (row < c->height)
                draw_row(c, &row_of[i], row);
            else
                draw_caption(c, &row_of[i]);
            fprintf(out, "%*s", i + 1 < n ? GAP : 0, "");
        }
        fputc('\n', out);
    }
}

mot_status mot_digits_draw(const mot_terminal *terminal, mot_trainer *trainer, mot_part part,
                           const int64_t *index, int n, bool silent)
{
    canvas c = canvas_of(terminal);
    int per_row = canvas_per_row(&c);
    picture *row = NULL;
    mot_status status = MOT_OK;
    MOT_TRY(mot_alloc((size_t)per_row, sizeof *row, &row));
    for (int first = 0; first < n; first += per_row) {
        int count = n - first < per_row ? n - first : per_row;
        for (int i = 0; i < count; i++)
            MOT_TRY_GOTO(load(&c, trainer, part, index[first + i], &row[i]));
        if (!silent)
            draw_pictures(&c, row, count);
    }
fail:
    free(row);
    return status;
}

/* Indices of the first wrong ones among the first `n` samples; their number is returned in *found. */
static mot_status find_wrong(mot_trainer *trainer, mot_part part, int64_t n, int most,
                             int64_t *wrong, int *found)
{
    int64_t n_outputs = mot_trainer_n_outputs(trainer);
    float *output = NULL, *pixel = NULL;
    mot_status status;
    *found = 0;
    MOT_TRY_GOTO(mot_alloc((size_t)mot_trainer_n_inputs(trainer), sizeof *pixel, &pixel));
    MOT_TRY_GOTO(mot_alloc((size_t)(CHUNK * n_outputs), sizeof *output, &output));
    for (int64_t first = 0; first < n && *found < most; first += CHUNK) {
        int64_t count = n - first < CHUNK ? n - first : CHUNK;
        MOT_TRY_GOTO(mot_trainer_predict(trainer, part, first, count, output));
        for (int64_t i = 0; i < count && *found < most; i++) {
            int64_t label, best = 0;
            for (int64_t k = 1; k < n_outputs; k++)
                if (output[i * n_outputs + k] > output[i * n_outputs + best])
                    best = k;
            MOT_TRY_GOTO(mot_trainer_sample(trainer, part, first + i, pixel, &label, NULL));
            if (label >= 0 && label != best)
                wrong[(*found)++] = first + i;
        }
    }
fail:
    free(pixel);
    free(output);
    return status;
}

mot_status mot_digits_show(const mot_terminal *terminal, mot_trainer *trainer, mot_part part,
                           bool silent)
{
    int64_t first[10], wrong[10], n = mot_trainer_n_samples(trainer, part);
    int n_wrong,
        per_row =
            canvas_per_row(&(canvas){.terminal = terminal, .width = canvas_of(terminal).width});
    int n_first = n < per_row ? (int)n : per_row;
    for (int i = 0; i < n_first; i++)
        first[i] = i;
    MOT_TRY(find_wrong(trainer, part, n < LOOK_AT ? n : LOOK_AT, per_row, wrong, &n_wrong));
    if (!silent)
        fprintf(terminal->out,
                "What the network says about the first test samples, and how sure it is:\n");
    MOT_TRY(mot_digits_draw(terminal, trainer, part, first, n_first, silent));
    if (n_wrong > 0) {
        if (!silent)
            fprintf(terminal->out, "And some that it gets wrong:\n");
        MOT_TRY(mot_digits_draw(terminal, trainer, part, wrong, n_wrong, silent));
    }
    return MOT_OK;
}
