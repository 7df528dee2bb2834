/* The memory plan on random graphs: nothing is overwritten that is still read, and a graph carried
 * out in the planned arenas gives the numbers that it gives with memory apart, which finite
 * differences confirm. */
#include "config.h"

#include "tests/unit/graph_build.h"
#include "tests/unit/reference.h"

#include "runtime/graph/op/rules.h"

enum { N_GRAPHS = 100, UNIT = 64 };

/* ck_assert reports each success, which is too slow for innermost loops. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("does not hold: %s", #condition);                                         \
    } while (0)

/* (B,3K) of two, one of them twice, and every second of it. */
static int through_concat(mot_graph *graph, const char *name, int a, int b, int64_t k)
{
    mot_attrs join = {.axis = 1};
    mot_attrs half = {.start = {0, k % 2}, .step = {0, 2}, .size = {0, k}};
    int x;
    OK(mot_graph_append(graph, MOT_OP_concat, name, &join, (int[]){a, b, a}, 3, &x));
    OK(mot_graph_append(graph, MOT_OP_slice, name, &half, &x, 1, &x));
    return x;
}

/* Zeros between and around, then a part of that. */
static int through_pad(mot_graph *graph, const char *name, int a, int64_t k)
{
    mot_attrs more = {.start = {0, 2}, .step = {0, 3}, .size = {0, 3 * k + 4}};
    mot_attrs less = {.start = {0, 1}, .step = {0, 2}, .size = {0, k}};
    int x;
    OK(mot_graph_append(graph, MOT_OP_pad, name, &more, &a, 1, &x));
    OK(mot_graph_append(graph, MOT_OP_slice, name, &less, &x, 1, &x));
    return x;
}

/* Each element six times, as (B,2,3,K), turned to (B,K,2,3), and their mean. */
static int through_sum(mot_graph *graph, const char *name, int a)
{
    mot_attrs twice = {.axis = 1, .n_axes = 2, .size = {0, 2, 3}, .factor = 1.5f};
    mot_attrs turn = {.order = {0, 3, 1, 2}}, mean = {.axis = 2, .n_axes = 2, .factor = 1.0f / 6};
    int x;
    OK(mot_graph_append(graph, MOT_OP_spread, name, &twice, &a, 1, &x));
    OK(mot_graph_append(graph, MOT_OP_permute, name, &turn, &x, 1, &x));
    x = add_unary(graph, MOT_OP_relu, name, x);
    OK(mot_graph_append(graph, MOT_OP_sum, name, &mean, &x, 1, &x));
    return x;
}

/* Some norm of (B,K), with weights and bias or without. */
static int add_any_norm(mot_graph *graph, mot_random *random, const char *name, int x)
{
    const mot_norm norm = (mot_norm)mot_random_below(random, 3);
    const bool weight = mot_random_below(random, 3) > 0, bias = mot_random_below(random, 3) > 0;
    const int64_t k = graph->tensor[x].shape.dim[1];
    int64_t groups = 1 + (int64_t)mot_random_below(random, 3);
    if (norm != MOT_NORM_GROUP || k % groups != 0)
        groups = 1;
    /* Channels of one element, or, where it divides, of two. */
    const int64_t run = norm == MOT_NORM_GROUP && k / groups % 2 == 0 ? 2 : 1;
    return add_norm(graph, norm, name, x, k / groups, weight ? k / run : 0, bias);
}

/* Branches, sums, dropouts, shared inputs: 1 to 14 operators on (B,K).  `checkpointed`: runs of them
 * are blocks that are computed again, which changes nothing else. */
static mot_graph *random_network(mot_random *random, bool checkpointed)
{
    int64_t k = 3 + (int64_t)mot_random_below(random, 20);
    int x, made[16], n = 0, n_ops = 1 + (int)mot_random_below(random, 14);
    mot_graph *graph = new_graph((mot_shape){3, {MOT_BATCH, k, 1}}, &x);
    made[n++] = add_flatten(graph, "flatten", x);
    for (int i = 0; i < n_ops; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        /* Mostly the newest tensor, so that all of them lead to the loss in the end. */
        int a = made[n - 1], b = made[mot_random_below(random, (uint64_t)n)];
        const uint64_t block = mot_random_below(random, 6);
        if (checkpointed && block < 2) /* else that of the operator before */
            graph->checkpoint = block == 0 ? 0 : i + 1;
        switch (mot_random_below(random, 14)) {
        case 0:
            x = add_unary(graph, MOT_OP_relu, name, a);
            break;
        case 1:
            x = add_unary(graph, MOT_OP_dropout, name, a);
            break;
        case 2:
            x = add_add(graph, name, a, b);
            break;
        case 3:
            x = add_unary(graph, MOT_OP_relu, name, add_linear(graph, name, a, k, true));
            break;
        case 4:
            x = add_activation(graph, (mot_activation)(MOT_ACT_GELU + mot_random_below(random, 6)),
                               name, a);
            break;
        case 5:
            x = add_any_norm(graph, random, name, a);
            break;
        case 6: /* forth and back through views */
            OK(mot_graph_reshape(graph, a, name, &(mot_shape){3, {MOT_BATCH, 1, k}}, &x));
            x = add_unary(graph, MOT_OP_relu, name, x);
            x = add_flatten(graph, name, x);
            break;
        case 7:
            x = through_concat(graph, name, a, b, k);
            break;
        case 8:
            x = through_pad(graph, name, a, k);
            break;
        case 9:
            x = through_sum(graph, name, a);
            break;
        case 10:
            x = add_batch_norm(graph, name, a, mot_random_below(random, 2) == 1);
            break;
        case 11: /* joined */
            x = add_unary(graph, MOT_OP_relu, name, add_batch_norm(graph, name, a, true));
            break;
        case 12: /* joined all three, by either term */
            x = add_batch_norm(graph, name, a, true);
            x = mot_random_below(random, 2)
                    ? add_add(graph, name, x, b)
                    : add_add(graph, name, add_unary(graph, MOT_OP_dropout, name, b), x);
            x = mot_random_below(random, 3) ? add_unary(graph, MOT_OP_relu, name, x) : x;
            break;
        default:
            x = add_linear(graph, name, a, k, mot_random_below(random, 2) == 1);
        }
        made[n++] = x;
    }
    x = add_linear(graph, "last", x, 2 + (int64_t)mot_random_below(random, 9), true);
    add_any_loss(graph, random, x);
    seal_sgd(graph, mot_random_below(random, 2) == 1 ? 0.9f : 0);
    check_sealed(graph);
    return graph;
}

static mot_graph *random_graph(mot_random *random)
{
    return random_network(random, mot_random_below(random, 2) == 1);
}

/* ---- who owns which bytes ---- */

/* The tensor that is in the memory of `t`: its root, or the input of a node that does not run. */
static int contents(const mot_graph *graph, int t, bool inference)
{
    for (;;) {
        if (graph->tensor[t].view_of >= 0)
            t = graph->tensor[t].view_of;
        int producer = graph->tensor[t].producer;
        if (producer < 0 || mot_node_runs(graph, producer, inference) ||
            graph->node[producer].phase != MOT_PHASE_FORWARD)
            return t;
        t = graph->node[producer].in[0];
    }
}

static void range(const mot_graph *graph, const mot_memory_plan *plan, int t, int64_t batch,
                  size_t *first, size_t *last)
{
    const mot_tensor *tensor = &graph->tensor[t];
    size_t bytes =
        (size_t)mot_shape_elements(&tensor->shape, batch) * mot_dtype_bytes(tensor->dtype);
    ck_assert_uint_eq(plan->place[t].offset_bytes % UNIT, 0);
    ck_assert_uint_le(plan->place[t].offset_bytes + bytes, plan->size_bytes[plan->place[t].arena]);
    *first = plan->place[t].offset_bytes / UNIT;
    *last = (plan->place[t].offset_bytes + bytes - 1) / UNIT;
}

static void check_owners(const mot_graph *graph, const mot_memory_plan *plan, int64_t batch,
                         bool inference)
{
    int *owner[MOT_N_ARENAS];
    size_t first, last;
    for (int a = 0; a < MOT_N_ARENAS; a++) {
        owner[a] = malloc((plan->size_bytes[a] / UNIT + 1) * sizeof **owner);
        for (size_t u = 0; u <= plan->size_bytes[a] / UNIT; u++)
            owner[a][u] = -1;
    }
    /* Sources and parameters claim theirs first, and nobody else may have it. */
    for (int t = 0; t < graph->n_tensors; t++) {
        if (graph->tensor[t].producer >= 0 || graph->tensor[t].view_of >= 0 ||
            t == graph->flat_parameter || t == graph->flat_gradient)
            continue;
        range(graph, plan, t, batch, &first, &last);
        for (size_t u = first; u <= last; u++) {
            HOLDS(owner[plan->place[t].arena][u] == -1);
            owner[plan->place[t].arena][u] = t;
        }
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        if (!mot_node_runs(graph, i, inference) || node->phase == MOT_PHASE_UPDATE)
            continue;
        for (int k = 0; k < node->n_in; k++) {
            const int in = node->in[k];
            if (in < 0 || (inference && graph->tensor[in].kind == MOT_TENSOR_EXCHANGED)) {
                ck_assert(in < 0 || plan->place[in].arena == MOT_ARENA_NONE);
                continue;
            }
            range(graph, plan, node->in[k], batch, &first, &last);
            for (size_t u = first; u <= last; u++)
                HOLDS(owner[plan->place[node->in[k]].arena][u] ==
                      contents(graph, node->in[k], inference));
        }
        for (int k = 0; k < node->n_out; k++) {
            mot_arena arena = plan->place[node->out[k]].arena;
            if (arena == MOT_ARENA_NONE) {
                ck_assert(inference && i == graph->loss_node && k == 0);
                continue;
            }
            range(graph, plan, node->out[k], batch, &first, &last);
            for (size_t u = first; u <= last; u++) {
                /* Only elementwise operators write over what they read, or over another output. */
                for (int j = 0; j < node->n_in; j++)
                    HOLDS(owner[arena][u] != contents(graph, node->in[j], inference) ||
                          (k == 0 && mot_op_get_rules(node->op)->in_place));
                for (int j = 0; j < k; j++)
                    HOLDS(owner[arena][u] != node->out[j]);
                HOLDS(owner[arena][u] < 0 || graph->tensor[owner[arena][u]].producer >= 0);
                owner[arena][u] = node->out[k];
            }
        }
    }
    range(graph, plan, graph->output, batch, &first, &last);
    for (size_t u = first; inference && u <= last; u++)
        HOLDS(owner[plan->place[graph->output].arena][u] == contents(graph, graph->output, true));
    for (int a = 0; a < MOT_N_ARENAS; a++)
        free(owner[a]);
}

START_TEST(test_no_live_tensor_is_overwritten)
{
    for (int i = 0; i < N_GRAPHS; i++) {
        mot_random random;
        mot_random_init(&random, 3, MOT_STREAM_TEST, (uint64_t)i);
        mot_graph *graph = random_graph(&random);
        int64_t batch = 1 + (int64_t)mot_random_below(&random, 40);
        for (int inference = 0; inference < 2; inference++) {
            mot_memory_plan plan;
            OK(mot_graph_plan_memory(graph, batch, inference, &plan));
            check_owners(graph, &plan, batch, inference);
            check_owners(graph, &plan, 1 + batch / 3, inference);
            mot_memory_plan_free(&plan);
        }
        mot_graph_free(graph);
    }
}
END_TEST

START_TEST(test_planned_memory_gives_the_same_numbers)
{
    for (int i = 0; i < N_GRAPHS; i++) {
        mot_random random;
        mot_random_init(&random, 4, MOT_STREAM_TEST, (uint64_t)i);
        mot_graph *graph = random_graph(&random);
        int64_t largest = 2 + (int64_t)mot_random_below(&random, 6);
        int64_t batch = 1 + (int64_t)mot_random_below(&random, (uint64_t)largest);
        mot_memory_plan plan;
        reference apart, planned;
        OK(mot_graph_plan_memory(graph, largest, false, &plan));
        reference_init(&apart, graph, batch, NULL);
        reference_init(&planned, graph, batch, &plan);
        ck_assert_double_eq(reference_run(&apart, false), reference_run(&planned, false));
        for (int p = 0; p < graph->n_parameters; p++) {
            int gradient = graph->tensor[graph->parameter[p]].gradient;
            for (int64_t e = 0; e < elements(&apart, gradient); e++)
                HOLDS(apart.data[gradient][e] == planned.data[gradient][e]);
        }
        reference_fini(&apart);
        reference_fini(&planned);
        mot_memory_plan_free(&plan);
        mot_graph_free(graph);
    }
}
END_TEST

/* Loss and gradients of `graph` with planned memory. */
static double run_planned(const mot_graph *graph, reference *r, mot_memory_plan *plan)
{
    OK(mot_graph_plan_memory(graph, 3, false, plan));
    reference_init(r, graph, 3, plan);
    return reference_run(r, false);
}

START_TEST(test_checkpointed_blocks_change_no_number)
{
    int n_copied = 0;
    for (int i = 0; i < N_GRAPHS; i++) {
        mot_random random, same;
        mot_random_init(&random, 6, MOT_STREAM_TEST, (uint64_t)i);
        same = random;
        mot_graph *kept = random_network(&random, false), *again = random_network(&same, true);
        mot_memory_plan plan_kept, plan_again;
        reference a, b;
        ck_assert_double_eq(run_planned(kept, &a, &plan_kept), run_planned(again, &b, &plan_again));
        ck_assert_int_eq(kept->n_parameters, again->n_parameters);
        ck_assert_int_eq(kept->n_flat, again->n_flat);
        for (int p = 0; p < kept->n_parameters; p++) {
            const mot_tensor *s = &kept->tensor[kept->parameter[p]],
                             *t = &again->tensor[again->parameter[p]];
            ck_assert_str_eq(s->name, t->name);
            ck_assert_int_eq(s->flat, t->flat);
            for (int64_t e = 0; e < elements(&a, s->gradient); e++)
                HOLDS(a.data[s->gradient][e] == b.data[t->gradient][e]);
        }
        n_copied += again->n_nodes > kept->n_nodes;
        reference_fini(&a);
        reference_fini(&b);
        mot_memory_plan_free(&plan_kept);
        mot_memory_plan_free(&plan_again);
        mot_graph_free(kept);
        mot_graph_free(again);
    }
    ck_assert_int_gt(n_copied, N_GRAPHS / 4);
}
END_TEST

/* Eight blocks of norm, linear, gelu and linear, 64 wide. */
static mot_graph *new_deep(bool checkpointed)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){2, {MOT_BATCH, 64}}, &x);
    for (int i = 0; i < 8; i++) {
        char name[4][8];
        for (int k = 0; k < 4; k++)
            snprintf(name[k], sizeof name[k], "%c%d", "nfgl"[k], i);
        graph->checkpoint = checkpointed ? i + 1 : 0;
        const int skip = x;
        x = add_norm(graph, MOT_NORM_LAYER, name[0], x, 64, 64, true);
        x = add_activation(graph, MOT_ACT_GELU, name[2], add_linear(graph, name[1], x, 256, true));
        x = add_add(graph, name[0], add_linear(graph, name[3], x, 64, true), skip);
    }
    graph->checkpoint = 0;
    add_xent(graph, add_linear(graph, "last", x, 10, true));
    seal_sgd(graph, 0);
    check_sealed(graph);
    return graph;
}

/* A block keeps what enters it, 64 numbers a sample, in place of these, 64 out of the norm and 256
 * before and behind the gelu; at a time one block has those, and a gradient of 256 and two of 64. */
START_TEST(test_checkpointed_blocks_need_less_memory)
{
    mot_graph *kept = new_deep(false), *again = new_deep(true);
    mot_memory_plan a, b;
    OK(mot_graph_plan_memory(kept, 100, false, &a));
    OK(mot_graph_plan_memory(again, 100, false, &b));
    const size_t per_number = 100 * sizeof(float), at_once = 64 + 256 + 256 + 256 + 2 * 64;
    ck_assert_uint_ge(a.size_bytes[MOT_ARENA_ACTIVATION], 8 * (64 + 64 + 256 + 256) * per_number);
    ck_assert_uint_le(b.size_bytes[MOT_ARENA_ACTIVATION], (9 * 64 + at_once + 64) * per_number);
    for (int arena = 0; arena < MOT_N_ARENAS; arena++)
        if (arena != MOT_ARENA_ACTIVATION)
            ck_assert_uint_eq(a.size_bytes[arena], b.size_bytes[arena]);
    mot_memory_plan_free(&a);
    mot_memory_plan_free(&b);
    /* The second linear and the add give what leaves the block; the other three nodes run twice. */
    const double flops = 100 * 2.0 * 64 * 256;
    double more = mot_graph_cost(again, 100).flops - mot_graph_cost(kept, 100).flops;
    ck_assert_int_eq(again->n_nodes - kept->n_nodes, 8 * 3);
    ck_assert_double_ge(more, 8 * flops);
    ck_assert_double_le(more, 8 * flops * 1.2);
    mot_graph_free(kept);
    mot_graph_free(again);
}
END_TEST

START_TEST(test_gradients_are_those_of_finite_differences)
{
    const double step = 1e-6;
    for (int i = 0; i < 60; i++) {
        mot_random random;
        mot_random_init(&random, 5, MOT_STREAM_TEST, (uint64_t)i);
        mot_graph *graph = random_graph(&random);
        reference r;
        reference_init(&r, graph, 3, NULL);
        reference_run(&r, false);
        for (int draw = 0; draw < 8; draw++) {
            int p = graph->parameter[mot_random_below(&random, (uint64_t)graph->n_parameters)];
            int64_t e = (int64_t)mot_random_below(&random, (uint64_t)elements(&r, p));
            double here = r.data[p][e], given = r.data[graph->tensor[p].gradient][e];
            r.data[p][e] = here + step;
            double above = reference_run(&r, false);
            r.data[p][e] = here - step;
            double below = reference_run(&r, false), measured = (above - below) / (2 * step);
            r.data[p][e] = here;
            reference_run(&r, false);
            ck_assert_msg(fabs(measured - given) <= 1e-6 * (1 + fabs(given)),
                          "graph %d, %s[%d]: %g by differences, %g by rules", i,
                          graph->tensor[p].name, (int)e, measured, given);
        }
        reference_fini(&r);
        mot_graph_free(graph);
    }
}
END_TEST

START_TEST(test_evaluating_is_forward_without_dropout)
{
    /* Dropout out of the way, a graph evaluates to what the same one without it does. */
    mot_graph *with = new_mlp(true), *without = new_mlp(false);
    seal_sgd(with, 0.9f);
    seal_sgd(without, 0.9f);
    mot_memory_plan a, b, training;
    reference r, s;
    OK(mot_graph_plan_memory(with, 4, true, &a));
    OK(mot_graph_plan_memory(without, 4, true, &b));
    OK(mot_graph_plan_memory(with, 4, false, &training));
    reference_init(&r, with, 3, &a);
    reference_init(&s, without, 3, &b);
    ck_assert_double_eq(reference_run(&r, true), reference_run(&s, true));
    for (int64_t i = 0; i < 30; i++)
        ck_assert_double_eq(r.data[with->output][i], s.data[without->output][i]);
    for (int arena = 0; arena < MOT_N_ARENAS; arena++)
        if (arena != MOT_ARENA_ACTIVATION)
            ck_assert_uint_eq(a.size_bytes[arena], training.size_bytes[arena]);
    for (int t = 0; t < with->n_tensors; t++)
        if (training.place[t].arena != MOT_ARENA_ACTIVATION) {
            ck_assert_int_eq(a.place[t].arena, training.place[t].arena);
            ck_assert_uint_eq(a.place[t].offset_bytes, training.place[t].offset_bytes);
        }
    ck_assert_uint_lt(a.size_bytes[MOT_ARENA_ACTIVATION],
                      training.size_bytes[MOT_ARENA_ACTIVATION]);
    reference_fini(&r);
    reference_fini(&s);
    mot_memory_plan_free(&a);
    mot_memory_plan_free(&b);
    mot_memory_plan_free(&training);
    mot_graph_free(with);
    mot_graph_free(without);
}
END_TEST

START_TEST(test_arenas_are_laid_out_as_promised)
{
    mot_graph *graph = new_mlp(false);
    seal_sgd(graph, 0.9f);
    mot_memory_plan plan;
    OK(mot_graph_plan_memory(graph, 50, false, &plan));
    size_t flat = (size_t)graph->n_flat * 4;
    ck_assert_int_eq(plan.n_flat, graph->n_flat);
    ck_assert_uint_eq(plan.size_bytes[MOT_ARENA_PARAMETER], flat);
    ck_assert_uint_eq(plan.size_bytes[MOT_ARENA_GRADIENT], flat + 64);
    ck_assert_uint_eq(plan.size_bytes[MOT_ARENA_STATE], flat);
    ck_assert_uint_eq(plan.place[graph->sums].offset_bytes, flat);
    ck_assert_uint_eq(plan.place[graph->flat_parameter].offset_bytes, 0);
    ck_assert_uint_eq(plan.place[graph->flat_gradient].offset_bytes, 0);
    for (int p = 0; p < graph->n_parameters; p++) {
        const mot_tensor *parameter = &graph->tensor[graph->parameter[p]];
        size_t offset_bytes = (size_t)parameter->flat * 4;
        ck_assert_uint_eq(plan.place[graph->parameter[p]].offset_bytes, offset_bytes);
        ck_assert_uint_eq(plan.place[parameter->gradient].offset_bytes, offset_bytes);
    }
    ck_assert_uint_eq(plan.size_bytes[MOT_ARENA_RING] % 4096, 0);
    ck_assert_uint_ge(plan.scalars_offset_bytes, plan.place[graph->label].offset_bytes + 50 * 4);
    ck_assert_uint_le(plan.scalars_offset_bytes + MOT_N_SCALARS * 4,
                      plan.size_bytes[MOT_ARENA_RING]);
    /* dlogits, d_fc1 and fc2 fit in what the input or each other left: less than all of them. */
    ck_assert_uint_le(plan.size_bytes[MOT_ARENA_ACTIVATION], 64 * 1024 * 4);
    mot_memory_plan_free(&plan);
    mot_memory_plan_free(NULL);
    mot_graph_free(graph);
}
END_TEST

START_TEST(test_batches_that_fit_nowhere_are_refused)
{
    mot_graph *graph = new_mlp(false);
    seal_sgd(graph, 0);
    mot_memory_plan plan;
    ck_assert_int_eq(mot_graph_plan_memory(graph, 0, false, &plan), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_graph_plan_memory(graph, INT64_MAX / 2, false, &plan), MOT_ERR_MEMORY);
    ck_assert_int_eq(mot_graph_plan_memory(graph, INT64_MAX / 784 / 4, true, &plan),
                     MOT_ERR_MEMORY);
    mot_graph_free(graph);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph_memory");
    TCase *tests = tcase_create("graph_memory");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_no_live_tensor_is_overwritten);
    tcase_add_test(tests, test_planned_memory_gives_the_same_numbers);
    tcase_add_test(tests, test_checkpointed_blocks_change_no_number);
    tcase_add_test(tests, test_checkpointed_blocks_need_less_memory);
    tcase_add_test(tests, test_gradients_are_those_of_finite_differences);
    tcase_add_test(tests, test_evaluating_is_forward_without_dropout);
    tcase_add_test(tests, test_arenas_are_laid_out_as_promised);
    tcase_add_test(tests, test_batches_that_fit_nowhere_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
