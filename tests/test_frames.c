// Training pictures from files: which are found, which frames are taken, and that each is the one
// it says it is. The inputs are made with the ffmpeg program.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "messages.h"
#include "support.h"
#include "video/frames.h"

static char dir[] = "/tmp/cgvideo-frames-XXXXXX";

// Run a shell command in the test's folder.
static bool shell(const char *command) {
    char *line = cgv_fs_format("cd %s && %s", dir, command);
    bool ok = line && !system(line);
    free(line);
    return ok;
}

#define FFMPEG "ffmpeg -v error -nostdin -y "

static cgv_frames *open_specs(const char *specs, int target, const char *cache) {
    cgv_frames *frames = NULL;
    cgv_frames_params params = CGV_FRAMES_DEFAULTS;
    // A spec is a path of the test's folder, or several with commas between.
    char *path = cgv_fs_format("%s/%s", dir, specs);
    const char *one = path;
    params.target = target;
    params.cache = cache;
    params.cache_side = 0;
    CU_ASSERT_EQUAL_FATAL(cgv_frames_open(&frames, "a", &one, 1, &params), CGV_OK);
    free(path);
    return frames;
}

static cgv_bitmap read_frame(cgv_frames *frames, int index) {
    cgv_bitmap picture = {0};
    CU_ASSERT_EQUAL_FATAL(frames->class->read(frames, &picture, index), CGV_OK);
    return picture;
}

// The time in a description like "clip.mp4 at 1.200 s".
static double time_of(cgv_frames *frames, int index) {
    char *text = frames->class->describe(frames, index);
    const char *at = text ? strstr(text, " at ") : NULL;
    double seconds = at ? atof(at + 4) : -1;
    free(text);
    return seconds;
}

// Mean difference (codes) to the frame that ffmpeg shows at this time.
static double difference_to_ffmpeg(const cgv_bitmap *picture, const char *clip, double seconds) {
    void *expected = NULL;
    size_t size = 0, bytes = cgv_bitmap_bytes(picture->width, picture->height);
    char *command =
        cgv_fs_format(FFMPEG "-i %s -vf \"select='gte(t,%.4f)',format=gbrp,format=rgb24\" "
                             "-frames:v 1 -f rawvideo frame.rgb",
                      clip, seconds - 0.001);
    char *path = cgv_fs_format("%s/frame.rgb", dir);
    double sum = INFINITY;
    if (command && path && shell(command) && !cgv_fs_read(&expected, &size, path, 1 << 24) &&
        size == bytes) {
        sum = 0;
        for (size_t i = 0; i < bytes; i++)
            sum += abs(picture->rgb[i] - ((const uint8_t *)expected)[i]);
    }
    free(expected);
    free(command);
    free(path);
    return sum / (double)bytes;
}

static void test_random_access(void) {
    // B-frames and few key frames, as real video has them.
    CU_ASSERT_FATAL(shell(FFMPEG "-f lavfi -i mandelbrot=s=96x64:r=25 -t 4 -pix_fmt yuv420p "
                                 "-c:v libx264 -g 40 -bf 3 -crf 12 -colorspace bt709 "
                                 "-color_range tv clip.mp4"));
    cgv_frames *frames = open_specs("clip.mp4", 20, NULL);
    CU_ASSERT(frames->count >= 15 && frames->count <= 20);
    double last = -1;
    for (int i = 0; i < frames->count; i++) {
        CU_ASSERT(time_of(frames, i) > last);
        last = time_of(frames, i);
    }
    CU_ASSERT(last > 3); // evenly, not only the beginning
    static const int order[] = {9, 2, 14, 0, 13, 2};
    for (int i = 0; i < 6; i++) {
        cgv_bitmap picture = read_frame(frames, order[i]);
        CU_ASSERT_EQUAL(picture.width, 96);
        CU_ASSERT_EQUAL(picture.height, 64);
        double right = difference_to_ffmpeg(&picture, "clip.mp4", time_of(frames, order[i]));
        double other = difference_to_ffmpeg(&picture, "clip.mp4", time_of(frames, order[i] ^ 1));
        if (!(right < 4 && right < other))
            printf("  frame %d: %.1f codes off, its neighbour %.1f\n", order[i], right, other);
        CU_ASSERT(right < 4 && right < other);
        cgv_bitmap_free(&picture);
    }
    cgv_frames_destroy(&frames);
}

static void test_what_is_left_out(void) {
    // A second of black, two of a still picture, two of movement.
    CU_ASSERT_FATAL(
        shell(FFMPEG "-f lavfi -i color=black:s=96x64:r=10:d=1 -f lavfi -i mandelbrot=s=96x64:r=10 "
                     "-f lavfi -i testsrc2=s=96x64:r=10:d=2 -filter_complex "
                     "\"[1]trim=end_frame=1,loop=19:1,setpts=N/10/TB[still];"
                     "[0][still][2]concat=n=3,format=yuv420p\" -c:v libx264 -crf 12 parts.mp4"));
    cgv_frames *frames = open_specs("parts.mp4", 0, NULL);
    int black = 0, still = 0;
    for (int i = 0; i < frames->count; i++) {
        black += time_of(frames, i) < 0.95;
        still += time_of(frames, i) >= 0.95 && time_of(frames, i) < 2.95;
    }
    CU_ASSERT_EQUAL(black, 0);
    CU_ASSERT_EQUAL(still, 1);
    CU_ASSERT(frames->count > 5);
    cgv_frames_destroy(&frames);
}

static void test_folder(void) {
    CU_ASSERT_FATAL(shell("mkdir mixed && cp clip.mp4 mixed/z.mp4 && " FFMPEG
                          "-f lavfi -i testsrc2=s=40x30:r=1:d=3 mixed/p%d.png && "
                          "echo broken > mixed/broken.jpg && echo text > mixed/notes.txt"));
    cgv_frames *frames = open_specs("mixed", 10, NULL);
    CU_ASSERT(frames->count > 3 + 5 && frames->count <= 3 + 10);
    cgv_bitmap picture = read_frame(frames, 0);
    CU_ASSERT_EQUAL(picture.width, 40);
    cgv_bitmap_free(&picture);
    cgv_frames_destroy(&frames);

    frames = open_specs("mixed/p*.png", 10, NULL);
    CU_ASSERT_EQUAL(frames->count, 3);
    cgv_frames_destroy(&frames);
}

static void test_cache(void) {
    char *cache = cgv_fs_format("%s/a.frames", dir);
    cgv_frames *direct = open_specs("mixed", 10, NULL), *cached = open_specs("mixed", 10, cache);
    CU_ASSERT_EQUAL_FATAL(cached->count, direct->count);
    for (int i = 0; i < direct->count; i += 3) {
        cgv_bitmap a = read_frame(direct, i), b = read_frame(cached, i);
        double sum = 0;
        size_t bytes = cgv_bitmap_bytes(a.width, a.height);
        CU_ASSERT_FATAL(a.width == b.width && a.height == b.height);
        for (size_t k = 0; k < bytes; k++)
            sum += abs(a.rgb[k] - b.rgb[k]);
        CU_ASSERT(sum / (double)bytes < 6); // JPEG
        cgv_bitmap_free(&a);
        cgv_bitmap_free(&b);
    }
    cgv_frames_destroy(&direct);
    cgv_frames_destroy(&cached);
    free(cache);
}

static void test_nothing(void) {
    cgv_frames *frames = NULL;
    cgv_test_listen();
    const char *spec = "/nowhere/at/all";
    CU_ASSERT_NOT_EQUAL(cgv_frames_open(&frames, "a", &spec, 1, NULL), CGV_OK);
    CU_ASSERT(cgv_test_said("/nowhere/at/all"));
    CU_ASSERT_PTR_NULL(frames);
    CU_ASSERT_FATAL(shell("mkdir empty && echo broken > empty/broken.png"));
    char *path = cgv_fs_format("%s/empty", dir);
    spec = path;
    CU_ASSERT_NOT_EQUAL(cgv_frames_open(&frames, "a", &spec, 1, NULL), CGV_OK);
    free(path);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"random access", test_random_access},
        {"black, still and repeated frames", test_what_is_left_out},
        {"folders and globs", test_folder},
        {"cache", test_cache},
        {"nothing to train on", test_nothing},
        {0},
    };
    if (system("ffmpeg -version >/dev/null 2>&1")) {
        puts("SKIPPED: no ffmpeg program to make videos with");
        return CGV_TEST_SKIP;
    }
    if (!mkdtemp(dir))
        return 1;
    int failed = cgv_test_run("frames", cases);
    char *clean = cgv_fs_format("rm -r %s", dir);
    failed |= !clean || system(clean);
    free(clean);
    return failed;
}
