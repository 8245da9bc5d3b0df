#include "footage.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cgvideo/log.h"

char footage_folder[] = "/tmp/cgv_test_footage_XXXXXX";

char footage_report[512];
int footage_errors, footage_warnings;
static char trouble[512];

static void listen(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    footage_errors += level == CGV_LOG_ERROR;
    footage_warnings += level == CGV_LOG_WARNING;
    snprintf(level == CGV_LOG_INFO ? footage_report : trouble, sizeof footage_report, "%s", text);
}

void footage_forget(void) {
    cgv_log_set(listen, NULL, CGV_LOG_INFO);
    *footage_report = *trouble = 0;
    footage_errors = footage_warnings = 0;
}

void footage_shell(const char *format, ...) {
    char command[2048];
    int used = snprintf(command, sizeof command, "cd %s && ", footage_folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof command - (size_t)used, format, args);
    va_end(args);
    if (system(command)) {
        printf("failed: %s\n", command);
        CU_FAIL_FATAL("a command of the test");
    }
}

cgv_status footage_open(cgv_frames **out, const char *spec, const cgv_frames_params *params) {
    char path[256];
    footage_forget();
    CU_ASSERT_EQUAL_FATAL(chdir(footage_folder), 0);
    snprintf(path, sizeof path, "%s", spec);
    const char *specs[] = {path};
    return cgv_frames_open(out, "A", specs, 1, params);
}

cgv_bitmap footage_picture(cgv_frames *frames, int index) {
    cgv_bitmap b = {0};
    CU_ASSERT_FATAL(!frames->class->read(frames, &b, index));
    return b;
}

const uint8_t *footage_pixel(const cgv_bitmap *b, int x, int y) {
    return b->rgb + 3 * (y * b->width + x);
}

#define LEVELS "'if(lt(X,32),20+20*mod(%s,10),if(lt(X,64),20+20*floor((%s)/10),235))'"

void footage_make(const char *name, const char *number, int count, const char *codec) {
    char filter[256];
    snprintf(filter, sizeof filter, "geq=lum=" LEVELS ":cb=128:cr=128", number, number);
    footage_shell(
        "ffmpeg -loglevel error -y -f lavfi -i color=s=96x48:r=25 -frames:v %d -vf \"%s\" %s %s",
        count, filter, codec, name);
}

int footage_number_in(const cgv_bitmap *b) {
    int digits[2];
    for (int i = 0; i < 2; i++) {
        double luma =
            footage_pixel(b, b->width * (1 + 2 * i) / 6, b->height / 2)[1] * 219 / 255. + 16;
        double digit = (luma - 20) / 20;
        digits[i] = (int)lround(digit);
        CU_ASSERT(fabs(digit - digits[i]) < 0.3);
    }
    return digits[0] + 10 * digits[1];
}

int footage_number(cgv_frames *frames, int index) {
    cgv_bitmap b = footage_picture(frames, index);
    int number = footage_number_in(&b);
    cgv_bitmap_free(&b);
    return number;
}

int footage_run(int argc, char **argv, const char *suite, const cgv_test_case *cases,
                const cgv_test_case *shared) {
    if (system("ffmpeg -version >/dev/null 2>&1")) {
        printf("SKIPPED: no ffmpeg program to make videos with\n");
        return CGV_TEST_SKIP;
    }
    if (!mkdtemp(footage_folder))
        return 1;
    char name[64];
    snprintf(name, sizeof name, "%s: shared data", suite);
    int failed = argc > 1 && !strcmp(argv[1], "shared") ? cgv_test_run_shared(name, shared, "data")
                                                        : cgv_test_run(suite, cases);
    char *command = cgv_fs_format("rm -rf %s", footage_folder);
    failed |= !command || system(command);
    free(command);
    return failed;
}
