// Where a model's name is looked for, and in which order.
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/model_path.h"
#include "base/fs.h"
#include "messages.h"
#include "support.h"

static char root[] = "/tmp/cgvideo-test-XXXXXX"; // HOME and all else; the current folder

static void make_file(const char *path) {
    char command[512];
    snprintf(command, sizeof command, "mkdir -p \"$(dirname %s)\" && echo 1 >%s", path, path);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void check_folders(const char *const *wanted, int count) {
    cgv_model_folders folders;
    CU_ASSERT_EQUAL_FATAL(cgv_model_folders_get(&folders), CGV_OK);
    CU_ASSERT_FATAL(folders.count >= count);
    for (int i = 0; i < count; i++)
        CU_ASSERT_STRING_EQUAL(folders.paths[i], wanted[i]);
    // After those of the environment: of the program's own tree, of the prefix, of the sources.
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    CU_ASSERT_FATAL(length > 0);
    program[length] = 0;
    for (int i = 0; i < 2; i++)
        *strrchr(program, '/') = 0;
    strcat(program, "/share/cgvideo/models");
    CU_ASSERT_EQUAL_FATAL(folders.count, count + 3);
    CU_ASSERT_STRING_EQUAL(folders.paths[count], program);
    CU_ASSERT_STRING_EQUAL(folders.paths[count + 1], "/opt/wibble/share/cgvideo/models");
    CU_ASSERT_STRING_EQUAL(folders.paths[count + 2], "/src/wibble/models");
    cgv_model_folders_free(&folders);
}

static void test_folders(void) {
    setenv("HOME", "/home/x", 1);
    unsetenv("CGVIDEO_MODEL_PATH");
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_DATA_DIRS");
    static const char *const defaults[] = {"/home/x/.local/share/cgvideo/models",
                                           "/usr/local/share/cgvideo/models",
                                           "/usr/share/cgvideo/models"};
    check_folders(defaults, 3);

    // Empty entries and relative ones of XDG are left out, and what was named before.
    setenv("CGVIDEO_MODEL_PATH", ":/m/1::m2:/m/1:", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("XDG_DATA_DIRS", "/d1:d2:/data:/d3", 1);
    static const char *const own[] = {"/m/1", "m2", "/data/cgvideo/models", "/d1/cgvideo/models",
                                      "/d3/cgvideo/models"};
    check_folders(own, 5);

    setenv("CGVIDEO_MODEL_PATH", "", 1);
    setenv("XDG_DATA_HOME", "relative", 1);
    setenv("XDG_DATA_DIRS", "", 1);
    check_folders(defaults, 3);
    unsetenv("HOME");
    check_folders(defaults + 1, 2);
}

static void check_found(const char *name, const char *wanted) {
    char *path;
    CU_ASSERT_EQUAL_FATAL(cgv_model_find(&path, name), CGV_OK);
    CU_ASSERT_STRING_EQUAL(path, wanted);
    free(path);
}

static void check_missing(const char *name, const char *message) {
    char *path;
    CU_ASSERT_EQUAL(cgv_model_find(&path, name), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said(message));
    CU_ASSERT_PTR_NULL(path);
}

static void use_folders(void) {
    char text[512];
    snprintf(text, sizeof text, "%s/one:two", root);
    setenv("CGVIDEO_MODEL_PATH", text, 1);
    snprintf(text, sizeof text, "%s/home", root);
    setenv("XDG_DATA_HOME", text, 1);
    snprintf(text, sizeof text, "%s/dirs", root);
    setenv("XDG_DATA_DIRS", text, 1);
}

// Each file hides those after it.
static void test_order(void) {
    cgv_test_listen();
    use_folders();
    static const char *const files[] = {"net",
                                        "one/net.safetensors",
                                        "one/net",
                                        "two/net.safetensors",
                                        "home/cgvideo/models/net.safetensors",
                                        "dirs/cgvideo/models/net.safetensors"};
    enum { FILES = sizeof files / sizeof *files };
    for (int i = 0; i < FILES; i++)
        make_file(files[i]);
    for (int i = 0; i < FILES; i++) {
        char *wanted = i == 0 || i == 3 ? strdup(files[i]) : cgv_fs_format("%s/%s", root, files[i]);
        check_found("net", wanted);
        free(wanted);
        CU_ASSERT_EQUAL(unlink(files[i]), 0);
    }
    check_missing("net", "no model 'net'");
}

static void test_paths(void) {
    cgv_test_listen();
    use_folders();
    make_file("two/identity.safetensors");
    make_file("two/other.pth");
    make_file("two/sub/net.safetensors");
    check_found("identity", "identity");   // built in
    check_found("./missing", "./missing"); // a path, to be refused by who opens it
    check_found("sub/net", "sub/net");     // so is anything with a slash
    check_found("other.pth", "two/other.pth");
    check_missing("other", "no model 'other'");
    make_file("two/run.safetensors");
    CU_ASSERT_EQUAL(mkdir("run", 0777), 0); // a folder hides no model
    check_found("run", "two/run.safetensors");
    make_file("one/run/file");
    check_found("run", "two/run.safetensors");
}

static void test_message(void) {
    cgv_test_listen();
    use_folders();
    char text[512];
    snprintf(text, sizeof text, "names: %s/one, two, %s/home/cgvideo/models", root, root);
    check_missing("wibble", text);
    check_missing("wibble", "-m FILE");
    check_missing("wibble", "CGVIDEO_MODEL_PATH");
    check_missing("wibble", "put wibble.safetensors into");
    check_missing("wibble.pth", "put wibble.pth into");
    check_missing("wibble.onnx", "put wibble.onnx into");
    check_missing("wibble.pth.old", "put wibble.pth.old.safetensors into");
    char *path;
    CU_ASSERT_EQUAL(cgv_model_find(&path, ""), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("-m needs the name"));
    cgv_model *model;
    CU_ASSERT_EQUAL(cgv_model_open(&model, "wibble", NULL), CGV_ERROR_IO);
    CU_ASSERT_PTR_NULL(model);
    CU_ASSERT(cgv_test_said("no model 'wibble'"));
    CU_ASSERT_EQUAL(cgv_model_open(&model, "identity", NULL), CGV_OK);
    cgv_model_destroy(&model);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"folders", test_folders},
        {"order", test_order},
        {"paths", test_paths},
        {"message", test_message},
        {0},
    };
    if (!mkdtemp(root) || chdir(root))
        return 1;
    int failed = cgv_test_run("model path", cases);
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed;
}
