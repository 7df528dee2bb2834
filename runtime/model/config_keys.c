/* config_keys.c: every key that a configuration may have; one row is one key.
 *
 * From this table come the checks, the defaults, the resolved configuration and doc/config.md
 * (after a change: `make doc/config.md` anew by tests/unit/test_config_document, which says how).
 */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/keys.h"

/* clang-format off */
const mot_key mot_config_keys[] = {
    /* ---- data: what is learnt from ---- */
    {"data.set", MOT_KEY_CHOICE, "drawn-digits",
     "drawn-digits|mnist|fashion-mnist|cifar10|cifar100|digits|iris|wine-quality-red|"
     "wine-quality-white|california-housing|tiny-shakespeare|idx|images|csv|text|packed",
     "The data set. `drawn-digits` needs no files; `idx`, `images`, `csv` and `text` read files of your own, "
     "`packed` what `motley data pack` made."},
    {"data.dir", MOT_KEY_TEXT, NULL, NULL,
     "Folder of the files, or that which the set's folder is in. `--data` overrides it; unset: "
     "`$MOTLEY_DATA`."},
    {"data.train_images", MOT_KEY_TEXT, NULL, NULL,
     "`idx`: file of the training samples, plain or gzip, in the folder of `--data` or the current "
     "one. `images`: folder with a folder of PNG or JPEG images for each class."},
    {"data.train_labels", MOT_KEY_TEXT, NULL, NULL, "`idx`: file of their labels."},
    {"data.test_images", MOT_KEY_TEXT, NULL, NULL, "`idx`: file of the test samples. `images`: folder of the same classes to test on."},
    {"data.test_labels", MOT_KEY_TEXT, NULL, NULL, "`idx`: file of their labels."},
    {"data.size", MOT_KEY_INTS, NULL, "[1,16384]",
     "`images`: `[height, width]` that all get; unset: they must be of one size."},
    {"data.channels", MOT_KEY_CHOICE, "3", "1|3", "`images`: 1 for grey, 3 for colours."},
    {"data.classes", MOT_KEY_INT, "0", "[0,1000000]",
     "Number of classes. 0: as many as the labels show."},
    {"data.ignore_label", MOT_KEY_INT, NULL, "[-2147483648,2147483647]",
     "Label of what is not learnt, e.g. 255 or -1, in texts a token: it counts neither in the loss nor "
     "in the number that the loss and the gradient are divided by. Unset: none."},
    {"data.samples", MOT_KEY_INT, "12000", "[1,100000000]",
     "`drawn-digits`: training samples to draw."},
    {"data.test_samples", MOT_KEY_INT, "2000", "[0,100000000]",
     "`drawn-digits`: test samples to draw."},
    {"data.seed", MOT_KEY_INT, "1", "[0,inf)",
     "Seed of what is drawn and split: drawn digits, validation and test parts."},
    {"data.file", MOT_KEY_TEXT, NULL, NULL, "`csv`, `text`: the table or the text, plain or gzip; `packed`: the packed file."},
    {"data.test_file", MOT_KEY_TEXT, NULL, NULL,
     "`csv`: a table with the same columns to test on; unset: `data.test_fraction` of the first. "
     "`text`: a text to test on."},
    {"data.test_fraction", MOT_KEY_FLOAT, "0.2", "[0,1)",
     "Tables without a test file: part of the rows held out for the test, drawn at random."},
    {"data.target", MOT_KEY_TEXT, NULL, NULL,
     "Tables: name or number (from 1) of the column to predict; unset: the last."},
    {"data.task", MOT_KEY_CHOICE, "auto", "auto|classification|regression",
     "Tables: what the target is. `auto`: as the known sets have it; for `csv`, classes if the "
     "target is text or few whole numbers."},
    {"data.separator", MOT_KEY_TEXT, "auto", NULL,
     "Tables: what stands between columns: `auto`, `tab`, `space`, or one character."},
    {"data.header", MOT_KEY_CHOICE, "auto", "auto|true|false", "Tables: is the first line names?"},
    {"data.categorical", MOT_KEY_TEXTS, NULL, NULL,
     "Tables: columns of words that become one input for each word (0 or 1), e.g. "
     "`[ocean_proximity]`."},
    {"data.drop", MOT_KEY_TEXTS, NULL, NULL, "Tables: columns that are not used."},
    {"data.log", MOT_KEY_TEXTS, NULL, NULL,
     "Tables: columns of numbers of which `sign(x) log(1 + abs(x))` is the input; for amounts that "
     "spread over many orders, e.g. `[population]`."},
    {"data.missing", MOT_KEY_CHOICE, "auto", "auto|error|median|mean",
     "Tables: what an empty field becomes: an error, or the column's median or mean in training. "
     "`auto`: the median for `california-housing`, else an error."},
    {"data.standardize", MOT_KEY_BOOL, "true", NULL,
     "Tables: scale each input of numbers to mean 0 and deviation 1 over the training part "
     "(`digits` are pixels, and go by `data.normalize`)."},
    {"data.standardize_target", MOT_KEY_BOOL, "true", NULL,
     "Regression: the same for the target while training, so losses are in units of its deviation; "
     "predictions are in its own unit.  Not with `model.loss` `bce`."},
    {"data.shape", MOT_KEY_INTS, NULL, "[1,1000000]",
     "Tables: shape of a sample, e.g. `[1, 8, 8]`, if it is not a row of columns."},
    {"data.tokens", MOT_KEY_CHOICE, "characters", "characters|bytes",
     "Texts: what a token is, a character of UTF-8 or a byte."},
    {"data.context", MOT_KEY_INT, "64", "[1,1048576]",
     "Texts: tokens of one sample, a window of the text; the label of each is the token behind it. "
     "In training windows begin anywhere, an epoch has as many as lie side by side."},
    {"data.vocabulary", MOT_KEY_INTS, NULL, "[0,1114111]",
     "Texts: the characters as code points, in the order of their numbers; unset: those of the text, "
     "ascending. The output folder's config.yaml has it, so that what is generated can be read."},
    {"data.batch", MOT_KEY_INT, "64", "[1,1073741824]",
     "Samples of one step, over all devices and ranks together."},
    {"data.shuffle", MOT_KEY_BOOL, "true", NULL,
     "A new order of the training samples in each epoch; of texts, windows that begin anywhere."},
    {"data.normalize", MOT_KEY_NORMALIZE, NULL, NULL,
     "`[mean, deviation]` of pixels between 0 and 1, or a list of each with a number a channel; "
     "unset: pixels stay between 0 and 1."},
    {"data.augment.crop", MOT_KEY_INT, "0", "[0,1024]",
     "Pictures in training: move by up to so many pixels each way, at random for each sample and "
     "epoch, as a crop behind padding does. What comes into view is what normalization makes 0."},
    {"data.augment.flip", MOT_KEY_BOOL, "false", NULL,
     "Pictures in training: mirror half of them, left to right."},
    {"data.augment.rotate", MOT_KEY_FLOAT, "0", "[0,180]",
     "Pictures in training: turn by up to so many degrees each way."},
    {"data.augment.cutout", MOT_KEY_INT, "0", "[0,4096]",
     "Pictures in training: blank a square of this side at a random place."},
    {"data.augment.mixup", MOT_KEY_FLOAT, "0", "[0,1000]",
     "Pictures and tables in training: a part of each sample is another one's, inputs and labels; "
     "how much is drawn from Beta(a, a) with this a, e.g. 0.2. The loss is that of both labels, by "
     "their parts; the training accuracy counts the label of the larger. 0: none."},
    {"data.validation", MOT_KEY_FLOAT, "0", "[0,inf)",
     "Training samples held out for validation, drawn at random: a number of them, or below 1 a "
     "part of them. Texts: tokens at the end; unset: 0.1."},
    {"data.limit", MOT_KEY_INT, "0", "[0,inf)",
     "Use only so many of the training samples, drawn at random. 0: all."},

    /* ---- model: what learns ---- */
    {"model.layers", MOT_KEY_LAYERS, NULL, NULL,
     "The layers, first to last; see below. Also called `model.sequential`."},
    {"model.define", MOT_KEY_DEFINITIONS, NULL, NULL,
     "Lists of layers that are written once, with parameters, and used like a kind of layer; see "
     "below."},
    {"model.loss", MOT_KEY_CHOICE, "auto", "auto|cross-entropy|bce|mse|l1|huber",
     "`cross-entropy` for classes; `mse`, `l1`, `huber` for numbers; `bce`, binary cross-entropy of one "
     "output, for two classes or numbers between 0 and 1. `auto`: cross-entropy or mean squared error."},
    {"model.huber_delta", MOT_KEY_FLOAT, "1", "(0,1e30]",
     "`huber`: how large an error counts by its square; larger ones by their size."},
    {"model.label_smoothing", MOT_KEY_FLOAT, "0", "[0,1)",
     "`cross-entropy`: part of a label that goes to all classes alike, e.g. 0.1."},
    {"model.init", MOT_KEY_CHOICE, "pytorch", "pytorch|he|xavier|normal|zeros",
     "How weights start. `pytorch`: uniform within 1/sqrt(inputs), biases too, as its layers do; "
     "`he`: normal, deviation sqrt(2/inputs); `xavier`: uniform within sqrt(6/(inputs+outputs)); "
     "`normal`: deviation 0.01; biases 0 but for the first."},

    /* ---- train: how it learns ---- */
    {"train.epochs", MOT_KEY_INT, "10", "[1,1000000000]",
     "Times that all training samples are seen."},
    {"train.steps", MOT_KEY_INT, "0", "[0,inf)",
     "Stop after so many steps in all. 0: after the epochs."},
    {"train.seed", MOT_KEY_INT, "1", "[0,inf)",
     "Seed of initial weights, order of samples and dropout."},
    {"train.precision", MOT_KEY_CHOICE, "float32", "float32|tf32|bf16",
     "What large matrix products may round their operands to, on devices that multiply those "
     "faster (tensor cores); sums and everything else stay float32."},
    {"train.storage", MOT_KEY_CHOICE, "float32", "float32|bf16|fp16",
     "How values are kept from forward for backward, and gradients that wait in it. `bf16` and `fp16` "
     "take half of the memory; all is computed in float32, forward, parameters and sums stay so. bf16 "
     "has the range of float32, fp16 is finer and needs `train.loss_scale`. What "
     "a norm reads keeps 3 or 4 digits: standardize features that are far from 0 beside their spread."},
    {"train.loss_scale", MOT_KEY_AUTO, "auto", "[1,16777216]",
     "`fp16`: what the loss is multiplied by, so that small gradients do not become 0. A step whose "
     "gradient is not finite is skipped on all devices and halves it. `auto`: begins with 65536."},
    {"train.loss_scale_every", MOT_KEY_INT, "2000", "[1,1000000]",
     "`fp16`: steps without overflow until the scale is doubled."},
    {"train.optimizer.name", MOT_KEY_CHOICE, "sgd", "sgd|adam|adamw|rmsprop|adagrad|lion|lamb",
     "The rule that changes the weights."},
    {"train.optimizer.lr", MOT_KEY_AUTO, "auto", "[0,1000000]",
     "Learning rate, which `train.schedule` changes over time. `auto`: 0.01 for `sgd`, `rmsprop` and "
     "`adagrad`, 0.001 for `adam`, `adamw` and `lamb`, 0.0001 for `lion`."},
    {"train.optimizer.momentum", MOT_KEY_FLOAT, "0", "[0,1)",
     "`sgd`, `rmsprop`: part of the last change that is kept."},
    {"train.optimizer.nesterov", MOT_KEY_BOOL, "false", NULL, "`sgd`: Nesterov's momentum."},
    {"train.optimizer.weight_decay", MOT_KEY_AUTO, "auto", "[0,1000000]",
     "Times the weights, added to the gradient; `adamw` and `lion` take it from the weights apart from "
     "the gradient, `lamb` adds it to the change. `auto`: 0.01 for `adamw`, 0 for the others."},
    {"train.optimizer.beta1", MOT_KEY_FLOAT, "0.9", "[0,1)",
     "`adam`, `adamw`, `lion`, `lamb`: decay of the mean of gradients."},
    {"train.optimizer.beta2", MOT_KEY_AUTO, "auto", "[0,1)",
     "`adam`, `adamw`, `lamb`: decay of the mean of their squares; `lion`: of the mean that is kept. "
     "`auto`: 0.99 for `lion`, 0.999 for the others."},
    {"train.optimizer.eps", MOT_KEY_AUTO, "auto", "(0,1]",
     "Keeps a division finite. `auto`: 1e-10 for `adagrad`, 1e-6 for `lamb`, 1e-8 for the others."},
    {"train.optimizer.alpha", MOT_KEY_FLOAT, "0.99", "[0,1)",
     "`rmsprop`: decay of the mean of squares."},
    {"train.optimizer.centered", MOT_KEY_BOOL, "false", NULL,
     "`rmsprop`: divide by the deviation of gradients, not by the root of the mean of their squares."},
    {"train.optimizer.groups", MOT_KEY_GROUPS, NULL, NULL,
     "Parameters with numbers of their own, by patterns of their names, e.g. `[{match: \"*.bias\", "
     "weight_decay: 0, lr_scale: 0.1}]`. `match` may be a list; the first group that matches counts; "
     "`lr_scale` multiplies the learning rate (0: the weights stay as they are)."},
    {"train.schedule.name", MOT_KEY_CHOICE, "constant", "constant|step|cosine|linear|one-cycle",
     "How the learning rate goes over time; formulas as PyTorch's. `step`: times `gamma` every so "
     "often; `cosine`, `linear`: from `lr` to `final`; `one-cycle`: from `start` up to `lr` and down "
     "to `final`, along cosines."},
    {"train.schedule.by", MOT_KEY_CHOICE, "step", "step|epoch",
     "What the schedule counts; by `epoch` the learning rate changes between epochs only."},
    {"train.schedule.warmup", MOT_KEY_AUTO, "auto", "[0,1000000000]",
     "Steps (or epochs) in which the learning rate rises from `start` to `lr`; what follows counts from "
     "there. `auto`: 0; `one-cycle`: 0.3 of all."},
    {"train.schedule.start", MOT_KEY_AUTO, "auto", "[0,1000000]",
     "Learning rate of the first step of a warm-up. `auto`: `lr` / (`warmup` + 1), `one-cycle`: `lr` / "
     "25."},
    {"train.schedule.final", MOT_KEY_AUTO, "auto", "[0,1000000]",
     "`cosine`, `linear`, `one-cycle`: learning rate at the end. `auto`: 0, `one-cycle`: `lr` / "
     "250000."},
    {"train.schedule.every", MOT_KEY_INT, "30", "[1,inf)",
     "`step`: steps (or epochs) between two changes."},
    {"train.schedule.gamma", MOT_KEY_FLOAT, "0.1", "(0,1]", "`step`: factor of a change."},
    {"train.schedule.length", MOT_KEY_INT, "0", "[0,inf)",
     "Steps (or epochs) over which the schedule goes, warm-up included; behind it the learning rate "
     "stays. 0: all that `train.epochs` and `train.steps` say."},
    {"train.clip_norm", MOT_KEY_FLOAT, "0", "[0,1e30]",
     "Scale the gradient down to this norm, over all parameters together, where it is larger. 0: as "
     "it is."},
    {"train.clip_value", MOT_KEY_FLOAT, "0", "[0,1e30]",
     "Keep each element of the gradient within this much of 0, after `train.clip_norm`. 0: as it is."},
    {"train.accumulate", MOT_KEY_INT, "1", "[1,1000000]",
     "Train a batch in so many parts, one after the other, and add up their gradients: the step of "
     "the whole batch (to rounding) in less memory."},
    {"train.ema", MOT_KEY_FLOAT, "0", "[0,1)",
     "Keep a moving average of the weights with this decay a step, e.g. 0.999, which is then what is "
     "evaluated and saved as the model. 0: none."},
    {"train.shares", MOT_KEY_SHARES, "auto", "auto|equal",
     "Samples of each device. `auto`: as measured, so that all end together; `equal`; or a list of "
     "weights, one a device in the order of `motley devices`, ranks one after the other."},
    {"train.memory", MOT_KEY_FLOATS, NULL, "(0,1e9]",
     "MiB of a device's memory that tensors may take at most: one number for each device, or a list, one "
     "a device in the order of `motley devices`, ranks one after the other. Not set: four fifths of "
     "what it has."},
    {"train.adapt", MOT_KEY_BOOL, "true", NULL,
     "With `auto` shares: go on measuring and move samples where that promises a faster step."},
    {"train.leave_out", MOT_KEY_BOOL, "true", NULL,
     "With `auto` shares: try whether the step is faster without some devices. A device that needs "
     "longer for one sample than the others for all gets none in any case."},
    {"train.tune", MOT_KEY_BOOL, "true", NULL,
     "Use the kernels that `motley tune` found to be fast on these devices; where it found none, look "
     "for some before the first step (about a second a device, once: what is found is remembered). "
     "`false`: go by the rules."},
    {"train.bucket_bytes", MOT_KEY_INT, "1048576", "[64,1073741824]",
     "Gradients leave the device in pieces of about this size, while backward goes on."},
    {"train.checkpoint_every", MOT_KEY_INT, "0", "[0,inf)",
     "Steps between checkpoints, where there is an output folder. 0: after each epoch."},
    {"train.log_every", MOT_KEY_INT, "100", "[1,inf)", "Steps between two lines of metrics."},
    {"train.check_replicas", MOT_KEY_INT, "0", "[0,inf)",
     "Steps between checks that all devices hold the same weights, bit by bit. 0: only at the "
     "end."},
};
/* clang-format on */

const int mot_config_n_keys = sizeof mot_config_keys / sizeof *mot_config_keys;

const char *const mot_config_other_names[][2] = {
    {"model.sequential", "model.layers"},
};

const int mot_config_n_other_names = sizeof mot_config_other_names / sizeof *mot_config_other_names;
