// The GPU layer: devices, memory, command lists, the pipeline cache.
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cgvideo/log.h"
#include "ops/ops.h"
#include "support.h"

static cgv_status open_device(cgv_device **device, const char *select, const char *cache_dir) {
    return cgv_device_create(device,
                             &(cgv_device_params){.select = select, .cache_dir = cache_dir});
}

static void close_device(cgv_device **device) {
    CU_ASSERT_EQUAL(cgv_device_validation_messages(*device), 0);
    cgv_device_destroy(device);
    CU_ASSERT_PTR_NULL(*device);
}

static void create_buffer(cgv_buffer *buffer, uint64_t size, cgv_memory kind) {
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_create(buffer, cgv_test_device(), size, kind, "test"), CGV_OK);
}

// ---- devices ----

static void test_device_list(void) {
    cgv_test_device(); // skips where there is none
    cgv_device_info *list;
    int count, usable = 0;
    CU_ASSERT_EQUAL_FATAL(cgv_device_list(&list, &count), CGV_OK);
    CU_ASSERT(count >= 1);
    for (int i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(list[i].index, i);
        CU_ASSERT(list[i].name[0] && list[i].driver[0]);
        CU_ASSERT_EQUAL(strspn(list[i].uuid, "0123456789abcdef"), 32);
        CU_ASSERT_EQUAL(strlen(list[i].uuid), 32);
        CU_ASSERT_EQUAL(list[i].usable, !list[i].lacks[0]);
        usable += list[i].usable;
        if (list[i].usable) {
            CU_ASSERT(list[i].subgroup >= 4 && list[i].memory > 0);
        }
    }
    CU_ASSERT(usable >= 1);
    cgv_device_list_free(&list);
    CU_ASSERT_PTR_NULL(list);
    cgv_device_list_free(&list);
}

static void expect_selected(const char *select, const cgv_device_info *wanted) {
    cgv_device *device;
    CU_ASSERT_EQUAL_FATAL(open_device(&device, select, ""), CGV_OK);
    const cgv_device_info *info = cgv_device_get_info(device);
    CU_ASSERT_EQUAL(info->index, wanted->index);
    CU_ASSERT_STRING_EQUAL(info->uuid, wanted->uuid);
    CU_ASSERT_STRING_EQUAL(info->name, wanted->name);
    close_device(&device);
}

static void test_selection(void) {
    const cgv_device_info *info = cgv_device_get_info(cgv_test_device());
    char index[16], part[8];
    snprintf(index, sizeof index, "%d", info->index);
    expect_selected(index, info);
    expect_selected(info->uuid, info);
    // By name and by a part of it, in any case: the first of several alike.
    cgv_device *device;
    snprintf(part, sizeof part, "%.6s", info->name);
    for (char *c = part; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    const char *names[] = {info->name, part};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(open_device(&device, names[i], ""), CGV_OK);
        CU_ASSERT(!strncasecmp(cgv_device_get_info(device)->name, part, strlen(part)));
        close_device(&device);
    }
}

static void test_default_is_the_best(void) {
    cgv_device_info *list;
    int count;
    cgv_device *device;
    cgv_test_device();
    CU_ASSERT_EQUAL_FATAL(cgv_device_create(&device, NULL), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_device_list(&list, &count), CGV_OK);
    for (int i = 0; i < count; i++)
        CU_ASSERT(!list[i].usable || cgv_device_get_info(device)->type <= list[i].type);
    cgv_device_list_free(&list);
    close_device(&device);
}

static void test_bad_selection(void) {
    static const char *const bad[] = {"99", "no such device", "00000000000000000000000000000000",
                                      "-1", "0x0"};
    cgv_test_device();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cgv_device *device = cgv_test_device(); // to be overwritten
        CU_ASSERT_EQUAL(open_device(&device, bad[i], ""), CGV_ERROR_DEVICE);
        CU_ASSERT_PTR_NULL(device);
    }
    cgv_device *none = NULL;
    cgv_device_destroy(&none);
    cgv_device_destroy(NULL);
    cgv_device_list_free(NULL);
    cgv_cmd_destroy(NULL);
}

static void test_limits(void) {
    const cgv_limits *limits = cgv_device_limits(cgv_test_device());
    const cgv_device_info *info = cgv_device_get_info(cgv_test_device());
    CU_ASSERT_EQUAL(limits->subgroup, info->subgroup);
    CU_ASSERT(limits->workgroup >= 128);
    CU_ASSERT(limits->groups[0] >= 65535 && limits->groups[1] >= 65535 &&
              limits->groups[2] >= 65535);
    CU_ASSERT(limits->shared_bytes >= 16384);
    CU_ASSERT(limits->allocation >= 1 << 30);
    CU_ASSERT_EQUAL(limits->cpu, info->type == CGV_DEVICE_CPU);
}

// ---- memory ----

// staged: hide from the layer that the host can see the memory, as it cannot on most devices.
static void test_buffer_bytes(cgv_memory kind, bool staged) {
    static const uint64_t ranges[][2] = {{0, 1}, {1, 1}, {3, 7}, {4095, 2}, {5, 4096}, {99990, 11}};
    static uint8_t expected[100001], got[100001];
    cgv_buffer buffer;
    create_buffer(&buffer, sizeof expected, kind);
    CU_ASSERT_EQUAL(buffer.size, sizeof expected);
    CU_ASSERT(buffer.address != 0 && buffer.address % 256 == 0);
    CU_ASSERT(kind == CGV_MEMORY_DEVICE || buffer.host);
    buffer.host = staged ? NULL : buffer.host;
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = (uint8_t)(i * 31 >> 3);
    CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, 0, expected, sizeof expected), CGV_OK);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t offset = ranges[i][0], size = ranges[i][1];
        memset(expected + offset, 0xa0 + (int)i, size);
        CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, offset, expected + offset, size), CGV_OK);
        CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, offset, got, size), CGV_OK);
        CU_ASSERT(!memcmp(got, expected + offset, size));
    }
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, 0, got, sizeof got), CGV_OK);
    CU_ASSERT(!memcmp(got, expected, sizeof got));
    CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, 1, expected, sizeof expected), CGV_ERROR_ARGUMENT);
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, sizeof got, got, 1), CGV_ERROR_ARGUMENT);
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, UINT64_MAX, got, 2), CGV_ERROR_ARGUMENT);
    cgv_buffer_destroy(&buffer);
    CU_ASSERT_PTR_NULL(buffer.impl);
    cgv_buffer_destroy(&buffer);
}

static void test_buffers(void) {
    test_buffer_bytes(CGV_MEMORY_DEVICE, false);
    test_buffer_bytes(CGV_MEMORY_DEVICE, true);
    test_buffer_bytes(CGV_MEMORY_UPLOAD, false);
    test_buffer_bytes(CGV_MEMORY_READBACK, false);
    cgv_buffer_destroy(NULL);
}

static void test_large_buffer(void) {
    cgv_buffer buffer;
    CU_ASSERT_EQUAL(
        cgv_buffer_create(&buffer, cgv_test_device(), 1ull << 60, CGV_MEMORY_DEVICE, "too much"),
        CGV_ERROR_DEVICE_MEMORY);
    CU_ASSERT_PTR_NULL(buffer.impl);
}

// More than one piece of the staging memory.
static void test_long_transfer(void) {
    size_t size = (33u << 20) + 5;
    uint8_t *data = malloc(size), *got = calloc(size, 1);
    cgv_buffer buffer;
    CU_ASSERT_FATAL(data && got);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    create_buffer(&buffer, size, CGV_MEMORY_DEVICE);
    buffer.host = NULL; // as above
    CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, 0, data, size), CGV_OK);
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, 0, got, size), CGV_OK);
    CU_ASSERT(!memcmp(data, got, size));
    cgv_buffer_destroy(&buffer);
    free(data);
    free(got);
}

// ---- command lists ----

static void test_fill_and_copy(void) {
    cgv_buffer a, b;
    cgv_cmd *cmd;
    uint32_t words[64];
    create_buffer(&a, 256, CGV_MEMORY_DEVICE);
    create_buffer(&b, 256, CGV_MEMORY_DEVICE);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), false), CGV_OK);
    CU_ASSERT_PTR_EQUAL(cgv_cmd_device(cmd), cgv_test_device());
    cgv_cmd_begin(cmd);
    cgv_cmd_fill(cmd, &a, 0, 256, 0xaaaaaaaa);
    cgv_cmd_fill(cmd, &b, 0, 256, 0xbbbbbbbb);
    cgv_cmd_fill(cmd, &a, 12, 8, 0xcccccccc);
    cgv_cmd_copy(cmd, &b, 252, &a, 12, 4);
    cgv_cmd_copy(cmd, &b, 4, &a, 16, 20);
    CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_OK);
    CU_ASSERT_EQUAL(cgv_buffer_read(&b, 0, words, sizeof words), CGV_OK);
    for (int i = 0; i < 64; i++)
        CU_ASSERT_EQUAL(words[i], i == 1 || i == 63  ? 0xcccccccc
                                  : i >= 2 && i <= 5 ? 0xaaaaaaaa
                                                     : 0xbbbbbbbb);
    cgv_cmd_destroy(&cmd);
    CU_ASSERT_PTR_NULL(cmd);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&a);
    cgv_buffer_destroy(&b);
}

// y += x, `count` numbers each: y at the start of the buffer, x behind it.
static void record_accumulate(cgv_cmd *cmd, const cgv_buffer *buffer, int count) {
    cgv_tensor y = {buffer->address, 1, 1, 1, count};
    cgv_tensor x = {buffer->address + cgv_tensor_bytes(y), 1, 1, 1, count};
    cgv_cmd_begin(cmd);
    cgv_add(cmd, y, y, x);
}

static void test_submitted_again(void) {
    enum { COUNT = 1000 };
    float data[2 * COUNT];
    cgv_buffer buffer;
    cgv_cmd *cmd, *other;
    for (int i = 0; i < COUNT; i++) {
        data[i] = 0;
        data[COUNT + i] = (float)i;
    }
    create_buffer(&buffer, sizeof data, CGV_MEMORY_DEVICE);
    CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, 0, data, sizeof data), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), false), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&other, cgv_test_device(), false), CGV_OK);
    record_accumulate(cmd, &buffer, COUNT);
    record_accumulate(other, &buffer, COUNT);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_end(cmd), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_end(other), CGV_OK);
    CU_ASSERT_EQUAL(cgv_cmd_wait(cmd), CGV_OK); // nothing to wait for
    for (int i = 0; i < 3; i++) {
        // The second starts while the first may be running; they touch the same memory.
        CU_ASSERT_EQUAL(cgv_cmd_submit(cmd), CGV_OK);
        CU_ASSERT_EQUAL(cgv_cmd_submit(other), CGV_OK);
        CU_ASSERT_EQUAL(cgv_cmd_wait(cmd), CGV_OK);
        CU_ASSERT_EQUAL(cgv_cmd_wait(other), CGV_OK);
    }
    CU_ASSERT_EQUAL(cgv_cmd_submit(cmd), CGV_OK);
    cgv_cmd_destroy(&cmd); // waits
    cgv_cmd_destroy(&other);
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, 0, data, sizeof data), CGV_OK);
    for (int i = 0; i < COUNT; i++)
        CU_ASSERT_EQUAL(data[i], 7 * (float)i);
    cgv_buffer_destroy(&buffer);
}

// Dispatches that must be refused before their shader is looked at.
static void test_errors_stick(void) {
    static const cgv_shader no_shader = {"test", NULL, 0};
    const cgv_limits *limits = cgv_device_limits(cgv_test_device());
    const cgv_dispatch good = {.shader = &no_shader, .local = {1, 1}, .groups = {1, 1, 1}};
    cgv_dispatch bad[5] = {good, good, good, good, good};
    bad[0].groups[0] = limits->groups[0] + 1; // or 0, where there is no limit
    bad[1].groups[2] = 0;
    bad[2].local[0] = limits->workgroup + 1;
    bad[3].push_bytes = CGV_MAX_PUSH + 1;
    bad[4].spec_count = CGV_MAX_SPEC + 1;
    cgv_buffer buffer;
    cgv_cmd *cmd;
    uint32_t word = 1;
    create_buffer(&buffer, 4, CGV_MEMORY_DEVICE);
    CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, 0, &word, 4), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), false), CGV_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cgv_cmd_begin(cmd);
        cgv_cmd_dispatch(cmd, &bad[i]);
        cgv_cmd_fill(cmd, &buffer, 0, 4, 2);
        cgv_cmd_dispatch(cmd, &good); // passed over, like all that follows an error
        CU_ASSERT_EQUAL(cgv_cmd_end(cmd), CGV_ERROR_UNSUPPORTED);
        CU_ASSERT_EQUAL(cgv_cmd_end(cmd), CGV_ERROR_UNSUPPORTED);
        CU_ASSERT_EQUAL(cgv_cmd_submit(cmd), CGV_ERROR_UNSUPPORTED);
        CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_ERROR_UNSUPPORTED);
        CU_ASSERT_EQUAL(cgv_cmd_wait(cmd), CGV_OK);
    }
    cgv_cmd_begin(cmd);
    cgv_cmd_fail(cmd, CGV_ERROR_NUMERIC);
    cgv_cmd_dispatch(cmd, &bad[0]);
    cgv_cmd_fail(cmd, CGV_ERROR_IO);
    CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_ERROR_NUMERIC); // the first
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, 0, &word, 4), CGV_OK);
    CU_ASSERT_EQUAL(word, 1);
    cgv_cmd_begin(cmd); // forgets it
    cgv_cmd_fill(cmd, &buffer, 0, 4, 3);
    CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_OK);
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, 0, &word, 4), CGV_OK);
    CU_ASSERT_EQUAL(word, 3);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&buffer);
}

static void test_profile(void) {
    enum { COUNT = 100000 };
    cgv_buffer buffer;
    cgv_cmd *cmd;
    const cgv_profile_entry *entries;
    int count;
    create_buffer(&buffer, 2 * COUNT * sizeof(float), CGV_MEMORY_DEVICE);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), true), CGV_OK);
    for (int run = 0; run < 2; run++) {
        record_accumulate(cmd, &buffer, COUNT);
        cgv_tensor y = {buffer.address, 1, 1, 1, COUNT};
        cgv_activation_apply(cmd, y, y, CGV_ACT_TANH, 0);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_run(cmd), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_profile(cmd, &entries, &count), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(count, 2);
        double sum = 0;
        for (int i = 0; i < count; i++) {
            CU_ASSERT(entries[i].label && entries[i].label[0]);
            CU_ASSERT(entries[i].ms >= 0 && entries[i].ms < 10000);
            sum += entries[i].ms;
        }
        CU_ASSERT(sum > 0);
    }
    cgv_cmd_destroy(&cmd);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, cgv_test_device(), false), CGV_OK);
    record_accumulate(cmd, &buffer, COUNT);
    CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_OK);
    CU_ASSERT_EQUAL(cgv_cmd_profile(cmd, &entries, &count), CGV_ERROR_UNSUPPORTED);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&buffer);
}

// ---- several devices, and the cache ----

// The first number of 1 + 2 computed there.
static float compute(cgv_device *device) {
    float data[2] = {1, 2};
    cgv_buffer buffer;
    cgv_cmd *cmd;
    CU_ASSERT_EQUAL_FATAL(
        cgv_buffer_create(&buffer, device, sizeof data, CGV_MEMORY_DEVICE, "test"), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, device, false), CGV_OK);
    CU_ASSERT_EQUAL(cgv_buffer_write(&buffer, 0, data, sizeof data), CGV_OK);
    record_accumulate(cmd, &buffer, 1);
    CU_ASSERT_EQUAL(cgv_cmd_run(cmd), CGV_OK);
    CU_ASSERT_EQUAL(cgv_buffer_read(&buffer, 0, data, sizeof data), CGV_OK);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&buffer);
    return data[0];
}

static void test_two_devices(void) {
    cgv_device *a, *b;
    CU_ASSERT_EQUAL_FATAL(open_device(&a, getenv("CGV_GPU"), ""), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(open_device(&b, getenv("CGV_GPU"), ""), CGV_OK);
    CU_ASSERT_EQUAL(compute(a), 3);
    CU_ASSERT_EQUAL(compute(b), 3);
    close_device(&a);
    CU_ASSERT_EQUAL(compute(b), 3);
    close_device(&b);
    CU_ASSERT_EQUAL(compute(cgv_test_device()), 3);
}

static int damage_reports;

static void watch_messages(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    damage_reports += strstr(text, "damaged") != NULL;
    if (level <= CGV_LOG_WARNING)
        fprintf(stderr, "  %s\n", text);
}

// The only file in a directory, or NULL; free() it.
static char *only_file(const char *dir) {
    DIR *d = opendir(dir);
    char *path = NULL;
    int files = 0;
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        if (e->d_name[0] != '.' && !files++)
            path = cgv_fs_format("%s/%s", dir, e->d_name);
    if (d)
        closedir(d);
    if (files == 1)
        return path;
    free(path);
    return NULL;
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(data, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

// Open a device with this cache and use it; how often a damaged cache was reported.
static int use_cache(const char *dir) {
    cgv_device *device;
    damage_reports = 0;
    CU_ASSERT_EQUAL_FATAL(open_device(&device, getenv("CGV_GPU"), dir), CGV_OK);
    CU_ASSERT_EQUAL(compute(device), 3);
    close_device(&device);
    return damage_reports;
}

static void test_pipeline_cache(void) {
    char dir[] = "/tmp/cgvideo-test-XXXXXX";
    uint8_t *data;
    size_t size;
    cgv_test_device();
    cgv_log_set(watch_messages, NULL, CGV_LOG_VERBOSE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    CU_ASSERT_EQUAL(use_cache(dir), 0);
    char *path = only_file(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read((void **)&data, &size, path, 1 << 28), CGV_OK);
    CU_ASSERT_FATAL(size > 16);
    CU_ASSERT_EQUAL(use_cache(dir), 0); // whole
    const size_t kept[] = {size, size / 2, 9, 3, 0};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        data[kept[i] ? kept[i] - 1 : 0] ^= 1;
        write_file(path, data, kept[i]);
        data[kept[i] ? kept[i] - 1 : 0] ^= 1;
        CU_ASSERT_EQUAL(use_cache(dir), kept[i] > 8); // too short to carry its checksum: silent
        CU_ASSERT_EQUAL(use_cache(dir), 0);           // replaced by a whole one
    }
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(rmdir(dir), 0);     // fails if anything is left beside the cache
    CU_ASSERT_EQUAL(use_cache(dir), 0); // a directory that is not there
    CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
    free(path);
    free(data);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"devices: list", test_device_list},
        {"devices: selection", test_selection},
        {"devices: default", test_default_is_the_best},
        {"devices: bad selection", test_bad_selection},
        {"devices: limits", test_limits},
        {"buffers: odd sizes and offsets", test_buffers},
        {"buffers: too large", test_large_buffer},
        {"buffers: long transfers", test_long_transfer},
        {"commands: fill and copy", test_fill_and_copy},
        {"commands: submitted again", test_submitted_again},
        {"commands: errors stick", test_errors_stick},
        {"commands: profile", test_profile},
        {"two devices at once", test_two_devices},
        {"pipeline cache", test_pipeline_cache},
        {0},
    };
    return cgv_test_run("gpu", cases);
}
