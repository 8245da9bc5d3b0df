// The reader and the writer of .safetensors files.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "messages.h"
#include "model/state_dict.h"
#include "model_fixtures.h"
#include "support.h"

static const uint8_t data[64];

static void check_header(const char *header, size_t size, cgv_status status, const char *why) {
    fixture_bytes file = {0};
    cgv_state_dict dict;
    fixture_safetensors(&file, header, data, size);
    CU_ASSERT_EQUAL(cgv_safetensors_parse(&dict, file.data, file.size, "test"), status);
    if (status)
        CU_ASSERT(cgv_test_said(why));
    CU_ASSERT(!status || (dict.count == 0 && !dict.tensors));
    cgv_state_dict_free(&dict);
    fixture_free(&file);
}

// One tensor "a" in `size` bytes of data.
static void check_tensor(const char *body, size_t size, cgv_status status, const char *why) {
    char header[256];
    snprintf(header, sizeof header, "{\"a\":{%s}}", body);
    check_header(header, size, status, why);
}

#define A(shape, begin, end)                                                                       \
    "\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]"

static void test_damaged_tensors(void) {
    cgv_test_listen();
    check_tensor(A("[2,2]", "0", "16"), 16, CGV_OK, NULL);
    check_tensor(A("[]", "0", "4"), 4, CGV_OK, NULL);
    check_tensor(A("[0,9]", "0", "0"), 0, CGV_OK, NULL);
    check_tensor(A("[2,2]", "0", "16"), 15, CGV_ERROR_FORMAT, "beyond the end");
    check_tensor(A("[2,2]", "0", "16"), 17, CGV_ERROR_FORMAT, "belong to no tensor");
    check_tensor(A("[2,2]", "4", "20"), 20, CGV_ERROR_FORMAT, "comes after bytes");
    check_tensor(A("[2,3]", "0", "16"), 16, CGV_ERROR_FORMAT, "does not fit its shape");
    check_tensor(A("[2,2]", "16", "0"), 16, CGV_ERROR_FORMAT, "no range");
    check_tensor(A("[2,2]", "-16", "0"), 16, CGV_ERROR_FORMAT, "no range");
    check_tensor(A("[2,2]", "0", "16,3"), 16, CGV_ERROR_FORMAT, "no range");
    check_tensor(A("[2,2]", "0", "16.0"), 16, CGV_ERROR_FORMAT, "no range");
    check_tensor(A("[2,2]", "0", "9223372036854775807"), 16, CGV_ERROR_FORMAT, "beyond the end");
    check_tensor(A("[-2,-2]", "0", "16"), 16, CGV_ERROR_FORMAT, "impossible");
    check_tensor(A("[4294967296,4294967296]", "0", "0"), 0, CGV_ERROR_FORMAT, "impossible");
    check_tensor(A("[2.0,2]", "0", "16"), 16, CGV_ERROR_FORMAT, "integers");
    check_tensor(A("[1,1,1,1,4]", "0", "16"), 16, CGV_ERROR_FORMAT, "4 dimensions");
    check_tensor(A("4", "0", "16"), 16, CGV_ERROR_FORMAT, "no shape");
    check_tensor("\"shape\":[1],\"data_offsets\":[0,4]", 4, CGV_ERROR_UNSUPPORTED, "number type");
    check_tensor("\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]", 4,
                 CGV_ERROR_UNSUPPORTED, "number type");
    check_tensor("\"dtype\":\"F32\",\"shape\":[1]", 4, CGV_ERROR_FORMAT, "no range");
}

static void test_damaged_headers(void) {
    cgv_test_listen();
    check_header("{}", 0, CGV_OK, NULL);
    check_header("{\"__metadata__\":{\"format\":\"pt\"}}", 0, CGV_OK, NULL);
    check_header("{\"a\":{" A("[2]", "0", "8") "},\"b\":{" A("[2]", "4", "12") "}}", 12,
                 CGV_ERROR_FORMAT, "'b' overlaps");
    check_header("{\"b\":{" A("[2]", "0", "8") "},\"a\":{" A("[2]", "0", "8") "}}", 8,
                 CGV_ERROR_FORMAT, "overlaps");
    check_header("{\"a\":{" A("[2]", "0", "8") "},\"a\":{" A("[2]", "8", "16") "}}", 16,
                 CGV_ERROR_FORMAT, "no JSON");
    check_header("{\"a\\nb\":{" A("[2]", "0", "8") "}}", 8, CGV_ERROR_FORMAT, "printable");
    check_header("{\"\":{" A("[2]", "0", "8") "}}", 8, CGV_ERROR_FORMAT, "empty");
    check_header("{\"a\":7}", 0, CGV_ERROR_FORMAT, "no tensor");
    check_header("{\"a\":", 0, CGV_ERROR_FORMAT, "no JSON");
    check_header("[]", 0, CGV_ERROR_FORMAT, "no JSON");
    check_header("{} x", 0, CGV_ERROR_FORMAT, "no JSON");
    check_header("", 0, CGV_ERROR_FORMAT, "no JSON");
}

static void check_length(uint64_t length, cgv_status status, const char *why) {
    size_t size = 8 + (2 << 20);
    char *file = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    memset(file, ' ', size);
    memcpy(file, &length, 8);
    memcpy(file + 8, "{}", 2);
    cgv_state_dict dict;
    CU_ASSERT_EQUAL(cgv_safetensors_parse(&dict, file, size, "test"), status);
    CU_ASSERT(cgv_test_said(why));
    free(file);
}

static void test_header_lengths(void) {
    cgv_test_listen();
    check_length(UINT64_MAX, CGV_ERROR_FORMAT, "incomplete");
    check_length(UINT64_MAX - 7, CGV_ERROR_FORMAT, "incomplete");
    check_length((2 << 20) + 1, CGV_ERROR_FORMAT, "incomplete");
    check_length(2 << 20, CGV_ERROR_UNSUPPORTED, "a header of");
    check_length(0, CGV_ERROR_FORMAT, "no JSON");
}

static void test_types(void) {
    static const struct {
        const char *type;
        uint8_t bytes[8];
        int size;
        float value;
    } cases[] = {
        {"F32", {0, 0, 0xc0, 0xbf}, 4, -1.5f},
        {"F16", {0, 0xbe}, 2, -1.5f},
        {"BF16", {0xc0, 0xbf}, 2, -1.5f},
        {"F64", {0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, 8, -1.5f},
        {"I64", {3}, 8, 3},
        {"I32", {0xfe, 255, 255, 255}, 4, -2},
        {"I16", {0, 1}, 2, 256},
        {"I8", {255}, 1, -1},
        {"U8", {255}, 1, 255},
        {"BOOL", {1}, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%d]}}", cases[i].type,
                 cases[i].size);
        fixture_bytes file = {0};
        fixture_safetensors(&file, header, cases[i].bytes, (size_t)cases[i].size);
        cgv_state_dict dict;
        CU_ASSERT_EQUAL_FATAL(cgv_safetensors_parse(&dict, file.data, file.size, "test"), CGV_OK);
        CU_ASSERT_EQUAL(dict.tensors[0].data[0], cases[i].value);
        cgv_state_dict_free(&dict);
        fixture_free(&file);
    }
}

static cgv_state_dict sample(void) {
    cgv_state_dict dict = {0};
    cgv_state_tensor *t;
    CU_ASSERT_EQUAL_FATAL(
        cgv_state_dict_add(&dict, &t, "model.1.weight", 4, (int64_t[]){3, 2, 1, 5}, "test"),
        CGV_OK);
    for (size_t i = 0; i < t->count; i++)
        t->data[i] = (float)i / 7;
    CU_ASSERT_EQUAL_FATAL(cgv_state_dict_add(&dict, &t, "quote\"\\é", 0, NULL, "test"), CGV_OK);
    t->data[0] = -0.0f;
    CU_ASSERT_EQUAL_FATAL(cgv_state_dict_add(&dict, &t, "none", 1, (int64_t[]){0}, "test"), CGV_OK);
    return dict;
}

static void *write_sample(size_t *size, cgv_dtype dtype) {
    char dir[] = "/tmp/cgvideo-test-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    char *path = cgv_fs_format("%s/m.safetensors", dir);
    cgv_state_dict dict = sample();
    dict.notes = (cgv_state_notes){"Tag → Nacht", 192, 112};
    CU_ASSERT_EQUAL(cgv_safetensors_write(&dict, path, "resnet_9blocks", dtype), CGV_OK);
    void *file;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&file, size, path, 1 << 20), CGV_OK);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
    cgv_state_dict_free(&dict);
    free(path);
    return file;
}

static void test_round_trip(void) {
    size_t size;
    uint8_t *file = write_sample(&size, CGV_DTYPE_F32);
    uint64_t length;
    memcpy(&length, file, 8);
    CU_ASSERT_EQUAL(length % 8, 0);
    CU_ASSERT_PTR_NOT_NULL(memmem(file, size, "\"format\":\"pt\"", 13));
    CU_ASSERT_PTR_NOT_NULL(memmem(file, size, "\"architecture\":\"resnet_9blocks\"", 31));

    cgv_state_dict wanted = sample(), got;
    CU_ASSERT_EQUAL_FATAL(cgv_safetensors_parse(&got, file, size, "test"), CGV_OK);
    CU_ASSERT_EQUAL(got.count, wanted.count);
    CU_ASSERT_STRING_EQUAL(got.notes.description, "Tag → Nacht");
    CU_ASSERT(got.notes.train_width == 192 && got.notes.train_height == 112);
    for (int i = 0; i < wanted.count; i++) {
        const cgv_state_tensor *w = &wanted.tensors[i];
        const cgv_state_tensor *g = cgv_state_dict_find(&got, w->name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(g);
        CU_ASSERT_EQUAL(g->dims, w->dims);
        CU_ASSERT_EQUAL(memcmp(g->shape, w->shape, sizeof g->shape), 0);
        CU_ASSERT_EQUAL_FATAL(g->count, w->count);
        CU_ASSERT_EQUAL(memcmp(g->data, w->data, w->count * sizeof(float)), 0);
    }
    cgv_state_dict_free(&wanted);
    cgv_state_dict_free(&got);
    free(file);
}

static void test_halves(void) {
    size_t size;
    uint8_t *file = write_sample(&size, CGV_DTYPE_F16);
    CU_ASSERT_PTR_NOT_NULL(memmem(file, size, "\"dtype\":\"F16\"", 13));
    cgv_state_dict wanted = sample(), got;
    CU_ASSERT_EQUAL_FATAL(cgv_safetensors_parse(&got, file, size, "test"), CGV_OK);
    CU_ASSERT_EQUAL(got.count, wanted.count);
    for (int i = 0; i < wanted.count; i++) {
        const cgv_state_tensor *w = &wanted.tensors[i];
        const cgv_state_tensor *g = cgv_state_dict_find(&got, w->name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(g);
        CU_ASSERT_EQUAL_FATAL(g->count, w->count);
        for (size_t j = 0; j < w->count; j++) // 11 bits of mantissa
            CU_ASSERT(fabsf(g->data[j] - w->data[j]) <= fabsf(w->data[j]) / 2048);
    }
    cgv_state_dict_free(&wanted);
    cgv_state_dict_free(&got);
    free(file);
}

// More numbers than are converted at once; the last is the largest half, or rounds beyond it.
static void test_half_range(void) {
    cgv_test_listen();
    char dir[] = "/tmp/cgvideo-test-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    char *path = cgv_fs_format("%s/m.safetensors", dir);
    cgv_state_dict dict = {0}, got;
    cgv_state_tensor *t;
    CU_ASSERT_EQUAL_FATAL(cgv_state_dict_add(&dict, &t, "w", 1, (int64_t[]){5000}, "test"), CGV_OK);
    t->data[4999] = -65519.996f;
    CU_ASSERT_EQUAL(cgv_safetensors_write(&dict, path, NULL, CGV_DTYPE_F16), CGV_OK);
    void *file;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&file, &size, path, 1 << 20), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_safetensors_parse(&got, file, size, "test"), CGV_OK);
    CU_ASSERT_EQUAL(got.tensors[0].data[4999], -65504);
    cgv_state_dict_free(&got);
    free(file);
    CU_ASSERT_EQUAL(unlink(path), 0);
    t->data[4999] = -65520;
    CU_ASSERT_EQUAL(cgv_safetensors_write(&dict, path, NULL, CGV_DTYPE_F16), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("'w' holds -65520, beyond half precision"));
    CU_ASSERT_EQUAL(rmdir(dir), 0); // nothing is left
    cgv_state_dict_free(&dict);
    free(path);
}

// metadata: the JSON value of "__metadata__".
static cgv_state_notes notes_of(const char *metadata) {
    char *header = cgv_fs_format("{\"__metadata__\":%s}", metadata);
    fixture_bytes file = {0};
    cgv_state_dict dict;
    fixture_safetensors(&file, header, data, 0);
    CU_ASSERT_EQUAL(cgv_safetensors_parse(&dict, file.data, file.size, "test"), CGV_OK);
    cgv_state_notes notes = dict.notes;
    cgv_state_dict_free(&dict);
    fixture_free(&file);
    free(header);
    return notes;
}

static void check_description(const char *json, const char *wanted) {
    char *metadata = cgv_fs_format("{\"description\":\"%s\"}", json);
    cgv_state_notes notes = notes_of(metadata);
    CU_ASSERT_STRING_EQUAL(notes.description, wanted);
    free(metadata);
}

static void check_train_size(const char *text, int width, int height) {
    char *metadata = cgv_fs_format("{\"train_size\":\"%s\"}", text);
    cgv_state_notes notes = notes_of(metadata);
    CU_ASSERT(notes.train_width == width && notes.train_height == height);
    free(metadata);
}

static void test_notes(void) {
    static const char *const useless[] = {"7",
                                          "[]",
                                          "null",
                                          "{}",
                                          "{\"description\":{}}",
                                          "{\"description\":7,\"train_size\":[192,112]}"};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        cgv_state_notes notes = notes_of(useless[i]);
        CU_ASSERT(!*notes.description && !notes.train_width && !notes.train_height);
    }
    check_description("day to night", "day to night");
    check_description("a\\nb\\u001b[2Jc\\u007fd\\u009be", "a b [2Jc d e"); // for terminals
    check_train_size("192x112", 192, 112);
    check_train_size("16384x1", 16384, 1);
    static const char *const bad[] = {"",      "192",      "192x",     "x112",  "192x112 ",
                                      "192X9", "0x112",    "192x0",    "-1x-1", "16385x16",
                                      "16x9x", "99999x99", "1e3x1000", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_train_size(bad[i], 0, 0);
}

// A description that is too long is cut between characters.
static void test_long_descriptions(void) {
    char text[3 * CGV_MODEL_DESCRIPTION], wanted[CGV_MODEL_DESCRIPTION];
    const int room = CGV_MODEL_DESCRIPTION - 1;
    for (int shift = 0; shift < 4; shift++) { // so that the cut falls on each byte of a character
        memset(text, 'a', (size_t)shift);
        text[shift] = 0;
        for (int i = 0; i < 100; i++)
            strcat(text, "→");
        int characters = (room - shift) / 3;
        snprintf(wanted, sizeof wanted, "%.*s", shift + 3 * characters, text);
        check_description(text, wanted);
    }
    memset(text, 'a', (size_t)room);
    text[room] = 0;
    check_description(text, text);
}

static void test_write_fails(void) {
    cgv_test_listen();
    cgv_state_dict dict = sample();
    CU_ASSERT_EQUAL(cgv_safetensors_write(&dict, "/nonexistent/m.safetensors", NULL, CGV_DTYPE_F32),
                    CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("/nonexistent"));
    cgv_state_dict_free(&dict);
}

static void test_truncation(void) {
    cgv_test_listen();
    size_t whole;
    uint8_t *file = write_sample(&whole, CGV_DTYPE_F32);
    for (size_t size = 0; size < whole; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        memcpy(copy, file, size);
        cgv_state_dict dict;
        CU_ASSERT_EQUAL(cgv_safetensors_parse(&dict, copy, size, "test"), CGV_ERROR_FORMAT);
        CU_ASSERT_EQUAL(cgv_test_messages(), 1);
        free(copy);
    }
    free(file);
}

static void test_state_dict(void) {
    cgv_test_listen();
    cgv_state_dict dict = sample();
    cgv_state_tensor *t;
    CU_ASSERT_EQUAL(cgv_state_dict_add(&dict, &t, "none", 0, NULL, "test"), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("'none' twice"));
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_EQUAL(cgv_state_dict_add(&dict, &t, "a", 5, (int64_t[]){1, 1, 1, 1, 1}, "test"),
                    CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("5 dimensions"));
    CU_ASSERT_EQUAL(dict.count, 3);
    char name[16];
    cgv_status status = CGV_OK;
    for (int i = 0; i <= CGV_MAX_TENSORS && !status; i++) {
        snprintf(name, sizeof name, "t%d", i);
        status = cgv_state_dict_add(&dict, &t, name, 0, NULL, "test");
    }
    CU_ASSERT_EQUAL(status, CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("4096 tensors"));
    cgv_state_dict_free(&dict);
    CU_ASSERT_EQUAL(dict.count, 0);
    cgv_state_dict_free(NULL);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"damaged tensors", test_damaged_tensors},
        {"damaged headers", test_damaged_headers},
        {"header lengths", test_header_lengths},
        {"types", test_types},
        {"round trip", test_round_trip},
        {"half precision", test_halves},
        {"range of half precision", test_half_range},
        {"metadata", test_notes},
        {"long descriptions", test_long_descriptions},
        {"write fails", test_write_fails},
        {"truncation", test_truncation},
        {"state dictionary", test_state_dict},
        {0},
    };
    return cgv_test_run("safetensors", cases);
}
