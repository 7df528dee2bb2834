/* Matrix products for devices with many work-items.
 *
 * tiled   our own kernel, everything in one launch; kernels_cl/matmul_tiled.cl.
 * clblast the library's product, then launches for the epilogue and the row sums.  The library
 *         compiles kernels of its own, so it is out where kernels come from an archive.
 */
#include "config.h"

#include "devices/matmul.h"
#include "devices/state.h"

#include <clblast_c.h>
#include <stdio.h>
#include <string.h>


/* ---- tiled ---- */

typedef struct tiling {
    int side, item, step;
} tiling;

/* The first one is the rule's.  What the kernel does not take is not in here. */
static const tiling tilings[] = {{16, 4, 16}, {16, 4, 8},  {16, 8, 8},  {16, 2, 16}, {8, 8, 8},
                                 {8, 4, 16},  {8, 4, 8},   {8, 8, 16},  {16, 8, 16}, {8, 2, 16}};

static bool tiling_fits(const mot_recording *r, const tiling *t)
{
    const int floats = 2 * t->step * (t->side * t->item + 1);
    return r->traits.group >= t->side * t->side && (int)r->traits.local_bytes / 4 >= floats;
}

static tiling tiling_of(const mot_recording *r)
{
    for (size_t i = 0; i < sizeof tilings / sizeof *tilings; i++)
        if (tilings[i].side == r->parameter[0] && tilings[i].item == r->parameter[1] &&
            tilings[i].step == r->parameter[2] && tiling_fits(r, &tilings[i]))
            return tilings[i];
    return tilings[0];
}

int mot_matmul_candidates_tiled(const mot_recording *r, mot_choice *out, int most)
{
    int n = 0;
    for (size_t i = 1; i < sizeof tilings / sizeof *tilings && n < most; i++)
        if (tiling_fits(r, &tilings[i]))
            out[n++] = (mot_choice){
                .parameter = {tilings[i].side, tilings[i].item, tilings[i].step}};
    return n;
}

bool mot_matmul_applies_tiled(const mot_recording *r)
{
    return r->traits.local_bytes >= 16384 && tiling_fits(r, &tilings[0]);
}

mot_status mot_matmul_record_tiled(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    const tiling t = tiling_of(r);
    const int block = t.side * t.item;
    const size_t side = (size_t)t.side, local[3] = {side, side, 1};
    const size_t global[3] = {(size_t)mot_ceil_div(p.n, block) * side,
                              (size_t)mot_ceil_div(p.m, block) * side, (size_t)p.batch};
    char options[64] = ""; /* the rule's are the kernel's defaults, in archives too */
    mot_launch launch;
    if (memcmp(&t, &tilings[0], sizeof t) != 0)
        snprintf(options, sizeof options, "-DSIDE=%d -DITEM=%d -DSTEP=%d", t.side, t.item, t.step);
    mot_launch_begin(&launch, r->commands, "matmul_tiled", options, "matmul_tiled");
    mot_matmul_arguments(&launch, &p);
    return mot_record_end_3d(r, &launch, 3, global, local);
}

/* ---- clblast ---- */

/* One call of the library; what mot_commands_foreign keeps. */
typedef struct call {
    mot_matmul p;
    cl_mem a, b, c, temp; /* temp NULL: the library allocates */
} call;

static CLBlastTranspose transpose_of(const mot_matmul *p, int flag)
{
    return p->flags & flag ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static cl_int multiply(cl_command_queue queue, const void *payload, cl_event *event)
{
    const call *x = payload;
    const mot_matmul *p = &x->p;
    return (cl_int)CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transpose_of(p, MOT_MATMUL_TRANS_A),
        transpose_of(p, MOT_MATMUL_TRANS_B), (size_t)p->m, (size_t)p->n, (size_t)p->k, 1.0f, x->a,
        (size_t)p->a.offset, (size_t)p->lda, x->b, (size_t)p->b.offset, (size_t)p->ldb,
        p->flags & MOT_MATMUL_ACCUMULATE ? 1.0f : 0.0f, x->c, (size_t)p->c.offset, (size_t)p->ldc,
        &queue, event, x->temp);
}

static size_t temp_bytes(const mot_recording *r, const mot_matmul *p)
{
    cl_command_queue queue = mot_device_queue(r->device);
    size_t bytes = 0;
    /* Offsets decide whether the library copies; an odd one gives the largest need. */
    if (CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transpose_of(p, MOT_MATMUL_TRANS_A),
                                   transpose_of(p, MOT_MATMUL_TRANS_B), (size_t)p->m, (size_t)p->n,
                                   (size_t)p->k, 1, (size_t)p->lda, 1, (size_t)p->ldb, 1,
                                   (size_t)p->ldc, &queue, &bytes) != CLBlastSuccess)
        return 0;
    return bytes;
}

bool mot_matmul_applies_clblast(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return r->device->info.compiler && !r->device->archive && p.batch == 1 &&
           p.a.slot_stride == 0 && p.b.slot_stride == 0 && p.c.slot_stride == 0;
}

int64_t mot_matmul_clblast_workspace(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    return (int64_t)(temp_bytes(r, &p) / sizeof(float)) + 1;
}

static mot_status record_epilogue(const mot_recording *r, const mot_matmul *p)
{
    const size_t global[3] = {(size_t)p->n, (size_t)p->m, (size_t)p->batch};
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "matmul_tiled", "", "matmul_epilogue");
    mot_launch_view(&launch, &p->c);
    mot_launch_view(&launch, &p->bias);
    mot_launch_view(&launch, &p->mask);
    mot_launch_long(&launch, p->m);
    mot_launch_long(&launch, p->n);
    mot_launch_long(&launch, p->ldc);
    mot_launch_long(&launch, p->stride_c);
    mot_launch_int(&launch, p->flags);
    return mot_record_end_3d(r, &launch, 3, global, NULL);
}

static mot_status record_sums(const mot_recording *r, const mot_matmul *p)
{
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "matmul_tiled", "", "matmul_sums");
    mot_launch_view(&launch, &p->sums);
    mot_launch_view(&launch, &p->a);
    mot_launch_long(&launch, p->m);
    mot_launch_long(&launch, p->k);
    mot_launch_long(&launch, p->lda);
    mot_launch_int(&launch, p->flags);
    return mot_record_end_plain(r, &launch, p->m);
}

mot_status mot_matmul_record_clblast(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    const mot_view *workspace = &r->o->workspace;
    call x = {.p = p,
              .a = mot_buffer_mem(p.a.buffer),
              .b = mot_buffer_mem(p.b.buffer),
              .c = mot_buffer_mem(p.c.buffer)};
    char name[128];
    /* The library takes a temporary buffer from its beginning only. */
    if (workspace->buffer && workspace->offset == 0 && temp_bytes(r, &p) > 0)
        x.temp = mot_buffer_mem(workspace->buffer);
    snprintf(name, sizeof name, "%s/%s %s", mot_op_name(r->o->op), r->variant, r->o->name);
    MOT_TRY(mot_commands_foreign(r->commands, name, multiply, &x, sizeof x));
    if (p.flags & (MOT_MATMUL_BIAS | MOT_MATMUL_RELU | MOT_MATMUL_MASK))
        MOT_TRY(record_epilogue(r, &p));
    if (p.flags & MOT_MATMUL_SUMS)
        MOT_TRY(record_sums(r, &p));
    return MOT_OK;
}
