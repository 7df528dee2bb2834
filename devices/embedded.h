/* embedded.h: the kernel sources inside the library; the table is made by kernels_cl/embed.awk. */
#ifndef MOT_DEVICES_EMBEDDED_H
#define MOT_DEVICES_EMBEDDED_H

typedef struct mot_embedded {
    const char *name, *text; /* "linear" for kernels_cl/linear.cl; both NULL behind the last */
} mot_embedded;

extern const mot_embedded mot_embedded_kernels[];

#endif
