#include "config.h"

#include "runtime/motley.h"

const char *mot_version(void)
{
    return PACKAGE_VERSION;
}
