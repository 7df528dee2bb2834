#include "config.h"
#include "devices/state.h"
int mot_archive_find(const mot_kernel_archive *archive, const mot_device_info *info,
                     const char *source, const char *options)
{ (void)archive; (void)info; (void)source; (void)options; return -1; }
void mot_archive_blob(const mot_kernel_archive *archive, int blob, const unsigned char **data,
                      size_t *size_bytes)
{ (void)archive; (void)blob; *data = NULL; *size_bytes = 0; }
const char *mot_archive_path(const mot_kernel_archive *archive) { (void)archive; return ""; }
