/* Safetensors files: what is written is read, foreign types are converted, and what is not exactly
 * right is refused.  test_file_of_the_package holds bytes that the Python package wrote. */
#include "config.h"

#include "runtime/base/text.h"
#include "runtime/train/safetensors.h"
#include "tests/unit/files.h"

#include <math.h>

/* A file of this header (padded by nothing) and n data bytes. */
static mot_status parse(const char *header, const void *data, size_t n, mot_tensor_file *out)
{
    mot_text bytes = {0};
    unsigned char length[8] = {(unsigned char)strlen(header), (unsigned char)(strlen(header) >> 8)};
    OK(mot_text_add_bytes(&bytes, length, 8));
    OK(mot_text_add(&bytes, "%s", header));
    OK(mot_text_add_bytes(&bytes, data, n));
    mot_status status = mot_safetensors_parse("f", bytes.data, bytes.length, out);
    mot_text_free(&bytes);
    return status;
}

START_TEST(test_what_is_written_is_read)
{
    float w[6] = {1, -2, 0.5f, INFINITY, 1e-40f, 6}, scalar = 7;
    int32_t labels[3] = {-1, 0, 1 << 30};
    uint8_t bytes[3] = {0, 127, 255};
    mot_named_tensor tensors[] = {
        {"bytes", MOT_U8, {1, {3}}, bytes},
        {"fc1.weight", MOT_F32, {2, {2, 3}}, w},
        {"labels \"\xC3\xA4\"", MOT_I32, {3, {1, 3, 1}}, labels},
        {"scalar", MOT_F32, {0, {0}}, &scalar},
        {"empty", MOT_F32, {2, {0, 5}}, w},
    };
    char *keys[] = {"format", "note"}, *values[] = {"pt", "a\nb"};
    mot_tensor_file file = {tensors, 5, keys, values, 2, NULL}, back;
    OK(mot_safetensors_write(file_at("t.safetensors"), &file));
    OK(mot_safetensors_read(file_at("t.safetensors"), &back));
    ck_assert_int_eq(back.n_tensors, 5);
    for (int i = 0; i < 5; i++) {
        const mot_named_tensor *found = mot_tensor_file_find(&back, tensors[i].name);
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->dtype, tensors[i].dtype);
        ck_assert(mot_shape_equal(&found->shape, &tensors[i].shape));
        ck_assert_uint_eq((uintptr_t)found->data % 64, 0);
        size_t n = (size_t)mot_shape_elements(&found->shape, 1) * mot_dtype_bytes(found->dtype);
        ck_assert_int_eq(memcmp(found->data, tensors[i].data, n), 0);
    }
    ck_assert_str_eq(mot_tensor_file_meta(&back, "note"), "a\nb");
    ck_assert_ptr_null(mot_tensor_file_meta(&back, "none"));
    ck_assert_ptr_null(mot_tensor_file_find(&back, "none"));
    mot_tensor_file_free(&back);
}
END_TEST

/* Written with safetensors 0.8.0: save({"b": [[1,2],[3,4]] float32, "a": [5,-6] int64},
 * {"k": "v"}). */
static const unsigned char package_file[] =
    "\x90\0\0\0\0\0\0\0"
    "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]"
    "},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[16,32]}}       "
    "\5\0\0\0\0\0\0\0\xfa\xff\xff\xff\xff\xff\xff\xff"
    "\0\0\x80?\0\0\0@\0\0@@\0\0\x80@";

START_TEST(test_file_of_the_package)
{
    mot_tensor_file file;
    OK(mot_safetensors_parse("p", package_file, sizeof package_file - 1, &file));
    ck_assert_int_eq(file.n_tensors, 2);
    const mot_named_tensor *a = mot_tensor_file_find(&file, "a"),
                           *b = mot_tensor_file_find(&file, "b");
    ck_assert_int_eq(a->dtype, MOT_I32);
    ck_assert_int_eq(((int32_t *)a->data)[1], -6);
    ck_assert_float_eq(((float *)b->data)[2], 3);
    ck_assert_str_eq(mot_tensor_file_meta(&file, "k"), "v");
    mot_tensor_file_free(&file);
}
END_TEST

START_TEST(test_the_header_is_padded_and_sorted_as_the_package_does)
{
    uint8_t byte = 1;
    float f[2] = {1, 2};
    mot_named_tensor tensors[] = {{"b", MOT_U8, {1, {1}}, &byte},
                                  {"z", MOT_F32, {1, {1}}, f},
                                  {"a", MOT_F32, {1, {1}}, f + 1}};
    mot_tensor_file file = {.tensor = tensors, .n_tensors = 3};
    static const char expected[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"z\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[8,9]}}";
    char *bytes;
    size_t size, padded = (sizeof expected - 1 + 7) / 8 * 8;
    OK(mot_safetensors_write(file_at("t"), &file));
    OK(mot_file_read(file_at("t"), 10000, &bytes, &size));
    ck_assert_uint_eq(size, 8 + padded + 9);
    ck_assert_uint_eq((unsigned char)bytes[0], padded);
    ck_assert_mem_eq(bytes + 8, expected, sizeof expected - 1);
    for (size_t i = 8 + sizeof expected - 1; i < 8 + padded; i++)
        ck_assert_int_eq(bytes[i], ' ');
    free(bytes);
}
END_TEST

START_TEST(test_foreign_types_are_converted)
{
    static const struct {
        const char *dtype;
        unsigned char bytes[16];
        size_t n_bytes;
        mot_dtype dtype_out;
        double value[2];
    } cases[] = {
        {"F64", {0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, 16, MOT_F32, {1.5, -2}},
        {"F16", {0, 0x3e, 1, 0x80}, 4, MOT_F32, {1.5, -0x1p-24}},
        {"F16", {0xff, 0x7b, 0, 0xfc}, 4, MOT_F32, {65504, -INFINITY}},
        {"BF16", {0xc0, 0x3f, 0, 0xc0}, 4, MOT_F32, {1.5, -2}},
        {"I64",
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 255, 255, 255, 255},
         16,
         MOT_I32,
         {1, INT32_MIN}},
        {"I16", {0xff, 0xff, 0xff, 0x7f}, 4, MOT_I32, {-1, 32767}},
        {"U16", {0xff, 0xff, 1, 0}, 4, MOT_I32, {65535, 1}},
        {"I8", {0x80, 5}, 2, MOT_I32, {-128, 5}},
        {"U32", {1, 0, 0, 0, 255, 255, 255, 127}, 8, MOT_I32, {1, INT32_MAX}},
        {"U64", {1, 0, 0, 0, 0, 0, 0, 0, 2}, 16, MOT_I32, {1, 2}},
        {"BOOL", {1, 0}, 2, MOT_U8, {1, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char header[128];
        mot_tensor_file file;
        snprintf(header, sizeof header,
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%zu]}}",
                 cases[i].dtype, cases[i].n_bytes);
        OK(parse(header, cases[i].bytes, cases[i].n_bytes, &file));
        ck_assert_int_eq(file.tensor[0].dtype, cases[i].dtype_out);
        for (int j = 0; j < 2; j++) {
            const void *data = file.tensor[0].data;
            double value = ((const uint8_t *)data)[j];
            if (cases[i].dtype_out == MOT_F32)
                value = ((const float *)data)[j];
            if (cases[i].dtype_out == MOT_I32)
                value = ((const int32_t *)data)[j];
            ck_assert_msg(value == cases[i].value[j], "%s: %g", cases[i].dtype, value);
        }
        mot_tensor_file_free(&file);
    }
}
END_TEST

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
    const char *header;
    mot_status status;
    const char *part;
} wrong[] = {
    /* each with 8 bytes of data */
    {"[]", MOT_ERR_FORMAT, "does not begin with '{'"},
    {"{\"x\":", MOT_ERR_FORMAT, "no JSON"},
    {"{\"x\":" T("F32", "[2]", "[0,8]") "}x", MOT_ERR_FORMAT, "no JSON"},
    {"{}", MOT_ERR_FORMAT, "promises 0 bytes of data, 8"},
    {"{\"x\":3}", MOT_ERR_FORMAT, "no object"},
    {"{\"x\":{\"shape\":[2],\"data_offsets\":[0,8]}}", MOT_ERR_FORMAT, "'dtype' is missing"},
    {"{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", MOT_ERR_FORMAT, "'shape' is missing"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", MOT_ERR_FORMAT, "'data_offsets' is missing"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}", MOT_ERR_FORMAT,
     "keys besides"},
    {"{\"x\":" T("F32", "[-2]", "[0,8]") "}", MOT_ERR_FORMAT, "whole numbers"},
    {"{\"x\":" T("F32", "[2.0]", "[0,8]") "}", MOT_ERR_FORMAT, "whole numbers"},
    {"{\"x\":" T("F32", "[1,1,1,1,1,2]", "[0,8]") "}", MOT_ERR_UNSUPPORTED, "6 dimensions"},
    {"{\"x\":" T("F32", "[4294967296,4294967296]", "[0,8]") "}", MOT_ERR_FORMAT, "larger than any"},
    {"{\"x\":" T("F32", "[4294967296,0,4294967296]", "[0,8]") "}", MOT_ERR_FORMAT, "need 0"},
    {"{\"x\":" T("F32", "[99999999999999999999]", "[0,8]") "}", MOT_ERR_FORMAT, "no JSON"},
    {"{\"x\":" T("F32", "[3]", "[0,8]") "}", MOT_ERR_FORMAT, "has 8 bytes, but"},
    {"{\"x\":" T("F32", "[2]", "[8,0]") "}", MOT_ERR_FORMAT, "end before they begin"},
    {"{\"x\":" T("F32", "[2]", "[-8,0]") "}", MOT_ERR_FORMAT, "negative"},
    {"{\"x\":" T("F32", "[2]", "[0,8,9]") "}", MOT_ERR_FORMAT, "not [begin, end]"},
    {"{\"x\":" T("F32", "[1]", "[0,4]") "}", MOT_ERR_FORMAT, "promises 4 bytes of data, 8"},
    {"{\"x\":" T("F32", "[1]", "[4,8]") "}", MOT_ERR_FORMAT, "there is a gap"},
    {"{\"x\":" T("F32", "[4]", "[0,16]") "}", MOT_ERR_FORMAT, "promises 16 bytes of data, 8"},
    {"{\"x\":" T("F32", "[1]", "[0,4]") ",\"y\":" T("F32", "[2]", "[0,8]") "}", MOT_ERR_FORMAT,
     "overlap"},
    {"{\"x\":" T("F32", "[2]", "[0,8]") ",\"x\":" T("F32", "[2]", "[0,8]") "}", MOT_ERR_FORMAT,
     "duplicate"},
    {"{\"x\":" T("F8_E4M3", "[8]", "[0,8]") "}", MOT_ERR_UNSUPPORTED, "F8_E4M3"},
    {"{\"__metadata__\":{\"a\":1},\"x\":" T("F32", "[2]", "[0,8]") "}", MOT_ERR_FORMAT,
     "'a' is no text"},
    {"{\"__metadata__\":[],\"x\":" T("F32", "[2]", "[0,8]") "}", MOT_ERR_FORMAT, "no object"},
    {"{\"x\":" T("I64", "[1]", "[0,8]") "}", MOT_ERR_UNSUPPORTED, "does not fit 32 bits"},
    {"{\"x\":" T("BOOL", "[8]", "[0,8]") "}", MOT_ERR_UNSUPPORTED, "element 0"},
};

START_TEST(test_each_mistake_is_named)
{
    static const unsigned char data[8] = {2, 2, 2, 2, 2, 2, 2, 2};
    mot_tensor_file file;
    FAILS(parse(wrong[_i].header, data, sizeof data, &file), wrong[_i].status, wrong[_i].part);
}
END_TEST

START_TEST(test_lengths_are_checked)
{
    static const unsigned char huge[] = {255, 255, 255, 255, 255, 255, 255, 255, '{', '}'};
    static const unsigned char large[] = {200, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    static const unsigned char none[] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    mot_tensor_file file;
    FAILS(mot_safetensors_parse("f", huge, sizeof huge, &file), MOT_ERR_FORMAT,
          "100000000 are the most");
    FAILS(mot_safetensors_parse("f", large, sizeof large, &file), MOT_ERR_FORMAT, "is cut off");
    FAILS(mot_safetensors_parse("f", none, sizeof none, &file), MOT_ERR_FORMAT, "does not begin");
    FAILS(mot_safetensors_parse("f", large, 5, &file), MOT_ERR_FORMAT, "5 bytes are too few");
    for (size_t n = 0; n < sizeof package_file - 1; n++)
        ck_assert_int_eq(mot_safetensors_parse("f", package_file, n, &file), MOT_ERR_FORMAT);
}
END_TEST

START_TEST(test_names_that_cannot_be_are_not_written)
{
    float f = 1;
    mot_named_tensor two[] = {{"a", MOT_F32, {1, {1}}, &f}, {"a", MOT_F32, {1, {1}}, &f}};
    mot_tensor_file file = {.tensor = two, .n_tensors = 2};
    FAILS(mot_safetensors_write(file_at("t"), &file), MOT_ERR_ARGUMENT, "'a'");
    two[1].name = "__metadata__";
    FAILS(mot_safetensors_write(file_at("t"), &file), MOT_ERR_ARGUMENT, "__metadata__");
    two[1].name = "\xff";
    FAILS(mot_safetensors_write(file_at("t"), &file), MOT_ERR_MEMORY, "not UTF-8");
    ck_assert_int_ne(access(file_at("t"), F_OK), 0);
    file.n_tensors = 1;
    FAILS(mot_safetensors_write(file_at("none/t"), &file), MOT_ERR_FILE, "none/t");
    FAILS(mot_safetensors_read(file_at("t"), &file), MOT_ERR_FILE, "cannot open");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("safetensors");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, test_what_is_written_is_read);
    tcase_add_test(tests, test_file_of_the_package);
    tcase_add_test(tests, test_the_header_is_padded_and_sorted_as_the_package_does);
    tcase_add_test(tests, test_foreign_types_are_converted);
    tcase_add_loop_test(tests, test_each_mistake_is_named, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tests, test_lengths_are_checked);
    tcase_add_test(tests, test_names_that_cannot_be_are_not_written);
    return run_case("safetensors", tests);
}
