/* matmul_order.cl: included by matmul_mma.cl: which block of C a group has ("swizzle").
 *
 * Blocks are taken in bands of `high` rows, each gone through column by column, so that groups that
 * run at the same time have a nearly square part of C, whose operands a cache then holds. */
#ifndef MATMUL_ORDER_CL
#define MATMUL_ORDER_CL
#include "inline.cl"

/* Of rows x columns blocks, that in row i and column j. */
INLINE void group_place(uint rows, uint columns, uint high, uint *i, uint *j)
{
    const uint group = get_group_id(0);
    const uint first = group / (high * columns) * high, here = min(high, rows - first);
    const uint rest = group - first * columns;
    *j = rest / here;
    *i = first + rest - *j * here;
}
#endif
