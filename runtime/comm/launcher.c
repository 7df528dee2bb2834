/* launcher.c: was this process started by mpiexec, srun or the like?
 *
 * MPI is only started when it is needed: without a launcher MPI_Init costs a tenth of a second and
 * some implementations refuse to run.  Launchers show themselves by variables: Hydra (MPICH, Intel
 * MPI, MVAPICH) and Slurm's pmi2 set PMI_RANK and PMI_SIZE, PMIx ones (Open MPI 5, Slurm's pmix,
 * Flux) PMIX_RANK, Open MPI OMPI_COMM_WORLD_SIZE.  SLURM_PROCID tells nothing: batch scripts have
 * it too.  What must not happen is that N processes that belong together train N times alone, so
 * srun without PMI is an error, and mot_comm_open compares the promised number of ranks.
 */
#include "config.h"

#include "runtime/comm/internal.h"

#include "runtime/base/text.h"

#include <stdlib.h>
#include <string.h>

/* The value of a variable that holds a number of ranks; 0 when unset or not a number. */
static int count_of(const char *variable)
{
    const char *text = getenv(variable);
    int64_t n;
    if (!text || mot_parse_int(variable, text, &n) != MOT_OK || n < 0 || n > 1 << 30)
        return 0;
    return (int)n;
}

static bool launcher_variables(int *n_ranks)
{
    static const char *const size[] = {"PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"};
    static const char *const rank[] = {"PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_FD"};
    bool seen = false;
    *n_ranks = 0;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        if (getenv(size[i])) {
            seen = true;
            *n_ranks = count_of(size[i]);
        }
    for (size_t i = 0; i < sizeof rank / sizeof *rank; i++)
        seen = seen || getenv(rank[i]) != NULL;
    if (seen && *n_ranks == 0)
        *n_ranks = count_of("SLURM_STEP_NUM_TASKS");
    return seen;
}

mot_status mot_comm_launcher(bool *seen, int *n_ranks)
{
    const char *wish = getenv("MOTLEY_MPI");
    int promised;
    bool found = launcher_variables(&promised);
    if (wish && strcmp(wish, "0") != 0 && strcmp(wish, "1") != 0 && *wish)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "MOTLEY_MPI is '%s'; expected 1 (start MPI), 0 (do not), or nothing", wish);
    if (wish && *wish) {
        *seen = *wish == '1';
        *n_ranks = *seen ? promised : 0;
        return MOT_OK;
    }
    int tasks = count_of("SLURM_STEP_NUM_TASKS");
    if (!found && getenv("SLURM_PROCID") && tasks > 1)
        return MOT_FAIL(MOT_ERR_COMM,
                        "srun started %d tasks without PMI, so they cannot find each other; use "
                        "srun --mpi=pmi2 or --mpi=pmix (MOTLEY_MPI=0: each trains alone)",
                        tasks);
    *seen = found;
    *n_ranks = promised;
    return MOT_OK;
}
