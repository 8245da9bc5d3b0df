// The reader of .pth files: values, bounds, refusals, truncation.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "model/state_dict.h"
#include "model_fixtures.h"
#include "support.h"

static const float ramp[24] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                               12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
static const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x3555, 0xfc00, 0x7e00};
static const float half_values[] = {1, -2, 65504, 0x1p-24f, -0.0f, 0x1.554p-2f, -INFINITY, NAN};
static const uint16_t bfloats[] = {0x3f80, 0xc2f7, 0x7f80};
static const float bfloat_values[] = {1, -123.5f, INFINITY};
static const double doubles[] = {0.1, -1e300, 3.4028234663852886e38};
static const float double_values[] = {0.1f, -INFINITY, 0x1.fffffep127f};
static const int64_t longs[] = {41, -1};
static const uint8_t bytes8[] = {255, 1};

static const fixture_storage storages[] = {
    {"FloatStorage", ramp, 24, 4},      {"HalfStorage", halves, 8, 2},
    {"BFloat16Storage", bfloats, 3, 2}, {"DoubleStorage", doubles, 3, 8},
    {"LongStorage", longs, 2, 8},       {"ByteStorage", bytes8, 2, 1},
    {"CharStorage", bytes8, 2, 1},
};

static const fixture_tensor tensors[] = {
    {"dense", 0, 0, 3, {2, 3, 4}, {12, 4, 1}},
    {"transposed", 0, 1, 2, {3, 4}, {1, 5}},
    {"pruned", 0, 0, 4, {2, 2, 1, 2}, {12, 4, 4, 1}},
    {"expanded", 0, 7, 2, {2, 3}, {0, 1}},
    {"empty", 0, 24, 2, {0, 5}, {5, 1}},
    {"half", 1, 0, 1, {8}, {1}},
    {"bfloat", 2, 0, 1, {3}, {1}},
    {"double", 3, 0, 1, {3}, {1}},
    {"norm.num_batches_tracked", 4, 0, 0, {0}, {0}},
    {"long", 4, 1, 1, {1}, {1}},
    {"byte", 5, 0, 1, {2}, {1}},
    {"char", 6, 0, 1, {2}, {1}},
};
enum { STORAGES = sizeof storages / sizeof *storages, TENSORS = sizeof tensors / sizeof *tensors };
static const fixture_file good = {
    .storages = storages, .storage_count = STORAGES, .tensors = tensors, .tensor_count = TENSORS};

static void check_values(const cgv_state_dict *dict, const char *name, int dims,
                         const float *wanted, size_t count) {
    const cgv_state_tensor *t = cgv_state_dict_find(dict, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(t->dims, dims);
    CU_ASSERT_EQUAL_FATAL(t->count, count);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(memcmp(&t->data[i], &wanted[i], 4) == 0 ||
                  (isnan(t->data[i]) && isnan(wanted[i])));
}

static void check_all_values(const fixture_bytes *file) {
    cgv_state_dict dict;
    CU_ASSERT_EQUAL_FATAL(cgv_pth_parse(&dict, file->data, file->size, "test"), CGV_OK);
    CU_ASSERT_EQUAL(dict.count, TENSORS);
    check_values(&dict, "dense", 3, ramp, 24);
    check_values(&dict, "transposed", 2, (float[]){1, 6, 11, 16, 2, 7, 12, 17, 3, 8, 13, 18}, 12);
    check_values(&dict, "pruned", 4, (float[]){0, 1, 4, 5, 12, 13, 16, 17}, 8);
    check_values(&dict, "expanded", 2, (float[]){7, 8, 9, 7, 8, 9}, 6);
    check_values(&dict, "empty", 2, NULL, 0);
    check_values(&dict, "half", 1, half_values, 8);
    check_values(&dict, "bfloat", 1, bfloat_values, 3);
    check_values(&dict, "double", 1, double_values, 3);
    check_values(&dict, "norm.num_batches_tracked", 0, (float[]){41}, 1);
    check_values(&dict, "long", 1, (float[]){-1}, 1);
    check_values(&dict, "byte", 1, (float[]){255, 1}, 2);
    check_values(&dict, "char", 1, (float[]){-1, 1}, 2);
    cgv_state_dict_free(&dict);
}

typedef enum container { LEGACY, ZIP, ZIP_COMPRESSED, CONTAINERS } container;

static fixture_bytes make(const fixture_file *file, container kind) {
    fixture_bytes bytes = {0};
    if (kind == LEGACY)
        fixture_legacy(&bytes, file);
    else
        fixture_zip(&bytes, file, kind == ZIP_COMPRESSED);
    return bytes;
}

static void test_values(void) {
    for (int dialect = FIXTURE_PROTOCOL_2; dialect <= FIXTURE_PROTOCOL_4; dialect++)
        for (int parameters = 0; parameters < 2; parameters++)
            for (int kind = 0; kind < CONTAINERS; kind++) {
                fixture_file file = good;
                file.dialect = (fixture_dialect)dialect;
                file.parameters = parameters;
                fixture_bytes bytes = make(&file, (container)kind);
                check_all_values(&bytes);
                fixture_free(&bytes);
            }
}

static void check_refused(const fixture_bytes *bytes, cgv_status status, const char *why) {
    cgv_state_dict dict;
    CU_ASSERT_EQUAL(cgv_pth_parse(&dict, bytes->data, bytes->size, "test"), status);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT(dict.count == 0 && !dict.tensors);
}

static void check_file(const fixture_file *file, cgv_status status, const char *why) {
    for (int kind = 0; kind < CONTAINERS; kind++) {
        fixture_bytes bytes = make(file, (container)kind);
        check_refused(&bytes, status, why);
        fixture_free(&bytes);
    }
}

static void check_tensor(fixture_tensor tensor, const char *why) {
    fixture_file file = good;
    file.tensors = &tensor;
    file.tensor_count = 1;
    for (int dialect = FIXTURE_PROTOCOL_2; dialect <= FIXTURE_PROTOCOL_4; dialect++) {
        file.dialect = (fixture_dialect)dialect;
        check_file(&file, CGV_ERROR_FORMAT, why);
    }
}

static void test_bounds(void) {
    cgv_test_listen();
    check_tensor((fixture_tensor){"x", 0, 1, 1, {24}, {1}}, "'x' reaches beyond");
    check_tensor((fixture_tensor){"x", 0, 24, 0, {0}, {0}}, "beyond");
    check_tensor((fixture_tensor){"x", 0, 0, 2, {2, 2}, {23, 1}}, "beyond");
    check_tensor((fixture_tensor){"x", 0, INT64_MAX, 1, {2}, {1}}, "beyond");
    check_tensor((fixture_tensor){"x", 0, 0, 2, {3, 2}, {INT64_MAX / 2 + 1, 1}}, "beyond");
    check_tensor((fixture_tensor){"x", 0, 0, 2, {2, 2}, {INT64_MAX, 1}}, "beyond");
    check_tensor((fixture_tensor){"x", 0, -1, 1, {2}, {1}}, "no storage");
    check_tensor((fixture_tensor){"x", 0, 23, 1, {2}, {-1}}, "impossible");
    check_tensor((fixture_tensor){"x", 0, 0, 1, {-4}, {1}}, "impossible");
    check_tensor((fixture_tensor){"x", 0, 0, 2, {INT64_MAX, 3}, {1, 1}}, "impossible");
    // Stride 0 asks for much memory from few bytes.
    check_tensor((fixture_tensor){"x", 0, 0, 2, {1 << 20, 1 << 10}, {0, 0}}, "more numbers");
    check_tensor((fixture_tensor){"bad\nname", 0, 0, 1, {1}, {1}}, "printable");
}

static void test_memory_is_bounded(void) {
    cgv_test_listen();
    enum { COPIES = 64 };
    static float zeros[4096];
    fixture_storage storage = {"FloatStorage", zeros, 4096, 4};
    fixture_tensor copies[COPIES];
    static char names[COPIES][16];
    for (int i = 0; i < COPIES; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        copies[i] = (fixture_tensor){names[i], 0, 0, 1, {4096}, {1}};
    }
    fixture_file file = {
        .storages = &storage, .storage_count = 1, .tensors = copies, .tensor_count = COPIES};
    fixture_bytes bytes = make(&file, LEGACY);
    check_refused(&bytes, CGV_ERROR_FORMAT, "more numbers");
    fixture_free(&bytes);
    bytes = make(&file, ZIP);
    check_refused(&bytes, CGV_ERROR_FORMAT, "more numbers");
    fixture_free(&bytes);
    // One tensor, 16 KiB of zeros in some 500 bytes of archive.
    file.tensor_count = 1;
    bytes = make(&file, ZIP_COMPRESSED);
    CU_ASSERT(bytes.size < 2000);
    check_refused(&bytes, CGV_ERROR_FORMAT, "no storage that could be in the file");
    fixture_free(&bytes);
}

static void test_content(void) {
    cgv_test_listen();
    fixture_file file = good;
    file.wrapped = "model_state";
    check_file(&file, CGV_ERROR_UNSUPPORTED, "'epoch', 'model_state'; save the generator's");

    // What is wanted of a checkpoint is the generator's, wherever the others' numbers lie.
    static const char *const wrappers[] = {"state_dict", "params_ema", "params",
                                           "netG",       "G",          "generator"};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        for (int dialect = FIXTURE_PROTOCOL_2; dialect <= FIXTURE_PROTOCOL_4; dialect++)
            for (int kind = 0; kind < CONTAINERS; kind++) {
                file.wrapped = wrappers[i];
                file.dialect = (fixture_dialect)dialect;
                file.aside = 0;
                fixture_bytes bytes = make(&file, (container)kind);
                check_all_values(&bytes);
                fixture_free(&bytes);
                file.aside = TENSORS - 5;
                bytes = make(&file, (container)kind);
                cgv_state_dict dict;
                CU_ASSERT_EQUAL_FATAL(cgv_pth_parse(&dict, bytes.data, bytes.size, "test"), CGV_OK);
                CU_ASSERT_EQUAL(dict.count, 5);
                check_values(&dict, "dense", 3, ramp, 24);
                cgv_state_dict_free(&dict);
                fixture_free(&bytes);
            }
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);

    fixture_tensor twice[] = {tensors[0], tensors[0]};
    file = good;
    file.tensors = twice;
    file.tensor_count = 2;
    file.storage_count = 1;
    check_file(&file, CGV_ERROR_FORMAT, "'dense' twice");

    fixture_storage changed[STORAGES];
    memcpy(changed, storages, sizeof changed);
    changed[0].type = "ComplexFloatStorage";
    file = good;
    file.storages = changed;
    check_file(&file, CGV_ERROR_UNSUPPORTED, "torch.ComplexFloatStorage");
    changed[0].type = "DoubleStorage"; // twice the bytes that are there
    fixture_bytes bytes = make(&file, ZIP);
    check_refused(&bytes, CGV_ERROR_FORMAT, "has 96 bytes instead of 192");
    fixture_free(&bytes);
    bytes = make(&file, LEGACY);
    check_refused(&bytes, CGV_ERROR_FORMAT, "truncated: its storage '0' needs 200 bytes");
    fixture_free(&bytes);

    bytes = make(&good, LEGACY); // storage 0 is the last: its count and 96 bytes
    bytes.data[bytes.size - sizeof ramp - 8]--;
    check_refused(&bytes, CGV_ERROR_FORMAT, "'0' has 23 numbers in one place, 24 in another");
    fixture_free(&bytes);
}

// Every pickle here would run a program if it were loaded by Python.
static void test_nothing_is_executed(void) {
    static const struct {
        const char *pickle, *why;
        cgv_status status;
    } hostile[] = {
        {"\x80\x02"
         "cos\nsystem\nU\x0bkill -9 $$ R.",
         "os.system", CGV_ERROR_UNSUPPORTED},
        {"\x80\x02"
         "cposix\nsystem\n(U\x04trueRtR.",
         "posix.system", CGV_ERROR_UNSUPPORTED},
        {"\x80\x04\x8c\x08"
         "builtins\x8c\x04"
         "eval\x93\x8c\x01"
         "1\x85R.",
         "builtins.eval", CGV_ERROR_UNSUPPORTED},
        {"\x80\x02"
         "ctorch\n_utils._rebuild_tensor_v2\n)R.",
         "torch._utils._rebuild_tensor_v2", CGV_ERROR_UNSUPPORTED},
        {"\x80\x02"
         "ctorch.cuda\nOrderedDict\n)R.",
         "torch.cuda.OrderedDict", CGV_ERROR_UNSUPPORTED},
        {"\x80\x02"
         "ca\x1b[31m\nb\r\n)R.",
         "a?[31m.b?", CGV_ERROR_UNSUPPORTED},
        {"\x80\x02(U\x04trueios\nsystem\n.", "instruction 0x69", CGV_ERROR_FORMAT}, // INST
        {"\x80\x02(cos\nsystem\no.", "os.system", CGV_ERROR_UNSUPPORTED},           // OBJ
        {"\x80\x02(o.", "instruction 0x6f", CGV_ERROR_FORMAT},
        {"\x80\x02)\x81.", "instruction 0x81", CGV_ERROR_FORMAT},    // NEWOBJ
        {"\x80\x02\x82\x01.", "instruction 0x82", CGV_ERROR_FORMAT}, // EXT1
        {"\x80\x02Pabc\n.", "instruction 0x50", CGV_ERROR_FORMAT},   // PERSID
    };
    cgv_test_listen();
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        fixture_bytes pickle = {0}, archive = {0};
        fixture_put(&pickle, hostile[i].pickle, strlen(hostile[i].pickle));
        check_refused(&pickle, hostile[i].status, hostile[i].why);
        fixture_archive(&archive, &(const char *){"archive/data.pkl"}, &pickle, 1, false);
        check_refused(&archive, hostile[i].status, hostile[i].why);
        fixture_free(&pickle);
        fixture_free(&archive);
    }
}

static void check_pickle(const char *text, size_t size, cgv_status status, const char *why) {
    fixture_bytes pickle = {0}, archive = {0};
    fixture_put(&pickle, text, size);
    fixture_archive(&archive, &(const char *){"archive/data.pkl"}, &pickle, 1, false);
    check_refused(&archive, status, why);
    fixture_free(&pickle);
    fixture_free(&archive);
}
#define CHECK_PICKLE(text, status, why) check_pickle(text, sizeof text - 1, status, why)

static void test_damaged_pickles(void) {
    cgv_test_listen();
    CHECK_PICKLE("", CGV_ERROR_FORMAT, "too early");
    CHECK_PICKLE("\x80\x02", CGV_ERROR_FORMAT, "too early");
    CHECK_PICKLE("\x80\x09.", CGV_ERROR_FORMAT, "protocol");
    CHECK_PICKLE("\x80\x02.", CGV_ERROR_FORMAT, "stack is empty");
    CHECK_PICKLE("\x80\x02}}.", CGV_ERROR_FORMAT, "left at its end");
    CHECK_PICKLE("\x80\x02}(.", CGV_ERROR_FORMAT, "stack is empty");
    CHECK_PICKLE("\x80\x02t.", CGV_ERROR_FORMAT, "mark is missing");
    CHECK_PICKLE("\x80\x02}(K\x01K\x02K\x03u.", CGV_ERROR_FORMAT, "no value");
    CHECK_PICKLE("\x80\x02K\x01(K\x02K\x03u.", CGV_ERROR_FORMAT, "wrong type");
    CHECK_PICKLE("\x80\x02}(K\x01s.", CGV_ERROR_FORMAT, "stack is empty");
    CHECK_PICKLE("\x80\x02h\x05.", CGV_ERROR_FORMAT, "memo");
    CHECK_PICKLE("\x80\x02}r\xff\xff\xff\xff.", CGV_ERROR_FORMAT, "memo");
    CHECK_PICKLE("\x80\x02X\xff\xff\xff\xff.", CGV_ERROR_FORMAT, "too early");
    CHECK_PICKLE("\x80\x02"
                 "cname without end",
                 CGV_ERROR_FORMAT, "no end");
    CHECK_PICKLE("\x80\x02K\x07.", CGV_ERROR_UNSUPPORTED, "no state_dict");
    CHECK_PICKLE("\x80\x02}K\x07}s.", CGV_ERROR_UNSUPPORTED, "dictionary of '?'");
    // A dictionary that holds itself.
    CHECK_PICKLE("\x80\x02}q\x00U\x01"
                 "ah\x00s.",
                 CGV_ERROR_UNSUPPORTED, "dictionary of 'a'");

    enum { DEEP = 100, LONG = 1 << 17 };
    char *many = malloc(LONG);
    CU_ASSERT_PTR_NOT_NULL_FATAL(many);
    memset(many, '(', LONG);
    check_pickle(many, DEEP, CGV_ERROR_UNSUPPORTED, "more nested marks");
    memset(many, 'N', LONG);
    check_pickle(many, LONG, CGV_ERROR_UNSUPPORTED, "more stacked values");
    free(many);
}

static void test_damaged_archives(void) {
    cgv_test_listen();
    fixture_bytes archive = {0}, text = {0};
    fixture_put(&text, "hello", 5);
    fixture_archive(&archive, &(const char *){"readme.txt"}, &text, 1, false);
    check_refused(&archive, CGV_ERROR_UNSUPPORTED, "no data.pkl");
    fixture_free(&archive);

    fixture_bytes pickle = {0};
    fixture_pickle(&pickle, &good);
    fixture_archive(&archive, &(const char *){"a/data.pkl"}, &pickle, 1, false);
    check_refused(&archive, CGV_ERROR_FORMAT, "the archive has no");
    fixture_free(&archive);

    const char *names[] = {"a/data.pkl", "a/byteorder"};
    fixture_bytes contents[] = {pickle, {(uint8_t *)"big", 3, 3}};
    fixture_archive(&archive, names, contents, 2, false);
    check_refused(&archive, CGV_ERROR_UNSUPPORTED, "big-endian");
    fixture_free(&archive);
    fixture_free(&pickle);
    fixture_free(&text);

    archive = make(&good, ZIP); // one flipped bit in the numbers: the checksum tells
    uint8_t *at = memmem(archive.data, archive.size, ramp, sizeof ramp);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[40] ^= 1;
    check_refused(&archive, CGV_ERROR_FORMAT, "cannot unpack '0'");
    fixture_free(&archive);
}

static void test_not_torch(void) {
    cgv_test_listen();
    static const char other[] = "\x80\x02}.";
    fixture_bytes bytes = {0};
    fixture_put(&bytes, other, sizeof other - 1);
    check_refused(&bytes, CGV_ERROR_UNSUPPORTED, "not one of torch.save");
    fixture_free(&bytes);
    fixture_put(&bytes, "", 0);
    check_refused(&bytes, CGV_ERROR_FORMAT, "too early");
}

// Every shorter file fails with one message; an exact copy makes ASan see a read beyond its end.
static void test_truncation(void) {
    cgv_test_listen();
    for (int kind = 0; kind < CONTAINERS; kind++) {
        fixture_bytes bytes = make(&good, (container)kind);
        for (size_t size = 0; size < bytes.size; size++) {
            uint8_t *copy = malloc(size ? size : 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
            memcpy(copy, bytes.data, size);
            cgv_state_dict dict;
            CU_ASSERT_NOT_EQUAL(cgv_pth_parse(&dict, copy, size, "test"), CGV_OK);
            CU_ASSERT_EQUAL(cgv_test_messages(), 1);
            free(copy);
        }
        fixture_free(&bytes);
    }
}

// Every byte changed in turn: an error or different numbers, but never a crash or two messages.
static void test_flips(void) {
    cgv_test_listen();
    for (int kind = 0; kind < CONTAINERS; kind++) {
        fixture_bytes bytes = make(&good, (container)kind);
        for (size_t i = 0; i < bytes.size; i++)
            for (int bit = 0; bit < 8; bit += 3) {
                bytes.data[i] ^= (uint8_t)(1 << bit);
                cgv_state_dict dict;
                cgv_status status = cgv_pth_parse(&dict, bytes.data, bytes.size, "test");
                CU_ASSERT_EQUAL(cgv_test_messages(), status != CGV_OK);
                cgv_state_dict_free(&dict);
                bytes.data[i] ^= (uint8_t)(1 << bit);
            }
        fixture_free(&bytes);
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"values", test_values},
        {"bounds", test_bounds},
        {"memory is bounded", test_memory_is_bounded},
        {"content", test_content},
        {"nothing is executed", test_nothing_is_executed},
        {"damaged pickles", test_damaged_pickles},
        {"damaged archives", test_damaged_archives},
        {"not torch", test_not_torch},
        {"truncation", test_truncation},
        {"flipped bits", test_flips},
        {0},
    };
    return cgv_test_run("pth", cases);
}
