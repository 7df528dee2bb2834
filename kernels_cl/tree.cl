/* tree.cl: included by other kernels: one number out of one from each work-item of a group.
 * `scratch` holds a float for each work-item; the local size is a power of two. */
#ifndef TREE_CL
#define TREE_CL

/* The same value for all work-items: barriers before reading and before scratch is used again. */
float group_tree(float mine, int largest, __local float *scratch)
{
    const int me = (int)get_local_id(0);
    scratch[me] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int reach = (int)get_local_size(0) / 2; reach > 0; reach /= 2) {
        if (me < reach)
            scratch[me] = largest ? fmax(scratch[me], scratch[me + reach])
                                  : scratch[me] + scratch[me + reach];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float result = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return result;
}
#endif
