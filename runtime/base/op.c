#include "config.h"

#include "runtime/base/op.h"

const char *mot_op_name(mot_op op)
{
    static const char *const names[] = {
#define MOT_OP_NAME(name) #name,
        MOT_OPS(MOT_OP_NAME)
#undef MOT_OP_NAME
    };
    return names[op];
}
