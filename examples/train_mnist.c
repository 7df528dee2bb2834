/* train_mnist.c: examples/mnist_mlp.yaml through the C interface.
 *
 *     cc train_mnist.c $(pkg-config --cflags --libs motley) -o train_mnist
 *     ./train_mnist data/mnist                  (or set MOTLEY_DATA to the folder above it)
 *     mpiexec -n 2 ./train_mnist ...            (the same program over several processes)
 *
 * An optional second argument says which devices: "all", "gpu", "pocl:0", ...
 */
#include <motley.h>

#include <inttypes.h>
#include <stdio.h>

static const char recipe[] = "data:\n"
                             "  set: mnist\n"
                             "  batch: 64\n"
                             "  shuffle: true\n"
                             "  normalize: [0.1307, 0.3081]\n"
                             "model:\n"
                             "  sequential:\n"
                             "    - flatten\n"
                             "    - linear: 128\n"
                             "    - relu\n"
                             "    - linear: 10\n"
                             "train:\n"
                             "  epochs: 10\n"
                             "  seed: 1\n"
                             "  optimizer: {name: sgd, lr: 0.01}\n";

/* Called while it trains, on rank 0. */
static void on_event(const mot_event *event, void *user)
{
    (void)user;
    if (event->kind == MOT_EVENT_EPOCH)
        printf("epoch %2" PRId64 "  loss %.4f  %.0f samples/s\n", event->epoch, event->loss,
               event->samples_per_second);
    else if (event->kind == MOT_EVENT_PLAN || event->kind == MOT_EVENT_NOTE)
        printf("%s\n", event->text);
}

static void print_report(const mot_report *report)
{
    printf("test accuracy %.2f %%, %.3f ms a step\n", 100 * report->test_accuracy,
           1e3 * report->step_s);
    for (int i = 0; i < report->n_devices; i++) {
        const mot_device_report *device = &report->devices[i];
        printf("%-12s share %3" PRId64 ", busy %.2f s, idle %.2f s %s\n", device->info.id,
               device->share, device->busy_s, device->idle_s, device->reason);
    }
}

/* What the trained network says about the first test images. */
static mot_status print_predictions(mot_trainer *trainer, int rank)
{
    enum { N = 8, CLASSES = 10, PIXELS = 28 * 28 };
    float probability[N * CLASSES], pixels[PIXELS];
    mot_status status = mot_trainer_predict(trainer, MOT_PART_TEST, 0, N, probability);
    for (int i = 0; i < N && status == MOT_OK; i++) {
        int64_t label, says = 0;
        for (int64_t k = 1; k < CLASSES; k++)
            if (probability[i * CLASSES + k] > probability[i * CLASSES + says])
                says = k;
        status = mot_trainer_sample(trainer, MOT_PART_TEST, i, pixels, &label, NULL);
        if (rank == 0 && status == MOT_OK)
            printf("test image %d is %" PRId64 ", the network says %" PRId64 " (%.1f %%)\n", i,
                   label, says, 100 * probability[i * CLASSES + says]);
    }
    return status;
}

int main(int argc, char **argv)
{
    mot_config *config = NULL;
    mot_trainer *trainer = NULL;
    mot_run_options options = {
        .data_dir = argc > 1 ? argv[1] : NULL,
        .devices = argc > 2 ? argv[2] : NULL,
        .on_event = on_event,
    };
    mot_status status = mot_config_parse(recipe, "recipe", &config);
    if (status == MOT_OK)
        status = mot_trainer_open(config, &options, &trainer);
    if (status == MOT_OK)
        status = mot_trainer_run(trainer);
    int rank = trainer ? mot_trainer_rank(trainer) : 0;
    if (status == MOT_OK && rank == 0)
        print_report(mot_trainer_report(trainer));
    if (status == MOT_OK)
        status = print_predictions(trainer, rank);
    if (status != MOT_OK)
        fprintf(stderr, "train_mnist: %s\n", mot_error_message());
    mot_trainer_close(trainer);
    mot_config_free(config);
    return status == MOT_OK ? 0 : 1;
}
