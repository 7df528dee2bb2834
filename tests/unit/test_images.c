/* Folders of images: classes and order, sizes, resizing, broken files with their path. */
#include "config.h"

#include "runtime/base/text.h"
#include "runtime/train/image.h"
#include "runtime/train/image_folder.h"
#include "tests/unit/files.h"

#include <sys/stat.h>

static mot_status open_data(const char *text, mot_data **out)
{
    mot_config *config;
    OK(mot_config_parse(text, "c.yaml", &config));
    mot_status status = mot_data_open(config, files_folder, out);
    mot_config_free(config);
    return status;
}

static void make_folder(const char *name)
{
    ck_assert_int_eq(mkdir(file_at(name), 0777), 0);
}

/* ---- resizing ---- */

static void check_resize(int64_t from_height, int64_t from_width, const uint8_t *in, int64_t height,
                         int64_t width, const uint8_t *expected)
{
    mot_image image = {from_height, from_width, 1, (uint8_t *)in};
    uint8_t out[64];
    OK(mot_image_resize(&image, height, width, out));
    for (int64_t i = 0; i < height * width; i++)
        ck_assert_msg(out[i] == expected[i], "pixel %d is %d, not %d", (int)i, out[i], expected[i]);
}

START_TEST(test_resizing_is_bilinear)
{
    static const uint8_t same[] = {1, 2, 3, 40, 50, 60};
    check_resize(2, 3, same, 2, 3, same);
    /* twice as wide: places 1/4 and 3/4 between neighbours, edges repeated */
    static const uint8_t line[] = {0, 100}, wide[] = {0, 25, 75, 100};
    check_resize(1, 2, line, 1, 4, wide);
    check_resize(2, 1, line, 4, 1, wide);
    /* half as wide: (1 3 3 1) / 8, at the edges (3 3 1) / 7 */
    static const uint8_t long_line[] = {0, 0, 80, 80, 0, 0}, half[] = {11, 60, 11};
    check_resize(1, 6, long_line, 1, 3, half);
    static const uint8_t flat[] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    check_resize(3, 4, flat, 5, 7,
                 (const uint8_t[35]){9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
                                     9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9});
    check_resize(3, 4, flat, 1, 1, flat);
}
END_TEST

START_TEST(test_planes_are_taken_apart)
{
    uint8_t pixel[] = {1, 2, 3, 4, 5, 6}, out[6];
    static const uint8_t expected[] = {1, 4, 2, 5, 3, 6};
    OK(mot_image_resize(&(mot_image){1, 2, 3, pixel}, 1, 2, out));
    ck_assert_mem_eq(out, expected, 6);
}
END_TEST

START_TEST(test_other_files_are_refused)
{
    mot_data *data;
    mot_image image;
    FAILS(mot_image_decode("x.png", "GIF89a", 6, 3, &image), MOT_ERR_FORMAT,
          "x.png is neither a PNG nor a JPEG");
    FAILS(mot_image_decode("x.png", "", 0, 3, &image), MOT_ERR_FORMAT, "neither");
    FAILS(open_data("data: {set: images}", &data), MOT_ERR_ARGUMENT, "needs data.train_images");
    FAILS(open_data("data: {set: images, train_images: none}", &data), MOT_ERR_FILE, "none");
    make_folder("t");
    FAILS(open_data("data: {set: images, train_images: t}", &data), MOT_ERR_FORMAT,
          "t has no folders of images");
    make_folder("t/cats");
    file_of_text("t/cats/notes.txt", "no image");
    FAILS(open_data("data: {set: images, train_images: t}", &data), MOT_ERR_FORMAT,
          "t/cats has no PNG or JPEG images");
    file_of_text("t/cats/a.png", "no image");
    FAILS(open_data("data: {set: images, train_images: t}", &data), MOT_ERR_FORMAT,
          "t/cats/a.png is neither");
    FAILS(open_data("data: {set: images, train_images: t, size: 5}", &data), MOT_ERR_ARGUMENT,
          "data.size has 1 numbers");
}
END_TEST

/* ---- PNG ---- */

#ifdef HAVE_PNG
#include <png.h>

static void write_png(const char *name, unsigned height, unsigned width, int format,
                      const uint8_t *pixel)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = width,
                       .height = height,
                       .format = (png_uint_32)format};
    ck_assert(png_image_write_to_file(&image, file_at(name), 0, pixel, 0, NULL));
}

START_TEST(test_folders_are_classes)
{
    static const uint8_t colours[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7},
                         grey[] = {5, 6, 7, 8};
    static const uint8_t expected[2][12] = {{255, 0, 0, 9, 0, 255, 0, 8, 0, 0, 255, 7},
                                            {5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8}};
    mot_data *data;
    make_folder("t");
    make_folder("t/dogs");
    make_folder("t/cats");
    make_folder("v");
    make_folder("v/dogs");
    write_png("t/dogs/b.png", 2, 2, PNG_FORMAT_GRAY, grey);
    write_png("t/cats/x.PNG", 2, 2, PNG_FORMAT_RGB, colours);
    write_png("t/dogs/a.png", 2, 2, PNG_FORMAT_RGB, colours);
    write_png("v/dogs/a.png", 2, 2, PNG_FORMAT_GRAY, grey);
    OK(open_data("data: {set: images, train_images: t, test_images: v}", &data));
    mot_shape sample = {3, {3, 2, 2}};
    ck_assert(mot_shape_equal(&data->train->sample, &sample));
    ck_assert_int_eq(data->train->n, 3);
    ck_assert_int_eq(data->spec.n_classes, 2);
    ck_assert_str_eq(data->train->class_name[0], "cats");
    ck_assert_mem_eq(data->train->label, ((const int32_t[]){0, 1, 1}), 12);
    ck_assert_mem_eq(data->train->raw, expected[0], 12);
    ck_assert_mem_eq((const uint8_t *)data->train->raw + 24, expected[1], 12);
    ck_assert_int_eq(data->test->n, 1);
    ck_assert_int_eq(data->test->label[0], 1);
    ck_assert_float_eq(data->spec.scale[0], 1.0f / 255);
    mot_data_close(data);
    OK(open_data("data: {set: images, train_images: t, size: [4, 6], channels: 1}", &data));
    sample = (mot_shape){3, {1, 4, 6}};
    ck_assert(mot_shape_equal(&data->train->sample, &sample));
    ck_assert_int_eq(((const uint8_t *)data->train->raw)[48], 5);
    mot_data_close(data);
    make_folder("v/birds");
    write_png("v/birds/a.png", 2, 2, PNG_FORMAT_GRAY, grey);
    FAILS(open_data("data: {set: images, train_images: t, test_images: v}", &data), MOT_ERR_FORMAT,
          "v/birds: ");
    write_png("t/dogs/c.png", 1, 4, PNG_FORMAT_GRAY, grey);
    FAILS(open_data("data: {set: images, train_images: t}", &data), MOT_ERR_SHAPE,
          "t/dogs/c.png has 1x4 pixels, others of the set have 2x2");
}
END_TEST

START_TEST(test_transparent_is_black)
{
    static const uint8_t pixel[] = {200, 100, 50, 255, 200, 100, 50, 0};
    char *bytes;
    size_t size;
    mot_image image;
    write_png("a.png", 1, 2, PNG_FORMAT_RGBA, pixel);
    OK(mot_file_read(file_at("a.png"), 1 << 20, &bytes, &size));
    OK(mot_image_decode("a.png", bytes, size, 3, &image));
    ck_assert_mem_eq(image.pixel, ((const uint8_t[]){200, 100, 50, 0, 0, 0}), 6);
    free(image.pixel);
    /* Cut anywhere, it is damaged, not a shorter picture. */
    for (size_t cut = 8; cut < size - 12; cut++)
        FAILS(mot_image_decode("a.png", bytes, cut, 3, &image), MOT_ERR_FORMAT, "damaged PNG");
    bytes[size - 18] ^= 1;
    FAILS(mot_image_decode("a.png", bytes, size, 3, &image), MOT_ERR_FORMAT, "a.png: damaged PNG");
    /* 2^30 rows */
    bytes[size - 18] ^= 1;
    bytes[20] = 64;
    FAILS(mot_image_decode("a.png", bytes, size, 3, &image), MOT_ERR_FORMAT, "a.png");
    free(bytes);
}
END_TEST
#else
START_TEST(test_png_needs_the_library)
{
    mot_image image;
    FAILS(mot_image_decode("x.png", "\x89PNG\r\n\x1a\n", 8, 3, &image), MOT_ERR_UNSUPPORTED,
          "x.png is a PNG, and this motley was built without libpng");
}
END_TEST
#endif

/* ---- JPEG ---- */

#ifdef HAVE_JPEG
#include <jpeglib.h>

/* 16x24 pixels of one colour, as a file in memory. */
static void write_jpeg(unsigned char **bytes, unsigned long *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t row[24 * 3], *rows[] = {row};
    for (int i = 0; i < 24; i++)
        memcpy(row + 3 * i, ((const uint8_t[]){200, 100, 50}), 3);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, bytes, size);
    jpeg.image_width = 24;
    jpeg.image_height = 16;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 16; y++)
        jpeg_write_scanlines(&jpeg, rows, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
}

START_TEST(test_jpeg_is_read)
{
    static const int expected[] = {200, 100, 50};
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    mot_image image;
    write_jpeg(&bytes, &size);
    OK(mot_image_decode("a.jpg", bytes, size, 3, &image));
    ck_assert(image.height == 16 && image.width == 24 && image.channels == 3);
    for (int i = 0; i < 16 * 24 * 3; i++)
        ck_assert_int_le(abs(image.pixel[i] - expected[i % 3]), 3);
    free(image.pixel);
    OK(mot_image_decode("a.jpg", bytes, size, 1, &image));
    ck_assert_int_le(abs(image.pixel[0] - 124), 3); /* 0.299 R + 0.587 G + 0.114 B */
    free(image.pixel);
    for (size_t cut = 3; cut < size - 2; cut += 7)
        FAILS(mot_image_decode("a.jpg", bytes, cut, 3, &image), MOT_ERR_FORMAT,
              "a.jpg: damaged JPEG");
    free(bytes);
}
END_TEST
#else
START_TEST(test_jpeg_needs_the_library)
{
    mot_image image;
    FAILS(mot_image_decode("x.jpg", "\xff\xd8\xff\xe0", 4, 3, &image), MOT_ERR_UNSUPPORTED,
          "x.jpg is a JPEG, and this motley was built without libjpeg");
}
END_TEST
#endif

int main(void)
{
    TCase *tests = tcase_create("images");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_resizing_is_bilinear);
    tcase_add_test(tests, test_planes_are_taken_apart);
    tcase_add_test(tests, test_other_files_are_refused);
#ifdef HAVE_PNG
    tcase_add_test(tests, test_folders_are_classes);
    tcase_add_test(tests, test_transparent_is_black);
#else
    tcase_add_test(tests, test_png_needs_the_library);
#endif
#ifdef HAVE_JPEG
    tcase_add_test(tests, test_jpeg_is_read);
#else
    tcase_add_test(tests, test_jpeg_needs_the_library);
#endif
    return run_case("images", tests);
}
