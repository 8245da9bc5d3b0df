// Agreement with an independent PyTorch reference.
//
// test_oracle DIR…: check the given directories (networks, inputs, forward.bin, as written by the
// reference's `init` and `trace`); exit status 1 if one of them differs. One whose trajectory parts
// from the reference's is run again in double precision, by test_oracle_double, which is this
// program built so (docs/numerics.md); -double DIR…: at once. test_oracle shared: the shared trace.
// Without arguments: the project's own fixture, and that damage is noticed.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "oracle.h"
#include "support.h"

// What is found in a directory. nudge: see oracle.h.
static void run_on(oracle_dir *dir, cgv_device *device, const char *path, float nudge) {
    oracle_open(dir, path);
    dir->nudge = nudge;
    if (!dir->failures)
        oracle_check_forward(dir, device);
    if (!dir->failures)
        oracle_check_training(dir, device);
    oracle_close(dir);
}

#ifdef CGV_ORACLE_DOUBLE // the program in double precision; it has none itself
// Go on as it, with these arguments; the first one is the place of its name. Does not return.
static void become_double(char **arguments) {
    arguments[0] = (char[]){CGV_ORACLE_DOUBLE};
    execv(CGV_ORACLE_DOUBLE, arguments);
    perror(CGV_ORACLE_DOUBLE);
    _exit(1);
}

static bool passes_in_double(const char *path) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (!child)
        become_double((char *[]){NULL, (char *)path, NULL});
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

// A trajectory that parted in float32 is judged in double precision.
static void judge(oracle_dir *dir) {
    printf("  %s: in float32 %d numbers are over their limits; in double precision:\n", dir->path,
           dir->misses);
    if (passes_in_double(dir->path))
        printf("  %s: float32 rounding parted the trajectories (%s); in double within the limits\n",
               dir->path, dir->parted);
    else
        oracle_fail(dir, "%s; and not within the limits in double precision", dir->parted);
}
#endif

// Its failures, judged in double precision if need be.
static int check_on(cgv_device *device, const char *path, float nudge) {
    oracle_dir dir;
    run_on(&dir, device, path, nudge);
#ifdef CGV_ORACLE_DOUBLE
    if (!dir.failures && dir.misses)
        judge(&dir);
    return dir.failures;
#else
    return dir.failures + dir.misses;
#endif
}

static int check(const char *path) {
    return check_on(cgv_test_device(), path, 0);
}

// The numbers that are over this build's own limits.
static int check_here(const char *path) {
    oracle_dir dir;
    run_on(&dir, cgv_test_device(), path, 0);
    return dir.failures + dir.misses;
}

static const char *fixture(void) {
    static char path[4096];
    const char *source = getenv("CGV_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/fixtures/oracle", source ? source : ".");
    return path;
}

static void test_fixture(void) {
    CU_ASSERT_EQUAL(check(fixture()), 0);
}

static void test_shared_trace(void) {
    char *path = cgv_test_shared("oracle/trace_lsgan");
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    CU_ASSERT_EQUAL(check(path), 0);
    free(path);
}

// ---- damage ----

static void copy_file(const char *to, const char *from) {
    void *data;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, from, 1 << 24), CGV_OK);
    FILE *file = fopen(to, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(data, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
    free(data);
}

static void for_each_file(const char *dir,
                          void (*call)(const char *path, const char *name, const char *to),
                          const char *to) {
    DIR *stream = opendir(dir);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[5000];
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        call(path, entry->d_name, to);
    }
    closedir(stream);
}

static void copy_into(const char *path, const char *name, const char *to) {
    char target[5000];
    snprintf(target, sizeof target, "%s/%s", to, name);
    copy_file(target, path);
}

static void remove_one(const char *path, const char *name, const char *to) {
    (void)name;
    (void)to;
    unlink(path);
}

// Change one float of a file by `delta`.
static void change(const char *path, size_t index, float delta) {
    float32 value;
    FILE *file = fopen(path, "r+b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fseek(file, (long)(index * sizeof value), SEEK_SET), 0);
    CU_ASSERT_EQUAL_FATAL(fread(&value, sizeof value, 1, file), 1);
    value += (float32)delta;
    CU_ASSERT_EQUAL(fseek(file, (long)(index * sizeof value), SEEK_SET), 0);
    CU_ASSERT_EQUAL(fwrite(&value, sizeof value, 1, file), 1);
    fclose(file);
}

// Do that to a file of the copied fixture, check that it is noticed, and put the file back.
static void expect_notice(const char *dir, const char *name, size_t index, float delta) {
    char path[5000], original[5000];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(original, sizeof original, "%s/%s", fixture(), name);
    change(path, index, delta);
    CU_ASSERT_NOT_EQUAL(check_here(dir), 0);
    copy_file(path, original);
}

// The same for one number of trace.csv: the loss in column `column` of step 1.
static void expect_notice_of_loss(const char *dir, int column) {
    char path[5000], original[5000], line[1024];
    snprintf(path, sizeof path, "%s/trace.csv", dir);
    snprintf(original, sizeof original, "%s/trace.csv", fixture());
    FILE *in = fopen(original, "r"), *out = fopen(path, "w");
    CU_ASSERT_FATAL(in && out);
    for (int row = 0; fgets(line, sizeof line, in); row++) {
        char *at = line;
        for (int i = 0; i < column && row == 2; i++)
            at = strchr(at, ',') + 1;
        if (row == 2) // a hundredth more
            fprintf(out, "%.*s%.9g%s", (int)(at - line), line, 1.01 * atof(at),
                    at + strcspn(at, ",\n"));
        else
            fputs(line, out);
    }
    fclose(in);
    fclose(out);
    CU_ASSERT_NOT_EQUAL(check_here(dir), 0);
    copy_file(path, original);
}

static void test_damage_is_noticed(void) {
    char dir[] = "/tmp/cgvideo-oracle-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    for_each_file(fixture(), copy_into, dir);
    printf("(failures are expected here)\n");
    CU_ASSERT_EQUAL(check(dir), 0);
    expect_notice(dir, "forward.bin", 5, 0.1f);    // a pixel of G_A(a)
    expect_notice(dir, "G_B.bin", 3, 0.5f);        // a weight
    expect_notice(dir, "inputs_a.bin", 100, 2.0f); // a pixel that goes in
    expect_notice(dir, "latest_net_D_A.pth", 400, 1.0f);
    expect_notice(dir, "grad_G_A.bin", 7, 0.1f);
    expect_notice(dir, "grad_D_B.bin", 11, 0.1f);
    expect_notice(dir, "final_G_B.bin", 20, 0.01f); // where training led
    expect_notice_of_loss(dir, 1);                  // G_A
    expect_notice_of_loss(dir, 8);                  // D_B
    CU_ASSERT_EQUAL(check(dir), 0);
    for_each_file(dir, remove_one, NULL);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

#ifdef CGV_ORACLE_DOUBLE
// What parts in float32 passes if the directory is right, and does not if it is not.
static void test_double_judges(void) {
    const float nudge = 0.05f;
    char dir[] = "/tmp/cgvideo-oracle-XXXXXX", path[5000];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    for_each_file(fixture(), copy_into, dir);
    printf("(failures are expected here)\n");
    CU_ASSERT_EQUAL(check_on(cgv_test_device(), dir, nudge), 0);
    snprintf(path, sizeof path, "%s/final_G_B.bin", dir);
    change(path, 20, 0.01f);
    CU_ASSERT_NOT_EQUAL(check_on(cgv_test_device(), dir, nudge), 0);
    for_each_file(dir, remove_one, NULL);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}
#endif

// The directories of the command line. Never skips: without a device it fails.
static int check_directories(int count, char **paths) {
    cgv_device *device;
    int failures = 0;
    if (cgv_device_create(&device, &(cgv_device_params){.select = getenv("CGV_GPU")}))
        return 1;
    for (int i = 0; i < count; i++) {
        int found = check_on(device, paths[i], 0);
        printf("%s: %s\n", paths[i], found ? "FAILED" : "passed");
        failures += found;
    }
    failures += cgv_device_validation_messages(device);
    cgv_device_destroy(&device);
    return failures != 0;
}

int main(int argc, char **argv) {
    static const cgv_test_case shared[] = {{"the shared trace", test_shared_trace}, {0}};
    if (argc > 1 && !strcmp(argv[1], "shared"))
        return cgv_test_run_shared("oracle: a longer trace", shared, "oracle/trace_lsgan");
#ifdef CGV_ORACLE_DOUBLE
    if (argc > 2 && !strcmp(argv[1], "-double"))
        become_double(argv + 1);
#endif
    if (argc > 1)
        return check_directories(argc - 1, argv + 1);
    static const cgv_test_case cases[] = {
        {"the project's fixture", test_fixture},
        {"damage is noticed", test_damage_is_noticed},
#ifdef CGV_ORACLE_DOUBLE
        {"double precision judges", test_double_judges},
#endif
        {0},
    };
    return cgv_test_run("oracle", cases);
}
