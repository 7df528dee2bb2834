#include "config.h"

#include "devices/variant.h"

#include "devices/state.h"

#include <inttypes.h>
#include <stdio.h>

/* PLAIN_GROUP: left to the driver, a group would be of another size for every n, each of which pocl
 * compiles anew.  MAX_GROUPS_DOWN: NVIDIA's limit of all dimensions but the first. */
enum { MAX_GROUP = 256, PLAIN_GROUP = 64, MAX_GROUPS_DOWN = 65535 };

mot_traits mot_device_traits(const mot_device *device)
{
    const mot_device_info *info = mot_device_get_info(device);
    cl_device_id id = mot_device_cl(device);
    cl_uint width = 4;
    size_t group = 1;
    int major = 1, minor = 2;
    clGetDeviceInfo(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group, NULL);
    sscanf(info->opencl_version, "OpenCL %d.%d", &major, &minor);
    mot_traits traits = {
        .cpu = (info->kind == MOT_KIND_CPU || info->kind == MOT_KIND_ACCELERATOR) && width >= 4,
        .vector = width >= 16  ? 16
                  : width >= 8 ? 8
                               : 4,
        .threads = info->compute_units > 0 ? info->compute_units : 1,
        .group = 1,
        .local_bytes = (size_t)info->local_bytes,
        .cl_version = major * 100 + minor * 10,
        .precision = device->precision,
    };
    while (traits.group * 2 <= MAX_GROUP && (size_t)traits.group * 2 <= group)
        traits.group *= 2;
    if (!traits.cpu)
        traits.vector = 4;
    return traits;
}

bool mot_on_cpu(const mot_recording *r)
{
    return r->traits.cpu;
}

bool mot_off_cpu(const mot_recording *r)
{
    return !r->traits.cpu;
}

bool mot_on_any(const mot_recording *r)
{
    (void)r;
    return true;
}

/* ---- checking ---- */

/* A view counts as there when it has a buffer, or, while only sizes are asked, a shape. */
static bool is_there(const mot_view *view)
{
    return view->buffer || view->shape.n_dims > 0;
}

bool mot_has_in(const mot_operands *o, int i)
{
    return i < o->n_in && is_there(&o->in[i]);
}

bool mot_has_out(const mot_operands *o, int i)
{
    return i < o->n_out && is_there(&o->out[i]);
}

mot_status mot_check_operands(const mot_operands *o, int min_in, int max_in, int min_out,
                              int max_out, unsigned not_f32)
{
    if (o->n_in < min_in || o->n_in > max_in || o->n_out < min_out || o->n_out > max_out)
        return MOT_FAIL(
            MOT_ERR_ARGUMENT, "%s %s: %d inputs and %d outputs, expected %d-%d and %d-%d",
            mot_op_name(o->op), o->name, o->n_in, o->n_out, min_in, max_in, min_out, max_out);
    for (int i = 0; i < o->n_in; i++) {
        if (i < min_in && !is_there(&o->in[i]))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: input %d is missing", mot_op_name(o->op),
                            o->name, i);
        if (is_there(&o->in[i]) && !(not_f32 >> i & 1) && o->in[i].dtype != MOT_F32)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: input %d is not f32", mot_op_name(o->op),
                            o->name, i);
    }
    for (int i = 0; i < o->n_out; i++)
        if (is_there(&o->out[i]) && o->out[i].dtype != MOT_F32)
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: output %d is not f32", mot_op_name(o->op),
                            o->name, i);
    return MOT_OK;
}

mot_status mot_check_elements(const mot_operands *o, const char *what, const mot_view *view,
                              int64_t elements)
{
    char text[MOT_SHAPE_TEXT];
    if (mot_view_elements(view) == elements)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: %s is %s, expected %" PRId64 " elements",
                    mot_op_name(o->op), o->name, what, mot_shape_print(&view->shape, text),
                    elements);
}

mot_status mot_check_first(const mot_operands *o, int64_t length)
{
    if (o->attrs.first >= 0 && o->attrs.first < length)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: begins at position %" PRId64 " of %" PRId64,
                    mot_op_name(o->op), o->name, o->attrs.first, length);
}

int64_t mot_view_elements(const mot_view *view)
{
    return mot_shape_elements(&view->shape, 1);
}

bool mot_view_aligned(const mot_view *view, int n)
{
    return view->offset % n == 0 && view->slot_stride % n == 0;
}

mot_stored mot_stored_as(const mot_view *view)
{
    return view->dtype == MOT_BF16  ? MOT_STORED_BF16
           : view->dtype == MOT_F16 ? MOT_STORED_F16
                                    : MOT_STORED_FLOAT;
}

int64_t mot_view_rows(const mot_view *view)
{
    return view->shape.n_dims > 0 ? view->shape.dim[0] : 1;
}

int64_t mot_view_columns(const mot_view *view)
{
    int64_t columns = 1;
    for (int i = 1; i < view->shape.n_dims; i++)
        columns *= view->shape.dim[i];
    return columns;
}

int64_t mot_view_lines(const mot_view *view)
{
    return mot_view_elements(view) / mot_view_last(view);
}

int64_t mot_view_last(const mot_view *view)
{
    return mot_shape_last(&view->shape);
}

/* ---- launching ---- */

mot_range mot_range_flat(const mot_traits *traits, int64_t n, int64_t max_groups)
{
    /* A CPU group gets at least 2048 elements, else its start costs more than its work. */
    int64_t local = traits->cpu ? 1 : traits->group;
    int64_t least = traits->cpu ? 2048 : local * traits->vector * 4;
    int64_t most = traits->cpu ? traits->threads * 8 : max_groups;
    int64_t groups = mot_max(1, mot_min(mot_ceil_div(n, least), mot_min(most, max_groups)));
    int64_t chunk = mot_ceil_div(mot_ceil_div(n, groups), 16) * 16;
    return (mot_range){
        .groups = mot_max(1, mot_ceil_div(n, chunk)), .local = local, .chunk = chunk};
}

const mot_parameter mot_groups_parameter[] = {{"groups", false}, {NULL, false}};

int64_t mot_groups_of(const mot_recording *r, int64_t rule, int64_t most)
{
    return r->parameter[0] > 0 ? mot_max(1, mot_min(r->parameter[0], most)) : rule;
}

int mot_groups_candidates(int64_t rule, int64_t most_groups, mot_choice *out, int most)
{
    int n = 0;
    most_groups = mot_min(most_groups, INT32_MAX);
    for (int64_t groups = mot_max(1, rule / 4); groups <= 4 * rule && n < most; groups *= 2)
        if (groups != rule && groups <= most_groups)
            out[n++] = (mot_choice){.parameter = {(int)groups}};
    return n;
}

/* Whole vectors for every work-item of a group. */
static int64_t most_groups(const mot_traits *traits, int64_t n)
{
    return mot_max(1, n / (traits->cpu ? 256 : (int64_t)traits->group * traits->vector));
}

mot_range mot_range_tuned(const mot_recording *r, int64_t n)
{
    mot_range range = mot_range_flat(&r->traits, n, 1 << 20);
    const int64_t groups = mot_groups_of(r, range.groups, most_groups(&r->traits, n));
    if (groups != range.groups) {
        range.chunk = mot_ceil_div(mot_ceil_div(n, groups), 16) * 16;
        range.groups = mot_max(1, mot_ceil_div(n, range.chunk));
    }
    return range;
}

int mot_range_candidates(const mot_recording *r, int64_t n, mot_choice *out, int most)
{
    return mot_groups_candidates(mot_range_flat(&r->traits, n, 1 << 20).groups,
                                 most_groups(&r->traits, n), out, most);
}

void mot_record_begin(const mot_recording *r, mot_launch *launch, const char *source,
                      const char *kernel)
{
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d", r->traits.vector);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

mot_status mot_record_end_3d(const mot_recording *r, mot_launch *launch, int n_dims,
                             const size_t *global, const size_t *local)
{
    char name[192];
    snprintf(name, sizeof name, "%s/%s %s", mot_op_name(r->o->op), r->variant, r->o->name);
    return mot_launch_end(launch, name, n_dims, global, local);
}

mot_status mot_record_end(const mot_recording *r, mot_launch *launch, int64_t groups, int64_t local)
{
    const size_t global_size = (size_t)(groups * local), local_size = (size_t)local;
    return mot_record_end_3d(r, launch, 1, &global_size, &local_size);
}

mot_status mot_record_end_units(const mot_recording *r, mot_launch *launch, int64_t groups,
                                int64_t local)
{
    launch->units = local == 1;
    return mot_record_end(r, launch, groups, local);
}

mot_status mot_record_end_plain(const mot_recording *r, mot_launch *launch, int64_t n)
{
    const int64_t local = mot_min(PLAIN_GROUP, r->traits.group);
    return mot_record_end(r, launch, mot_ceil_div(n, local), local);
}

mot_status mot_record_end_rows(const mot_recording *r, mot_launch *launch, int64_t rows,
                               int64_t items)
{
    int64_t across = 1;
    while (across < items && across < r->traits.group)
        across *= 2;
    const int64_t down = r->traits.group / across;
    const size_t local[] = {(size_t)across, (size_t)down};
    const size_t global[] = {(size_t)(mot_ceil_div(items, across) * across),
                             (size_t)(mot_min(mot_ceil_div(rows, down), MAX_GROUPS_DOWN) * down)};
    return mot_record_end_3d(r, launch, 2, global, local);
}

mot_view mot_workspace_at(const mot_operands *o, int64_t offset, int64_t elements)
{
    mot_view view = o->workspace;
    view.dtype = MOT_F32;
    view.offset += offset;
    view.shape = (mot_shape){.n_dims = 1, .dim = {elements}};
    return view;
}

mot_status mot_record_sums_finish(const mot_recording *r, const char *source, const mot_view *sums,
                                  const mot_view *parts, int64_t n_parts, int64_t local)
{
    mot_launch launch;
    mot_record_begin(r, &launch, source, "sums_finish");
    mot_launch_view(&launch, sums);
    mot_launch_view(&launch, parts);
    mot_launch_long(&launch, n_parts);
    mot_launch_local(&launch, 4 * sizeof(float) * (size_t)local);
    return mot_record_end_units(r, &launch, 1, local);
}
