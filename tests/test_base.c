// Random numbers and files.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/rng.h"
#include "support.h"

static void test_rng_known_sequence(void) {
    // The reference implementation's demo: seed 42, stream 54.
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                        0x83d2f293, 0xbfa4784b, 0xcbed606e};
    cgv_rng rng;
    cgv_rng_seed(&rng, 42, 54);
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(cgv_rng_u32(&rng), expected[i]);
}

static void test_rng_distributions(void) {
    cgv_rng rng;
    cgv_rng_seed(&rng, 1, 1);
    double sum = 0, squares = 0;
    int count[7] = {0};
    enum { N = 70000 };
    for (int i = 0; i < N; i++) {
        double x = cgv_rng_normal(&rng);
        sum += x;
        squares += x * x;
        count[cgv_rng_below(&rng, 7)]++;
    }
    CU_ASSERT(fabs(sum / N) < 0.02);
    CU_ASSERT(fabs(squares / N - 1) < 0.02);
    for (int i = 0; i < 7; i++)
        CU_ASSERT(abs(count[i] - N / 7) < 400);
}

static void test_writer_is_atomic(void) {
    char dir[] = "/tmp/cgvideo-test-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    char *path = cgv_fs_format("%s/file", dir);
    cgv_fs_writer writer;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_writer_open(&writer, path), CGV_OK);
    fputs("half", writer.file);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    cgv_fs_writer_abort(&writer);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);

    CU_ASSERT_EQUAL_FATAL(cgv_fs_writer_open(&writer, path), CGV_OK);
    fputs("whole", writer.file);
    CU_ASSERT_EQUAL(cgv_fs_writer_commit(&writer), CGV_OK);
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 100), CGV_OK);
    CU_ASSERT_EQUAL(size, 5);
    CU_ASSERT_EQUAL(memcmp(data, "whole", 5), 0);
    free(data);
    CU_ASSERT_NOT_EQUAL(cgv_fs_read(&data, &size, path, 4), CGV_OK);

    unlink(path);
    CU_ASSERT_EQUAL(rmdir(dir), 0); // fails if a partial file is left
    free(path);
}

static void test_read_regular_files_only(void) {
    char dir[] = "/tmp/cgvideo-test-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    char *path = cgv_fs_format("%s/pipe", dir);
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(cgv_fs_read(&data, &size, path, 100), CGV_ERROR_IO); // and does not wait
    CU_ASSERT_EQUAL(cgv_fs_read(&data, &size, dir, 100), CGV_ERROR_IO);
    CU_ASSERT_EQUAL(cgv_fs_read(&data, &size, "/nonexistent", 100), CGV_ERROR_IO);
    unlink(path);
    rmdir(dir);
    free(path);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"rng: known sequence", test_rng_known_sequence},
        {"rng: distributions", test_rng_distributions},
        {"writer: whole or not at all", test_writer_is_atomic},
        {"reading: regular files only", test_read_regular_files_only},
        {0},
    };
    return cgv_test_run("base", cases);
}
