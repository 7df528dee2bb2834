/* The table of the matrix product's variants, and the plain one. */
#include "config.h"

#include "devices/matmul.h"

void mot_matmul_arguments(mot_launch *launch, const mot_matmul *p)
{
    const mot_view *views[] = {&p->c, &p->sums, &p->a, &p->b, &p->bias, &p->mask};
    const int64_t sizes[] = {p->m,   p->n,        p->k,        p->lda,     p->ldb,
                             p->ldc, p->stride_a, p->stride_b, p->stride_c};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        mot_launch_view(launch, views[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        mot_launch_long(launch, sizes[i]);
    mot_launch_int(launch, p->flags);
}

const char *mot_matmul_b_option(const mot_matmul *p)
{
    return p->flags & MOT_MATMUL_B_BF16  ? " -DB_STORED=1"
           : p->flags & MOT_MATMUL_B_F16 ? " -DB_STORED=2"
                                         : "";
}

static mot_status record_plain(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "matmul_plain", "", "matmul_plain");
    mot_matmul_arguments(&launch, &p);
    mot_launch_long(&launch, p.batch);
    return mot_record_end_plain(r, &launch, p.batch * p.m * p.n);
}

/* Where a second launch and packing once pay: from where on it was faster on two cores of Zen 3, earlier
 * where what was packed serves many columns. */
static bool is_large_on_cpu(const mot_recording *r)
{
    const mot_matmul p = mot_matmul_of(r->o);
    const int64_t least = p.n >= 256 ? (int64_t)1 << 25 : (int64_t)400 * 400 * 400;
    return r->traits.cpu && p.m >= 128 && p.m * p.n * p.k >= least;
}

/* The library's launches before and after its product cost more than small products. */
static bool is_large_off_cpu(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return !r->traits.cpu && p.m * p.n * p.k >= (int64_t)512 * 512 * 512;
}

static const mot_parameter cpu_parameters[] = {
    {"rows", false}, {"cols", false}, {"k_block", false}, {"mr", true}, {NULL, false}};
static const mot_parameter tiled_parameters[] = {
    {"rows", true}, {"cols", true}, {"step", true}, {"parts", false}, {NULL, false}};
static const mot_parameter mma_parameters[] = {
    {"rows", true}, {"high", true}, {"wide", true}, {"stages", true}, {NULL, false}};

const mot_variant mot_matmul_variants[MOT_MATMUL_N_VARIANTS] = {
    {.name = "plain", .record = record_plain},
    {.name = "direct",
     .prefers = mot_on_cpu,
     .record = mot_matmul_record_direct,
     .suits = mot_on_cpu,
     .parameters = cpu_parameters,
     .candidates = mot_matmul_candidates_direct},
    {.name = "packed",
     .prefers = is_large_on_cpu,
     .workspace = mot_matmul_packed_workspace,
     .record = mot_matmul_record_packed,
     .suits = mot_on_cpu,
     .parameters = cpu_parameters,
     .candidates = mot_matmul_candidates_packed},
    {.name = "clblast",
     .applies = mot_matmul_applies_clblast,
     .prefers = is_large_off_cpu,
     .workspace = mot_matmul_clblast_workspace,
     .record = mot_matmul_record_clblast,
     .suits = mot_off_cpu},
    {.name = "tiled",
     .applies = mot_matmul_applies_tiled,
     .prefers = mot_off_cpu,
     .workspace = mot_matmul_tiled_workspace,
     .record = mot_matmul_record_tiled,
     .suits = mot_off_cpu,
     .parameters = tiled_parameters,
     .candidates = mot_matmul_candidates_tiled},
    {.name = "mma",
     .applies = mot_matmul_applies_mma,
     .prefers = mot_matmul_prefers_mma,
     .workspace = mot_matmul_mma_workspace,
     .record = mot_matmul_record_mma,
     .suits = mot_off_cpu,
     .parameters = mma_parameters,
     .candidates = mot_matmul_candidates_mma},
};
