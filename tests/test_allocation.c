// Model files when memory runs out, at every allocation in turn: it is told as such, in one
// message, and nothing is kept.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "messages.h"
#include "model/model.h"
#include "model_fixtures.h"
#include "nn/arch.h"
#include "support.h"

// ---- an allocator that fails ----

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static bool armed;
static int left, kept; // allocations that succeed still; those that were not freed
static bool ran_out;

// All after the first that fails do, too, as when memory has really run out.
static bool fails(void) {
    if (armed && left-- <= 0)
        ran_out = true;
    return armed && ran_out;
}

static void *count(void *memory) {
    kept += armed && memory;
    return memory;
}

void *malloc(size_t size) {
    return fails() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t items, size_t size) {
    return fails() ? NULL : count(__libc_calloc(items, size));
}

void *realloc(void *memory, size_t size) {
    if (fails())
        return NULL;
    return memory ? __libc_realloc(memory, size) : count(__libc_malloc(size));
}

void free(void *memory) {
    kept -= armed && memory;
    __libc_free(memory);
}

// ---- what is tried ----

static char folder[] = "/tmp/cgvideo-allocation-XXXXXX";
static char path[64];

static cgv_status try_load(cgv_model *unused) {
    (void)unused;
    cgv_model *model;
    cgv_status status = cgv_model_load(&model, path);
    if (!status != (model != NULL))
        return CGV_ERROR_ARGUMENT; // not what a parser says
    cgv_model_destroy(&model);
    return status;
}

static cgv_status try_save(cgv_model *model) {
    return cgv_model_save(model, path, CGV_MODEL_F32);
}

static cgv_status try_save_onnx(cgv_model *model) {
    return cgv_model_save_onnx(model, path);
}

// What libraries leave to be desired.
enum {
    TAKEN_FOR_DAMAGE = 1, // jansson and libzip do not always tell that they lacked memory
    BLOCK_KEPT = 2,       // libzip 1.7 forgets a block where it lacked the next one
};

// How often it had to be tried until memory sufficed.
static int check(cgv_status (*try)(cgv_model *model), cgv_model *model, const char *what,
                 int libraries) {
    cgv_status status = CGV_ERROR_MEMORY;
    int tries = 0, wrong = 0;
    for (; status && tries < 100000; tries++) {
        cgv_test_listen();
        left = tries;
        kept = 0;
        ran_out = false;
        armed = true;
        status = try(model);
        armed = false;
        int messages = cgv_test_messages();
        // The system says it of fopen's. What does without (a stream without a buffer) may.
        bool told =
            !status || (ran_out && (status == CGV_ERROR_MEMORY || status == CGV_ERROR_IO ||
                                    (libraries & TAKEN_FOR_DAMAGE && status == CGV_ERROR_FORMAT)));
        bool right = told && messages == (status != CGV_OK) &&
                     (kept == 0 || (libraries & BLOCK_KEPT && status && kept == 1));
        if (!right && wrong++ < 5)
            printf("%s, allocation %d: status %d, %d messages, %d blocks kept\n", what, tries,
                   status, messages, kept);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(status, CGV_OK);
    return tries;
}

static cgv_net *tiny(void) {
    cgv_net *net;
    cgv_arch_options options = {.name = "resnet_1blocks", .ngf = 2};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    return net;
}

static void check_bytes(fixture_bytes *bytes, const char *what, int libraries) {
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes->data, bytes->size, 1, file), 1);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT(check(try_load, NULL, what, libraries) > 50);
    CU_ASSERT_EQUAL(unlink(path), 0);
    fixture_free(bytes);
}

static void test_pth(void) {
    cgv_net *net = tiny();
    fixture_model fixture = fixture_from_net(net);
    fixture_bytes legacy = {0}, zip = {0};
    fixture_legacy(&legacy, &fixture.file);
    check_bytes(&legacy, "legacy .pth", 0);
    fixture_zip(&zip, &fixture.file, false);
    check_bytes(&zip, "zipped .pth", TAKEN_FOR_DAMAGE | BLOCK_KEPT);
    fixture_model_free(&fixture);
    cgv_net_destroy(&net);
}

// Written, each time without leaving anything, then read.
static void check_format(cgv_status (*save)(cgv_model *model), const char *what, int libraries) {
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, tiny(), "test"), CGV_OK);
    cgv_arch_init(model->net, model->params, 1);
    CU_ASSERT(check(save, model, what, 0) > 20);
    CU_ASSERT(check(try_load, NULL, what, libraries) > 50);
    CU_ASSERT_EQUAL(unlink(path), 0);
    cgv_model_destroy(&model);
}

static void test_safetensors(void) {
    check_format(try_save, ".safetensors", TAKEN_FOR_DAMAGE);
}

static void test_onnx(void) {
    check_format(try_save_onnx, ".onnx", 0);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {".pth", test_pth},
        {".safetensors", test_safetensors},
        {".onnx", test_onnx},
        {0},
    };
    // libzip asks for it, and the C library keeps what it found.
    setenv("TZ", "UTC0", 1);
    tzset();
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/model", folder);
    int failed = cgv_test_run("allocation", cases);
    return failed | (rmdir(folder) != 0); // fails if a file is left
}
