// What the tests of training pictures from files share: a folder of the test's own, the videos in
// it, and what was said of them.
#ifndef CGV_TESTS_FOOTAGE_H
#define CGV_TESTS_FOOTAGE_H

#include "support.h"
#include "video/frames.h"

// cgv_test_run of the cases, or with the argument "shared" cgv_test_run_shared of those that need
// ../shared/data, while there is the folder; the exit status of main.
int footage_run(int argc, char **argv, const char *suite, const cgv_test_case *cases,
                const cgv_test_case *shared);

extern char footage_folder[];

// The last report, and what else was said since `footage_forget`.
extern char footage_report[512];
extern int footage_errors, footage_warnings;
void footage_forget(void);

// A command in the folder; ends the test where it fails.
__attribute__((format(printf, 1, 2))) void footage_shell(const char *format, ...);

// A video whose frames show their number, as the grey levels of two thirds of the picture; the rest
// is white. `number`: as an expression of ffmpeg, "N".
void footage_make(const char *name, const char *number, int count, const char *codec);

// Open a file or more of the folder: comma-separated, each by its name in there.
cgv_status footage_open(cgv_frames **out, const char *spec, const cgv_frames_params *params);

cgv_bitmap footage_picture(cgv_frames *frames, int index);
const uint8_t *footage_pixel(const cgv_bitmap *b, int x, int y);

// The number that a picture shows.
int footage_number_in(const cgv_bitmap *b);
int footage_number(cgv_frames *frames, int index);

#endif
