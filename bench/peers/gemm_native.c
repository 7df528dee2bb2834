/* gemm_native: matrix products of a native library, timed like `motley bench gemm`; bench/compare
 * builds and calls it.
 *
 *   gemm_native cblas|dnnl LIBRARY SHAPE...      SHAPE is [batch*]MxNxK[:NN|NT|TN|TT]
 *
 * The library is opened at run time, so no headers are needed.  A batch is a loop of products,
 * which is what cblas has.  Prints one JSON array: shape, time_s (median over batches of calls),
 * gflops, version.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112, SAMPLES = 101, LEAST = 9 };

typedef void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float *a, int lda, const float *b, int ldb, float beta, float *c,
                         int ldc);
typedef int dnnl_sgemm(char trans_a, char trans_b, long m, long n, long k, float alpha,
                       const float *a, long lda, const float *b, long ldb, float beta, float *c,
                       long ldc);
typedef char *openblas_text(void);
typedef struct {
    int major, minor, patch;
} dnnl_version_t;
typedef const dnnl_version_t *dnnl_version(void);

typedef struct {
    const char *text;
    int batch, m, n, k;
    bool ta, tb;
    float *a, *b, *c;
} product;

static cblas_sgemm *cblas;
static dnnl_sgemm *dnnl;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(const product *p)
{
    const int lda = p->ta ? p->m : p->k, ldb = p->tb ? p->k : p->n;
    for (int i = 0; i < p->batch; i++) {
        const float *a = p->a + (size_t)i * p->m * p->k, *b = p->b + (size_t)i * p->k * p->n;
        float *c = p->c + (size_t)i * p->m * p->n;
        if (cblas)
            cblas(ROW_MAJOR, p->ta ? TRANS : NO_TRANS, p->tb ? TRANS : NO_TRANS, p->m, p->n, p->k,
                  1, a, lda, b, ldb, 0, c, p->n);
        else
            dnnl(p->ta ? 'T' : 'N', p->tb ? 'T' : 'N', p->m, p->n, p->k, 1, a, lda, b, ldb, 0, c,
                 p->n);
    }
}

static double time_runs(const product *p, int n)
{
    double start = now_s();
    for (int i = 0; i < n; i++)
        run(p);
    return (now_s() - start) / n;
}

static double median_s(const product *p)
{
    double sample[SAMPLES], start;
    int n = 0;
    run(p);
    int n_runs = (int)fmin(2000, fmax(1, 4e-3 / time_runs(p, 1)));
    start = now_s();
    while (n < SAMPLES && (n < LEAST || now_s() - start < 0.4))
        sample[n++] = time_runs(p, n_runs);
    qsort(sample, (size_t)n, sizeof *sample, compare_doubles);
    return sample[n / 2];
}

static float *floats(size_t n)
{
    float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)(rand() % 2001 - 1000) * 1e-3f;
    if (!x)
        exit(1);
    return x;
}

static product read_product(const char *text)
{
    product p = {.text = text, .batch = 1};
    char form[3] = "NN";
    if (strchr(text, '*'))
        p.batch = atoi(text);
    text = strchr(text, '*') ? strchr(text, '*') + 1 : text;
    if (sscanf(text, "%dx%dx%d:%2s", &p.m, &p.n, &p.k, form) < 3) {
        fprintf(stderr, "'%s' is no shape\n", text);
        exit(2);
    }
    p.ta = form[0] == 'T';
    p.tb = form[1] == 'T';
    p.a = floats((size_t)p.batch * p.m * p.k);
    p.b = floats((size_t)p.batch * p.k * p.n);
    p.c = floats((size_t)p.batch * p.m * p.n);
    return p;
}

/* Entry (m-1, n-1) of the last product, so that a library called wrongly is not timed. */
static bool is_right(const product *p)
{
    const size_t last = (size_t)p->batch - 1;
    const float *a = p->a + last * p->m * p->k, *b = p->b + last * p->k * p->n;
    double sum = 0;
    for (int l = 0; l < p->k; l++)
        sum += (double)(p->ta ? a[(size_t)l * p->m + p->m - 1] : a[(size_t)(p->m - 1) * p->k + l]) *
               (double)(p->tb ? b[(size_t)(p->n - 1) * p->k + l] : b[(size_t)l * p->n + p->n - 1]);
    return fabs(sum - (double)p->c[(size_t)p->batch * p->m * p->n - 1]) < 1e-3 * (1 + fabs(sum));
}

static void open_library(const char *kind, const char *path, char *version, size_t size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    if (strcmp(kind, "cblas") == 0) {
        openblas_text *config = (openblas_text *)dlsym(library, "openblas_get_config");
        openblas_text *core = (openblas_text *)dlsym(library, "openblas_get_corename");
        cblas = (cblas_sgemm *)dlsym(library, "cblas_sgemm");
        snprintf(version, size, "%.16s, %s", config ? config() : path, core ? core() : "");
    } else {
        dnnl_version *get = (dnnl_version *)dlsym(library, "dnnl_version");
        const dnnl_version_t *v = get ? get() : NULL;
        dnnl = (dnnl_sgemm *)dlsym(library, "dnnl_sgemm");
        snprintf(version, size, "oneDNN %d.%d.%d", v ? v->major : 0, v ? v->minor : 0,
                 v ? v->patch : 0);
    }
    if (!cblas && !dnnl) {
        fprintf(stderr, "%s has no product\n", path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char version[128];
    if (argc < 4) {
        fprintf(stderr, "usage: gemm_native cblas|dnnl LIBRARY SHAPE...\n");
        return 2;
    }
    open_library(argv[1], argv[2], version, sizeof version);
    for (int i = 3; i < argc; i++) {
        product p = read_product(argv[i]);
        double time_s = median_s(&p);
        if (!is_right(&p)) {
            fprintf(stderr, "%s: wrong numbers\n", p.text);
            return 1;
        }
        printf("%s{\"shape\":\"%s\",\"time_s\":%.9g,\"gflops\":%.6g,\"version\":\"%s\"}%s",
               i == 3 ? "[" : ",", p.text, time_s,
               2e-9 * p.batch * (double)p.m * p.n * p.k / time_s, version,
               i == argc - 1 ? "]\n" : "");
        free(p.a);
        free(p.b);
        free(p.c);
    }
    return 0;
}
