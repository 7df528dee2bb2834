/* CLBlast's matrix product, then launches for the epilogue and the row sums.  The library compiles
 * kernels of its own, so it is out where kernels come from an archive. */
#include "config.h"

#include "devices/matmul.h"
#include "devices/state.h"

#include <clblast_c.h>
#include <stdio.h>

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
           !(p.flags & MOT_MATMUL_B_NARROW) && p.a.slot_stride == 0 && p.b.slot_stride == 0 &&
           p.c.slot_stride == 0;
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
    mot_launch_begin(&launch, r->commands, "matmul_ends", "", "matmul_epilogue");
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
    mot_launch_begin(&launch, r->commands, "matmul_ends", "", "matmul_sums");
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
