/* plan_text.c: a plan as text, for people, logs and tests, and back.
 *
 *     motley-plan 1
 *     batch 64 devices 2 buckets 1 predicted_s 0.0003 equal_s 0.0005
 *     device 0 share 48 first 0 id pocl:0 rank 0 time_s 0.0003
 *     device 1 share 16 first 48 id pocl:1 rank 0 time_s 0.00029
 *     exchange 0 offset 0 n 33 after_node 2
 *     bucket 1 offset 48 n 1044 after_node 6
 *
 * An exchange is an awaited bucket; the others follow each other without gaps.
 * Id, rank and time of a device are for the reader; they belong to the machine and are not kept.
 */
#include "config.h"

#include "runtime/plan/plan.h"

#include "runtime/base/memory.h"
#include "runtime/plan/lines.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

enum { VERSION = 1, MOST_DEVICES = 1 << 20 };

static const char BUCKET[] = "bucket", EXCHANGE[] = "exchange";

static mot_status print_device(mot_text *text, const mot_plan *plan, const mot_machine *machine,
                               int i)
{
    MOT_TRY(mot_text_add(text, "device %d share %" PRId64 " first %" PRId64, i, plan->share[i],
                         plan->first[i]));
    if (machine) {
        const mot_machine_device *device = &machine->device[i];
        double n = (double)plan->share[i];
        MOT_TRY(mot_text_add(text, " id %s rank %d", device->id, device->rank));
        MOT_TRY(mot_lines_add_float(
            text, "time_s", n > 0 ? device->a_s + device->b_s * n + device->min_step_s : 0));
    }
    return mot_text_add(text, "\n");
}

static mot_status print(mot_text *text, const mot_plan *plan, const mot_machine *machine)
{
    MOT_TRY(mot_text_add(text, "motley-plan %d\n", VERSION));
    MOT_TRY(mot_text_add(text, "batch %" PRId64 " devices %d buckets %d", plan->batch,
                         plan->n_devices, plan->n_buckets));
    MOT_TRY(mot_lines_add_float(text, "predicted_s", plan->predicted_step_s));
    MOT_TRY(mot_lines_add_float(text, "equal_s", plan->predicted_equal_step_s));
    MOT_TRY(mot_text_add(text, "\n"));
    for (int i = 0; i < plan->n_devices; i++)
        MOT_TRY(print_device(text, plan, machine, i));
    for (int i = 0; i < plan->n_buckets; i++)
        MOT_TRY(mot_text_add(text, "%s %d offset %" PRId64 " n %" PRId64 " after_node %d\n",
                             plan->bucket[i].awaited ? EXCHANGE : BUCKET, i, plan->bucket[i].offset,
                             plan->bucket[i].n, plan->bucket[i].after_node));
    return MOT_OK;
}

mot_status mot_plan_print(const mot_plan *plan, const mot_machine *machine, char **out)
{
    if (machine && machine->n_devices != plan->n_devices)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "a plan for %d devices and a machine of %d",
                        plan->n_devices, machine->n_devices);
    mot_text text = {0};
    mot_status status = print(&text, plan, machine);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    return MOT_OK;
}

/* The next line must be one that begins with `word`, or with `other`, if there is one. */
static mot_status expect_one(mot_lines *lines, const char *word, const char *other)
{
    bool more;
    MOT_TRY(mot_lines_next(lines, &more));
    if (!more)
        return mot_lines_fail(lines, "the text ends where '%s' was expected", word);
    if (!mot_lines_is(lines, word) && !(other && mot_lines_is(lines, other)))
        return mot_lines_fail(lines, "'%.64s' where '%s' was expected", lines->word[0], word);
    return MOT_OK;
}

static mot_status expect(mot_lines *lines, const char *word)
{
    return expect_one(lines, word, NULL);
}

static mot_status parse_device(mot_lines *lines, int i, int64_t first, mot_plan *plan)
{
    int64_t index, rank;
    const char *id;
    double time_s;
    MOT_TRY(expect(lines, "device"));
    MOT_TRY(mot_lines_int(lines, "device", i, i, &index));
    MOT_TRY(mot_lines_int(lines, "share", 0, plan->batch - first, &plan->share[i]));
    MOT_TRY(mot_lines_int(lines, "first", first, first, &plan->first[i]));
    if (lines->n_words > 6) {
        MOT_TRY(mot_lines_text(lines, "id", &id));
        MOT_TRY(mot_lines_int(lines, "rank", 0, INT_MAX, &rank));
        MOT_TRY(mot_lines_float(lines, "time_s", false, &time_s));
    }
    return MOT_OK;
}

static mot_status parse_bucket(mot_lines *lines, int i, const mot_plan *plan, mot_bucket *out)
{
    const mot_bucket *gradients = NULL; /* the bucket of them before this one */
    int64_t index, node, least = 0, most = INT64_MAX / 8;
    for (int b = i - 1; b >= 0 && !gradients; b--)
        gradients = plan->bucket[b].awaited ? NULL : &plan->bucket[b];
    MOT_TRY(expect_one(lines, BUCKET, EXCHANGE));
    out->awaited = mot_lines_is(lines, EXCHANGE);
    if (gradients && !out->awaited)
        least = most = gradients->offset + gradients->n;
    MOT_TRY(mot_lines_int(lines, out->awaited ? EXCHANGE : BUCKET, i, i, &index));
    MOT_TRY(mot_lines_int(lines, "offset", least, most, &out->offset));
    MOT_TRY(mot_lines_int(lines, "n", 1, INT64_MAX / 4 - out->offset, &out->n));
    MOT_TRY(
        mot_lines_int(lines, "after_node", i ? plan->bucket[i - 1].after_node : 0, INT_MAX, &node));
    out->after_node = (int)node;
    return MOT_OK;
}

static mot_status parse_head(mot_lines *lines, mot_plan *plan, int64_t *n_buckets)
{
    int64_t version, n_devices;
    MOT_TRY(expect(lines, "motley-plan"));
    MOT_TRY(mot_lines_int(lines, "motley-plan", VERSION, VERSION, &version));
    MOT_TRY(expect(lines, "batch"));
    MOT_TRY(mot_lines_int(lines, "batch", 0, INT64_C(1) << 42, &plan->batch));
    MOT_TRY(mot_lines_int(lines, "devices", 1, MOST_DEVICES, &n_devices));
    MOT_TRY(mot_lines_int(lines, "buckets", 1, MOST_DEVICES, n_buckets));
    MOT_TRY(mot_lines_float(lines, "predicted_s", false, &plan->predicted_step_s));
    MOT_TRY(mot_lines_float(lines, "equal_s", false, &plan->predicted_equal_step_s));
    plan->n_devices = (int)n_devices;
    return MOT_OK;
}

static mot_status parse(mot_lines *lines, mot_plan *plan)
{
    int64_t n_buckets, sum = 0;
    bool more;
    MOT_TRY(parse_head(lines, plan, &n_buckets));
    size_t n = (size_t)plan->n_devices;
    MOT_TRY(mot_alloc(n, sizeof *plan->share, &plan->share));
    MOT_TRY(mot_alloc(n, sizeof *plan->first, &plan->first));
    for (int i = 0; i < plan->n_devices; i++) {
        MOT_TRY(parse_device(lines, i, sum, plan));
        sum += plan->share[i];
    }
    if (sum != plan->batch)
        return mot_lines_fail(lines, "the shares add up to %" PRId64 ", the batch is %" PRId64, sum,
                              plan->batch);
    MOT_TRY(mot_alloc((size_t)n_buckets, sizeof *plan->bucket, &plan->bucket));
    for (int i = 0; i < n_buckets; i++) {
        MOT_TRY(parse_bucket(lines, i, plan, &plan->bucket[i]));
        plan->n_buckets++;
    }
    MOT_TRY(mot_lines_next(lines, &more));
    if (more)
        return mot_lines_fail(lines, "'%.64s' behind the end", lines->word[0]);
    return MOT_OK;
}

mot_status mot_plan_parse(const char *text, mot_plan **out)
{
    mot_lines lines;
    mot_plan *plan;
    MOT_TRY(mot_alloc(1, sizeof *plan, &plan));
    mot_status status = mot_lines_open(text, "plan", &lines);
    if (status == MOT_OK) {
        status = parse(&lines, plan);
        mot_lines_close(&lines);
    }
    if (status == MOT_OK)
        *out = plan;
    else
        mot_plan_free(plan);
    return status;
}
