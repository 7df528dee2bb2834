/* kernels.c DIR: which kernels, built with which options, would the library use on a GPU?
 *
 * The library itself is asked.  This program records every variant of every operator, with operands
 * drawn as in tests/ops, on a device that exists on paper only: the few functions of OpenCL that
 * recording calls are defined here, in front of the loader's, say that they are a GPU, and remember
 * what is built and which kernels are taken.  Nothing runs.
 *
 * Into DIR go the sources, one file for each (source, options), and kernels.list with a line for each
 * kernel: FILE SOURCE KERNEL USE OPTIONS.  USE is `gpu` where some operands make the variant a good
 * choice on this device, else `cpu`; `nvidia` where the source holds PTX.  Fails when a kernel of kernels_cl/ was never taken.
 */
#include "config.h"

#include "devices/embedded.h"
#include "devices/state.h"
#include "devices/variant.h"
#include "tests/ops/ops.h"

#include <check.h>
#include <clblast_c.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROGRAMS = 512, MAX_ROWS = 1024, DRAWS = 8, ALL_DRAWS = 24 };

static op_maker *const makers[] = {
#define MAKER(name) make_##name,
    MOT_OPS(MAKER)
#undef MAKER
};

static const mot_primitive *const primitives[] = {
#define PRIMITIVE(name) &mot_primitive_##name,
    MOT_OPS(PRIMITIVE)
#undef PRIMITIVE
};

/* ---- what was seen ---- */

typedef struct paper_program {
    const mot_embedded *source;
    char *options;
} paper_program;

typedef struct row {
    const paper_program *program;
    char kernel[64];
    bool gpu;
} row;

static paper_program programs[MAX_PROGRAMS];
static row rows[MAX_ROWS];
static int n_programs, n_rows;
static bool good_choice; /* is the variant being recorded one that a GPU would take? */

static void give_up(const char *why)
{
    fprintf(stderr, "kernels: %s\n", why);
    exit(1);
}

static void must(mot_status status)
{
    if (status != MOT_OK)
        give_up(mot_error_message());
}

/* ---- a device on paper ---- */

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings,
                                     const size_t *lengths, cl_int *code)
{
    (void)context, (void)lengths;
    if (count != 1 || n_programs == MAX_PROGRAMS)
        give_up("too many programs");
    paper_program *program = &programs[n_programs++];
    for (const mot_embedded *e = mot_embedded_kernels; e->name; e++)
        if (e->text == strings[0])
            program->source = e;
    if (!program->source)
        give_up("a program that is not one of the embedded sources");
    *code = CL_SUCCESS;
    return (cl_program)(void *)program;
}

cl_int clBuildProgram(cl_program program, cl_uint n_devices, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *user)
{
    (void)n_devices, (void)devices, (void)notify, (void)user;
    ((paper_program *)(void *)program)->options = strdup(options);
    return CL_SUCCESS;
}

cl_kernel clCreateKernel(cl_program handle, const char *name, cl_int *code)
{
    const paper_program *program = (const paper_program *)(void *)handle;
    row *r = rows;
    while (r < rows + n_rows && (r->program != program || strcmp(r->kernel, name) != 0))
        r++;
    if (r == rows + MAX_ROWS)
        give_up("too many kernels");
    if (r == rows + n_rows) {
        n_rows++;
        r->program = program;
        snprintf(r->kernel, sizeof r->kernel, "%s", name);
    }
    r->gpu = r->gpu || good_choice;
    *code = CL_SUCCESS;
    return (cl_kernel)(void *)r;
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *out,
                       size_t *needed)
{
    (void)device, (void)needed;
    if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE && out && size == sizeof(size_t))
        *(size_t *)out = 1024;
    else if (what == CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT && out && size == sizeof(cl_uint))
        *(cl_uint *)out = 1;
    else
        return CL_INVALID_VALUE;
    return CL_SUCCESS;
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code)
{
    static int memory;
    (void)context, (void)flags, (void)size, (void)host;
    *code = CL_SUCCESS;
    return (cl_mem)(void *)&memory;
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem mem, const void *pattern,
                           size_t pattern_size, size_t offset, size_t size, cl_uint n_wait,
                           const cl_event *wait, cl_event *event)
{
    (void)queue, (void)mem, (void)pattern, (void)pattern_size, (void)offset, (void)size;
    (void)n_wait, (void)wait, (void)event;
    return CL_SUCCESS;
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint i, size_t size, const void *value)
{
    (void)kernel, (void)i, (void)size, (void)value;
    return CL_SUCCESS;
}

cl_int clFinish(cl_command_queue queue)
{
    (void)queue;
    return CL_SUCCESS;
}

cl_int clReleaseKernel(cl_kernel kernel)
{
    (void)kernel;
    return CL_SUCCESS;
}

cl_int clReleaseProgram(cl_program program)
{
    (void)program;
    return CL_SUCCESS;
}

cl_int clReleaseMemObject(cl_mem mem)
{
    (void)mem;
    return CL_SUCCESS;
}

CLBlastStatusCode CLBlastSGemmTempBufferSize(const CLBlastLayout layout, const CLBlastTranspose ta,
                                             const CLBlastTranspose tb, const size_t m,
                                             const size_t n, const size_t k, const size_t a_at,
                                             const size_t lda, const size_t b_at, const size_t ldb,
                                             const size_t c_at, const size_t ldc,
                                             cl_command_queue *queue, size_t *bytes)
{
    (void)layout, (void)ta, (void)tb, (void)m, (void)n, (void)k, (void)a_at, (void)lda;
    (void)b_at, (void)ldb, (void)c_at, (void)ldc, (void)queue;
    *bytes = 0;
    return CLBlastSuccess;
}

static mot_device device = {
    .info = {.id = "paper:0",
             .name = "a GPU on paper",
             .kind = MOT_KIND_GPU,
             .opencl_version = "OpenCL 3.0",
             .compute_units = 64,
             .local_bytes = 49152,
             .compiler = true},
    .no_cache = true,
    .no_sharing = true,
    .cl_version = 300,
};

/* ---- recording ---- */

static void record_all(const mot_operands *o)
{
    const mot_primitive *primitive = primitives[o->op];
    mot_commands *commands;
    must(mot_commands_new(&device, &commands));
    mot_recording r = {
        .device = &device, .traits = mot_device_traits(&device), .o = o, .commands = commands};
    for (int i = 0; i < primitive->n_variants; i++) {
        const mot_variant *variant = &primitive->variants[i];
        if (variant->applies && !variant->applies(&r))
            continue;
        good_choice = !variant->prefers || variant->prefers(&r);
        snprintf(r.variant, sizeof r.variant, "%s", variant->name);
        must(variant->record(&r));
    }
    mot_commands_free(commands);
}

/* With a buffer behind every operand that is there. */
static void put_on_device(mot_operands *o, mot_buffer *buffer)
{
    o->name = "paper";
    for (int i = 0; i < o->n_in; i++)
        if (mot_has_in(o, i))
            o->in[i].buffer = buffer;
    for (int i = 0; i < o->n_out; i++)
        if (mot_has_out(o, i))
            o->out[i].buffer = buffer;
    o->scalars.buffer = o->workspace.buffer = buffer;
}

static void record_drawn(mot_op op, uint64_t seed, mot_buffer *buffer)
{
    mot_random random;
    op_case c = {.o.op = op, .on_top = -1};
    mot_random_init(&random, seed, MOT_STREAM_TEST, (uint64_t)op);
    makers[op](&c, &random, seed % 2 == 0);
    put_on_device(&c.o, buffer);
    record_all(&c.o);
    op_free(&c);
}

/* Products larger than a test computes, with all that can be asked for in the same pass. */
static void record_large(mot_op op, int64_t size, mot_buffer *buffer)
{
    mot_operands o = {.op = op, .n_in = 2, .n_out = 1};
    o.in[0] = o.in[1] = o.out[0] = op_view2(size, size);
    if (op == MOT_OP_linear_dweight)
        o.out[o.n_out++] = op_view(MOT_F32, 1, &size);
    else
        o.in[o.n_in++] = op == MOT_OP_linear ? op_view(MOT_F32, 1, &size) : op_view2(size, size);
    put_on_device(&o, buffer);
    record_all(&o);
}

static void record_products(mot_buffer *buffer)
{
    for (int64_t size = 512; size <= 8192; size *= 2) {
        record_large(MOT_OP_linear, size, buffer);
        record_large(MOT_OP_linear_dinput, size, buffer);
        record_large(MOT_OP_linear_dweight, size, buffer);
    }
}

/* Convolutions as networks have them, by all three operators, so that every block is taken. */
static void record_convolution(int64_t samples, int64_t channels, int64_t outs, int64_t image,
                               int64_t stride, int64_t groups, mot_buffer *buffer)
{
    const mot_op ops[] = {MOT_OP_conv2d, MOT_OP_conv2d_dinput, MOT_OP_conv2d_dweight};
    const int64_t places = (image - 1) / stride + 1;
    const mot_view x = op_view(MOT_F32, 4, (int64_t[]){samples, channels, image, image});
    const mot_view w = op_view(MOT_F32, 4, (int64_t[]){outs, channels / groups, 3, 3});
    const mot_view y = op_view(MOT_F32, 4, (int64_t[]){samples, outs, places, places});
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        mot_operands o = {.op = ops[i], .n_in = 2, .n_out = 1};
        o.attrs.window = (mot_window){.kernel = {3, 3},
                                      .stride = {stride, stride},
                                      .padding = {1, 1},
                                      .dilation = {1, 1},
                                      .image = {image, image},
                                      .groups = groups};
        o.in[0] = ops[i] == MOT_OP_conv2d ? x : y;
        o.in[1] = ops[i] == MOT_OP_conv2d_dweight ? x : w;
        o.out[0] = ops[i] == MOT_OP_conv2d ? y : ops[i] == MOT_OP_conv2d_dinput ? x : w;
        put_on_device(&o, buffer);
        record_all(&o);
    }
}

static void record_convolutions(mot_buffer *buffer)
{
    record_convolution(1024, 1, 32, 28, 1, 1, buffer);
    record_convolution(1024, 3, 16, 32, 1, 1, buffer);
    for (int64_t channels = 16; channels <= 256; channels *= 2) {
        record_convolution(1024, channels, channels, 28, 1, 1, buffer);
        record_convolution(64, channels, 2 * channels, 14, 2, 1, buffer);
    }
    record_convolution(256, 32, 32, 28, 1, 32, buffer);
}

/* Attention of heads as deep as networks have them, whose vectors are aligned. */
static void record_attention(mot_buffer *buffer)
{
    for (int64_t depth = 32; depth <= 128; depth *= 2) {
        const mot_view qkv = op_view(MOT_F32, 3, (int64_t[]){2, 256, 3 * depth});
        const mot_view y = op_view(MOT_F32, 3, (int64_t[]){2, 256, depth});
        const mot_view lse = op_view(MOT_F32, 3, (int64_t[]){2, 1, 256});
        mot_operands forward = {.op = MOT_OP_attention,
                                .n_in = 1,
                                .n_out = 2,
                                .in = {qkv},
                                .out = {y, lse},
                                .attrs = {.heads = 1, .causal = 1}};
        mot_operands backward = {.op = MOT_OP_attention_grad,
                                 .n_in = 4,
                                 .n_out = 1,
                                 .in = {y, qkv, y, lse},
                                 .out = {qkv},
                                 .attrs = forward.attrs};
        put_on_device(&forward, buffer);
        record_all(&forward);
        put_on_device(&backward, buffer);
        record_all(&backward);
    }
}

/* Rows that are turned or added up, of lengths for a few lanes and for many. */
static void record_rows(mot_buffer *buffer)
{
    mot_operands turn = {.op = MOT_OP_permute, .n_in = 1, .n_out = 1, .attrs.order = {0, 2, 1}};
    turn.in[0] = turn.out[0] = op_view(MOT_F32, 3, (int64_t[]){8, 64, 64});
    put_on_device(&turn, buffer);
    record_all(&turn);
    for (int64_t n = 63; n <= 4096; n += n % 2 ? 1 : 3 * n) { /* 63, 64, 256, 1024, 4096 */
        mot_operands sum = {.op = MOT_OP_sum, .n_in = 1, .n_out = 1};
        sum.attrs.axis = sum.attrs.n_axes = 1;
        sum.in[0] = op_view2(1000, n);
        sum.out[0] = op_view(MOT_F32, 1, (int64_t[]){1000});
        put_on_device(&sum, buffer);
        record_all(&sum);
    }
}

/* Products where less precision is allowed, for each way that tensor cores may work. */
static void record_reduced(mot_buffer *buffer)
{
    for (int way = MOT_MMA_DIRECT; way <= MOT_MMA_ASYNC; way++)
        for (int precision = MOT_PRECISION_TF32; precision <= MOT_PRECISION_BF16; precision++) {
            device.mma = (mot_mma)way;
            device.precision = (mot_precision)precision;
            record_products(buffer);
        }
    device.mma = MOT_MMA_NONE;
    device.precision = MOT_PRECISION_FLOAT32;
}

/* What measuring a device takes, which is no operator; see devices/measure.c and peak.c. */
static void record_measuring(void)
{
    static const char *const kernels[][3] = {
        {"probe", "", "probe_touch"},
        {"probe", "", "probe_answer"},
        {"probe", "", "probe_copy"},
        {"probe", "", "probe_copy4"},
        {"probe", "", "probe_empty"},
        {"probe", "-DPROBE_FP64", "probe_double"},
        {"probe", "-DPROBE_FP16", "probe_half"},
        {"peak", "-DVW=4", "peak_fma"},
        {"peak", "-DVW=4", "peak_copy"},
    };
    mot_commands *commands;
    must(mot_commands_new(&device, &commands));
    good_choice = true;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        mot_launch launch;
        mot_launch_begin(&launch, commands, kernels[i][0], kernels[i][1], kernels[i][2]);
        must(mot_launch_end(&launch, "paper", 1, (size_t[]){64}, NULL));
    }
    mot_commands_free(commands);
}

/* ---- writing it down ---- */

static const char *folder;

static bool was_taken(const char *kernel, size_t length)
{
    for (int i = 0; i < n_rows; i++)
        if (strlen(rows[i].kernel) == length && strncmp(rows[i].kernel, kernel, length) == 0)
            return true;
    return false;
}

static int check_all_taken(void)
{
    int missing = 0;
    for (const mot_embedded *e = mot_embedded_kernels; e->name; e++)
        for (const char *at = e->text; (at = strstr(at, "__kernel void ")) != NULL;) {
            at += strlen("__kernel void ");
            size_t length = strcspn(at, "(");
            if (!was_taken(at, length)) {
                printf("%s.cl: nothing took the kernel %.*s\n", e->name, (int)length, at);
                missing++;
            }
        }
    return missing;
}

static FILE *open_in(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file)
        give_up("the folder cannot be written to");
    return file;
}

static const char *use_of(const row *r)
{
    return strstr(r->program->source->text, "__asm__") ? "nvidia" : r->gpu ? "gpu" : "cpu";
}

static void write_all(void)
{
    FILE *list = open_in("kernels.list");
    for (int i = 0; i < n_programs; i++) {
        char name[64];
        snprintf(name, sizeof name, "%d.cl", i);
        FILE *file = open_in(name);
        fputs(programs[i].source->text, file);
        fclose(file);
        for (int j = 0; j < n_rows; j++)
            if (rows[j].program == &programs[i])
                fprintf(list, "%d %s %s %s %s\n", i, programs[i].source->name, rows[j].kernel,
                        use_of(&rows[j]), programs[i].options);
    }
    fclose(list);
}

/* A test of libcheck, because the makers of operands are. */
START_TEST(test_every_kernel_is_taken_by_a_variant)
{
    mot_buffer *buffer;
    must(mot_buffer_new(&device, 4096, &buffer));
    const uint64_t draws = getenv("MOTLEY_TEST_ALL") ? ALL_DRAWS : DRAWS;
    record_measuring();
    record_reduced(buffer);
    for (int op = 0; op < MOT_N_OPS; op++)
        for (uint64_t seed = 1; seed <= draws; seed++)
            record_drawn((mot_op)op, seed, buffer);
    record_products(buffer);
    record_convolutions(buffer);
    record_attention(buffer);
    record_rows(buffer);
    write_all();
    mot_buffer_free(buffer);
    mot_programs_free(&device);
    for (int i = 0; i < n_programs; i++)
        free(programs[i].options);
    ck_assert_int_eq(check_all_taken(), 0);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc != 2)
        give_up("usage: kernels DIR");
    folder = argv[1];
    Suite *suite = suite_create("kernels");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, test_every_kernel_is_taken_by_a_variant);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_MINIMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
