/* IDX files: what is written is read, and each way of being wrong has its message. */
#include "config.h"

#include "runtime/train/gzip_file.h"
#include "runtime/train/idx.h"
#include "tests/unit/files.h"

#include <sys/stat.h>

/* Two images of 2x3 and their labels. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                       0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 1};

static mot_dataset *read_good(const char *image_name, const char *label_name, int64_t n_classes)
{
    mot_dataset *set;
    OK(mot_idx_read(file_at(image_name), file_at(label_name), n_classes, NULL, &set));
    return set;
}

START_TEST(test_idx_reads_images_and_labels)
{
    file_of("i", images, sizeof images);
    file_of("l", labels, sizeof labels);
    mot_dataset *set = read_good("i", "l", 0);
    mot_shape shape = {3, {1, 2, 3}};
    ck_assert(mot_shape_equal(&set->sample, &shape));
    ck_assert_int_eq(set->dtype, MOT_U8);
    ck_assert_int_eq(set->n, 2);
    ck_assert_int_eq(set->n_classes, 4);
    ck_assert(!set->regression);
    ck_assert_mem_eq(set->raw, images + 16, 12);
    ck_assert_int_eq(set->label[0], 3);
    ck_assert_int_eq(set->label[1], 1);
    ck_assert_uint_eq(mot_dataset_sample_bytes(set), 6);
    mot_dataset_free(set);
    set = read_good("i", "l", 10);
    ck_assert_int_eq(set->n_classes, 10);
    mot_dataset_free(set);
}
END_TEST

START_TEST(test_gzip_is_found_under_either_name)
{
    OK(mot_gzip_write(file_at("i.gz"), images, sizeof images));
    file_of("l", labels, sizeof labels);
    mot_dataset *set = read_good("i", "l.gz", 0);
    ck_assert_mem_eq(set->raw, images + 16, 12);
    mot_dataset_free(set);
    struct stat info;
    ck_assert_int_eq(stat(file_at("i"), &info), -1);
}
END_TEST

START_TEST(test_what_is_written_is_read)
{
    static const mot_shape samples[] = {{1, {6}}, {3, {1, 2, 3}}, {3, {3, 1, 2}}};
    static const char *const names[] = {"i", "i.gz"};
    float values[12];
    int32_t label[2] = {0, 300};
    for (int i = 0; i < 12; i++)
        values[i] = (float)i / 7 - 0.5f;
    for (int i = 0; i < 12; i++) {
        mot_dataset set = {.name = "t", .sample = samples[i % 3], .n = 2, .label = label}, *back;
        set.dtype = i / 3 % 2 ? MOT_U8 : MOT_F32;
        set.raw = set.dtype == MOT_U8 ? (const void *)images : (const void *)values;
        label[1] = i / 6 ? 300 : 9;
        set.n_classes = label[1] + 1;
        OK(mot_idx_write(&set, file_at(names[i % 2]), file_at("l")));
        OK(mot_idx_read(file_at(names[i % 2]), file_at("l"), 0, NULL, &back));
        ck_assert(mot_shape_equal(&back->sample, &set.sample));
        ck_assert_int_eq(back->dtype, set.dtype);
        ck_assert_int_eq(back->n_classes, set.n_classes);
        ck_assert_mem_eq(back->raw, set.raw, 2 * mot_dataset_sample_bytes(&set));
        ck_assert_mem_eq(back->label, label, sizeof label);
        mot_dataset_free(back);
    }
}
END_TEST

typedef struct idx_mistake {
    size_t size;      /* of the images file; 0: whole */
    int at, value;    /* a byte to change in it; -1: none */
    const char *part; /* of the message */
} idx_mistake;

static const idx_mistake mistakes[] = {
    {27, -1, 0, "promises 12 bytes of data, 11"},
    {16, -1, 0, "promises 12 bytes of data, 0"},
    {15, -1, 0, "cut off in its header"},
    {3, -1, 0, "3 bytes are too few"},
    {0, 0, 1, "no IDX file"},
    {0, 2, 9, "element type 0x09"},
    {0, 2, 0x0c, "promises 48 bytes of data, 12"},
    {0, 3, 1, "follow behind"},
    {0, 3, 5, "5 dimensions"},
    {0, 3, 0, "0 dimensions"},
    {0, 7, 1, "6 bytes follow behind the 6"},
    {0, 7, 0, "dimension 0 is 0"},
    {0, 4, 255, "is cut off"},
};

START_TEST(test_each_mistake_of_an_image_file_is_named)
{
    const idx_mistake *m = &mistakes[_i];
    unsigned char bytes[sizeof images];
    mot_dataset *set;
    memcpy(bytes, images, sizeof images);
    if (m->at >= 0)
        bytes[m->at] = (unsigned char)m->value;
    file_of("i", bytes, m->size ? m->size : sizeof images);
    file_of("l", labels, sizeof labels);
    mot_status status = mot_idx_read(file_at("i"), file_at("l"), 0, NULL, &set);
    ck_assert(status == MOT_ERR_FORMAT || status == MOT_ERR_UNSUPPORTED);
    ck_assert_msg(strstr(mot_error_message(), m->part) && strstr(mot_error_message(), file_at("i")),
                  "no '%s' in: %s", m->part, mot_error_message());
}
END_TEST

START_TEST(test_sizes_that_overflow_are_refused)
{
    unsigned char head[20] = {0, 0, 8, 4};
    mot_idx idx;
    memset(head + 4, 0xff, 16);
    FAILS(mot_idx_parse("big", head, sizeof head, &idx), MOT_ERR_FORMAT, "promises more than");
    memset(head + 4, 0x7f, 16);
    FAILS(mot_idx_parse("big", head, sizeof head, &idx), MOT_ERR_FORMAT, "promises more than");
}
END_TEST

START_TEST(test_labels_are_checked)
{
    mot_dataset *set;
    static const unsigned char three[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 1, 1};
    static const unsigned char negative[] = {0,    0,    0x0c, 1,    0, 0, 0, 2,
                                             0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1};
    file_of("i", images, sizeof images);
    file_of("l", labels, sizeof labels);
    FAILS(mot_idx_read(file_at("i"), file_at("l"), 3, NULL, &set), MOT_ERR_FORMAT,
          "label 0 is 3, but there are 3 classes");
    file_of("l", three, sizeof three);
    FAILS(mot_idx_read(file_at("i"), file_at("l"), 0, NULL, &set), MOT_ERR_FORMAT, "has 3 labels");
    file_of("l", negative, sizeof negative);
    FAILS(mot_idx_read(file_at("i"), file_at("l"), 0, NULL, &set), MOT_ERR_FORMAT, "label 0 is -1");
    OK(mot_idx_read(file_at("i"), file_at("l"), 0, &(int32_t){-1}, &set));
    ck_assert_int_eq(set->label[0], MOT_NO_CLASS);
    ck_assert_int_eq(set->label[1], 1);
    ck_assert_int_eq(set->n_classes, 2);
    mot_dataset_free(set);
    FAILS(mot_idx_read(file_at("i"), file_at("i"), 0, NULL, &set), MOT_ERR_FORMAT,
          "are these the images");
    file_of("l", labels, sizeof labels);
    FAILS(mot_idx_read(file_at("l"), file_at("l"), 0, NULL, &set), MOT_ERR_FORMAT,
          "are these the labels");
}
END_TEST

START_TEST(test_infinite_pixels_are_refused)
{
    static const unsigned char wrong[] = {0, 0, 0x0d, 2, 0, 0, 0,    2,    0, 0,
                                          0, 1, 0,    0, 0, 0, 0x7f, 0x80, 0, 0};
    mot_dataset *set;
    file_of("i", wrong, sizeof wrong);
    file_of("l", labels, sizeof labels);
    FAILS(mot_idx_read(file_at("i"), file_at("l"), 0, NULL, &set), MOT_ERR_FORMAT, "element 1");
}
END_TEST

START_TEST(test_files_that_cannot_be_read_are_named)
{
    char packed[512], *bytes;
    size_t size;
    FAILS(mot_gzip_read(file_at("none"), 1000, &bytes, &size), MOT_ERR_FILE, "none: No such file");
    FAILS(mot_gzip_read(files_folder, 1000, &bytes, &size), MOT_ERR_FILE, "is a folder");
    OK(mot_gzip_write(file_at("i.gz"), images, sizeof images));
    FILE *file = fopen(file_at("i.gz"), "rb");
    size_t n = fread(packed, 1, sizeof packed, file);
    fclose(file);
    file_of("cut.gz", packed, n - 9);
    FAILS(mot_gzip_read(file_at("cut.gz"), 1000, &bytes, &size), MOT_ERR_FORMAT, "cut off");
    packed[n - 6] ^= 1; /* of the checksum */
    file_of("sum.gz", packed, n);
    FAILS(mot_gzip_read(file_at("sum.gz"), 1000, &bytes, &size), MOT_ERR_FORMAT, "damaged");
    FAILS(mot_gzip_read(file_at("i.gz"), 10, &bytes, &size), MOT_ERR_FORMAT, "more than 10 bytes");
    FAILS(mot_gzip_write(file_at("no/i.gz"), images, 3), MOT_ERR_FILE, "no/i.gz");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("idx");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_idx_reads_images_and_labels);
    tcase_add_test(tests, test_gzip_is_found_under_either_name);
    tcase_add_test(tests, test_what_is_written_is_read);
    tcase_add_loop_test(tests, test_each_mistake_of_an_image_file_is_named, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    tcase_add_test(tests, test_sizes_that_overflow_are_refused);
    tcase_add_test(tests, test_labels_are_checked);
    tcase_add_test(tests, test_infinite_pixels_are_refused);
    tcase_add_test(tests, test_files_that_cannot_be_read_are_named);
    return run_case("idx", tests);
}
