// Training pictures from files: which are taken, and what of them is kept in a cache.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "footage.h"

static void test_sampling(void) {
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    cgv_frames *frames;
    footage_make("a.mp4", "N", 90, "-c:v mpeg4 -bf 2 -g 24 -q:v 2");
    p.target = 6; // at the middles of sixths: frames of 7.5, 22.5 …
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4", &p));
    CU_ASSERT_EQUAL_FATAL(frames->count, 6);
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(footage_number(frames, i), 7 + 15 * i);
    char *name = frames->class->describe(frames, 2);
    CU_ASSERT_STRING_EQUAL(name, "a.mp4 at 1.480 s");
    free(name);
    cgv_frames_destroy(&frames);
    // Over two videos, in proportion to their length.
    footage_make("half.mkv", "N", 45, "-c:v ffv1");
    p.target = 27;
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4,half.mkv", &p));
    CU_ASSERT_EQUAL(frames->count, 27);
    CU_ASSERT(strstr(footage_report, "27 frames of 2 videos") != NULL);
    CU_ASSERT(footage_number(frames, 17) > 80 && footage_number(frames, 18) < 10);
    cgv_frames_destroy(&frames);
    p.target = 0;
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4,half.mkv", &p));
    CU_ASSERT_EQUAL(frames->count, 135);
    cgv_frames_destroy(&frames);
}

static void test_left_out(void) {
    footage_shell(
        "ffmpeg -loglevel error -y -f lavfi -i color=s=96x48:r=25 -frames:v 50 -vf \"geq=lum="
        "'if(between(N,20,29),16,if(between(N,30,39),180,if(lt(X,32),"
        "20+20*if(gt(N,39),N-40,min(N,9)),if(lt(X,64),if(gt(N,39),40,20),235))))'"
        ":cb=128:cr=128\" -c:v ffv1 mixed.mkv");
    cgv_frames *frames;
    CU_ASSERT_FATAL(!footage_open(&frames, "mixed.mkv", NULL));
    CU_ASSERT_EQUAL_FATAL(frames->count, 20);
    CU_ASSERT_STRING_EQUAL(footage_report, "A: 0 pictures, 20 frames of 1 videos; left out: "
                                           "10 near-duplicates, 10 black, 10 flat");
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(footage_number(frames, i), i);
    cgv_frames_destroy(&frames);
    footage_shell(
        "ffmpeg -loglevel error -y -f lavfi -i color=black:s=64x48 -frames:v 9 -c:v ffv1 k.mkv");
    CU_ASSERT_EQUAL(footage_open(&frames, "k.mkv", NULL), CGV_ERROR_FORMAT);
    CU_ASSERT_PTR_NULL(frames);
    CU_ASSERT_EQUAL(footage_errors, 1);
    footage_shell("rm mixed.mkv k.mkv");
}

// Two shots in motion, and how one becomes the other: most frames of that go, and none of the
// shots.
static void check_transition(const char *kind, double seconds) {
    enum { SHOT = 50 };
    const int between = (int)lround(25 * seconds) - 1;
    const int total = 2 * SHOT + (int)lround(25 * seconds);
    cgv_frames *frames;
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    p.target = 0;
    footage_shell(
        "ffmpeg -loglevel error -y -f lavfi -i testsrc2=s=96x64:r=25:d=%g -f lavfi -i "
        "testsrc2=s=96x64:r=25 -filter_complex "
        "\"[0]format=yuv420p[a];[1]vflip,negate,format=yuv420p[b];[a][b]xfade=%s:duration=%g:"
        "offset=2\" "
        "-frames:v %d -c:v ffv1 mixed.mkv",
        2 + seconds, kind, seconds, total);
    CU_ASSERT_FATAL(!footage_open(&frames, "mixed.mkv", &p));
    const char *found = strstr(footage_report, " in transitions");
    CU_ASSERT_FATAL(found != NULL);
    while (found > footage_report && found[-1] >= '0' && found[-1] <= '9')
        found--;
    const int count = atoi(found);
    printf("%s %g s: %d of %d ... ", kind, seconds, count, between);
    CU_ASSERT(count >= 0.6 * between && count <= between);
    int of_shots = 0;
    for (int i = 0; i < frames->count; i++) {
        char *name = frames->class->describe(frames, i);
        double at = atof(strrchr(name, 't') + 1);
        of_shots += at < 2.001 || at > 1.999 + seconds;
        free(name);
    }
    CU_ASSERT_EQUAL(of_shots, total - between);
    cgv_frames_destroy(&frames);
    footage_shell("rm mixed.mkv");
}

static void test_transitions(void) {
    static const double seconds[] = {0.4, 1, 2};
    for (int i = 0; i < 3; i++) {
        check_transition("fade", seconds[i]);
        check_transition("fadeblack", seconds[i]);
        check_transition("fadewhite", seconds[i]);
    }
}

// Pictures of one colour, told apart by it.
static void write_picture(const char *name, int level) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", footage_folder, name);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    fprintf(file, "P6 20 12 255\n");
    for (int i = 0; i < 20 * 12 * 3; i++)
        putc(level, file);
    fclose(file);
}

static void expect_levels(const char *spec, const int *levels, int count) {
    cgv_frames *frames;
    CU_ASSERT_FATAL(!footage_open(&frames, spec, NULL));
    CU_ASSERT_EQUAL_FATAL(frames->count, count);
    for (int i = 0; i < count; i++) {
        cgv_bitmap b = footage_picture(frames, i);
        CU_ASSERT_EQUAL(*footage_pixel(&b, 3, 3), levels[i]);
        cgv_bitmap_free(&b);
    }
    cgv_frames_destroy(&frames);
}

static void test_listing(void) {
    footage_shell("mkdir set set/deeper");
    write_picture("set/b.ppm", 20);
    write_picture("set/a.ppm", 10);
    write_picture("set/c%03d.ppm", 30);
    write_picture("set/d,e.ppm", 40);
    write_picture("set/deeper/z.ppm", 50);
    write_picture("set/[x]*.ppm", 60);
    footage_shell("echo notes >set/notes.txt");
    // All pictures are taken, flat or alike; sorted; no other files, nothing from within.
    expect_levels("set", (int[]){60, 10, 20, 30, 40}, 5);
    expect_levels("set/", (int[]){60, 10, 20, 30, 40}, 5);
    expect_levels("set/?.ppm", (int[]){10, 20}, 2);
    expect_levels("set/b.ppm,set/a.ppm", (int[]){20, 10}, 2);
    expect_levels("set/d,e.ppm", (int[]){40}, 1);
    expect_levels("set/[x]*.ppm", (int[]){60}, 1);
    expect_levels("set/deeper,set/[bc]*.ppm", (int[]){50, 20, 30}, 3);
    // A folder of both, and of damaged ones.
    footage_make("set/v.mkv", "N", 20, "-c:v ffv1");
    footage_shell("head -c 3000 /dev/urandom >set/broken.jpg; : >set/empty.png; echo x >set/w.mp4");
    cgv_frames *frames;
    CU_ASSERT_FATAL(!footage_open(&frames, "set", NULL));
    CU_ASSERT_EQUAL(frames->count, 25);
    CU_ASSERT_EQUAL(footage_errors, 0);
    CU_ASSERT_EQUAL(footage_warnings, 3);
    CU_ASSERT_STRING_EQUAL(footage_report,
                           "A: 5 pictures, 20 frames of 1 videos; left out: 3 unusable files");
    CU_ASSERT_EQUAL(footage_number(frames, 24), 19);
    cgv_frames_destroy(&frames);
    CU_ASSERT_EQUAL(footage_open(&frames, "set/broken.jpg", NULL), CGV_ERROR_FORMAT);
    CU_ASSERT_EQUAL(footage_errors, 1);
    static const char *const nothing[] = {"missing.mp4", "set/*.mov", "set,gone", ""};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(footage_open(&frames, nothing[i], NULL), CGV_ERROR_ARGUMENT);
        CU_ASSERT_EQUAL(footage_errors, 1);
    }
}

// What is filmed from cars has no transitions, fast as it moves and lights up.
static void test_no_transitions(void) {
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    cgv_frames *frames;
    p.target = 0;
    char *clips = cgv_test_shared("data/clips");
    CU_ASSERT_FATAL(clips != NULL);
    footage_forget();
    CU_ASSERT_FATAL(!cgv_frames_open(&frames, "A", (const char *const[]){clips}, 1, &p));
    CU_ASSERT(frames->count > 2500);
    CU_ASSERT(strstr(footage_report, "near-duplicates") && !strstr(footage_report, "transitions"));
    cgv_frames_destroy(&frames);
    free(clips);
}

static void test_cached(void) {
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    cgv_frames *frames;
    struct stat made, again;
    char path[256];
    snprintf(path, sizeof path, "%s/a.frames", footage_folder);
    p.cache = path;
    p.cache_side = 24;
    p.target = 6;
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT_EQUAL_FATAL(frames->count, 8);
    CU_ASSERT(!stat(path, &made));
    for (int i = 0; i < 6; i++) {
        cgv_bitmap b = footage_picture(frames, i);
        CU_ASSERT(b.width == 48 && b.height == 24);
        CU_ASSERT_EQUAL(footage_number_in(&b), 7 + 15 * i);
        cgv_bitmap_free(&b);
    }
    char *name = frames->class->describe(frames, 6);
    CU_ASSERT_STRING_EQUAL(name, "set/a.ppm");
    free(name);
    cgv_frames_destroy(&frames);
    // The same again: used as it is. Another number, or a file that changed: made anew.
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT(strstr(footage_report, "8 pictures from") != NULL);
    CU_ASSERT(!stat(path, &again) && again.st_ino == made.st_ino);
    cgv_frames_destroy(&frames);
    p.target = 7;
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT_EQUAL(frames->count, 9);
    cgv_frames_destroy(&frames);
    footage_shell("touch -d 2001-01-01 set/a.ppm");
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT(strstr(footage_report, "frames of 1 videos") != NULL);
    cgv_frames_destroy(&frames);
    // Stopped, or without anything to put in: the cache that was there stays.
    atomic_bool stop = true;
    p.stop = &stop;
    CU_ASSERT_FATAL(!stat(path, &made));
    CU_ASSERT_EQUAL(footage_open(&frames, "a.mp4", &p), CGV_ERROR_INTERRUPTED);
    p.stop = NULL;
    CU_ASSERT_EQUAL(footage_open(&frames, "set/broken.jpg", &p), CGV_ERROR_FORMAT);
    CU_ASSERT(!stat(path, &again) && again.st_ino == made.st_ino);
}

// The whole of a set of 602 pictures in two files small enough to travel with a source tree.
static void test_cache_size(void) {
    static const char *const sides[] = {"A", "B"};
    static const int counts[] = {309, 293};
    off_t bytes = 0;
    char *set = cgv_test_shared("data/day2night");
    CU_ASSERT_FATAL(set != NULL);
    for (int i = 0; i < 2; i++) {
        cgv_frames_params p = CGV_FRAMES_DEFAULTS;
        cgv_frames *frames;
        struct stat made;
        char path[256];
        char *spec = cgv_fs_format("%s/train%s,%s/test%s", set, sides[i], set, sides[i]);
        CU_ASSERT_FATAL(spec != NULL);
        snprintf(path, sizeof path, "%s/%s.frames", footage_folder, sides[i]);
        p.cache = path;
        p.cache_side = 0;
        CU_ASSERT_FATAL(!cgv_frames_open(&frames, sides[i], (const char *const[]){spec}, 1, &p));
        CU_ASSERT_EQUAL(frames->count, counts[i]);
        CU_ASSERT(!stat(path, &made));
        bytes += made.st_size;
        cgv_frames_destroy(&frames);
        free(spec);
    }
    printf("%.1f MiB ... ", (double)bytes / (1 << 20));
    CU_ASSERT(bytes <= 55 << 20);
    free(set);
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {
        {"sampling", test_sampling},       {"frames left out", test_left_out},
        {"transitions", test_transitions}, {"files, folders, globs", test_listing},
        {"through a cache", test_cached},  {0},
    };
    static const cgv_test_case shared[] = {
        {"size of a cache", test_cache_size}, {"no transitions", test_no_transitions}, {0}};
    return footage_run(argc, argv, "footage_taken", cases, shared);
}
