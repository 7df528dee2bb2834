/* embedding_row.cl: included by embedding's kernels: the row of a table of `vocabulary` rows that the
 * id at a place names.  Ids are bytes or ints, of `size` bytes; one out of range is clamped. */
#ifndef EMBEDDING_ROW_CL
#define EMBEDDING_ROW_CL
long embedding_row(__global const uchar *ids, long at, int size, long vocabulary)
{
    const long id = size == 1 ? ids[at] : ((__global const int *)ids)[at];
    return clamp(id, (long)0, vocabulary - 1);
}
#endif
