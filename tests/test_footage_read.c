// Training pictures from files: random access finds the right frames, whole, upright and in their
// colours.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "footage.h"
#include "train/jpeg.h"

static void test_random_access(void) {
    // B frames, long groups, and containers that are sought in differently; no timestamps at all.
    static const char *const files[][2] = {
        {"a.mp4", "-c:v mpeg4 -bf 2 -g 24 -q:v 2"},      {"b.mkv", "-c:v mpeg4 -bf 2 -g 24 -q:v 2"},
        {"c.ts", "-c:v mpeg2video -bf 2 -g 15 -q:v 2"},  {"d.avi", "-c:v mpeg4 -g 24 -q:v 2"},
        {"e.m2v", "-c:v mpeg2video -bf 2 -g 15 -q:v 2"}, {"f.mov", "-c:v mjpeg -q:v 2"},
    };
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        footage_make(files[f][0], "N", 90, files[f][1]);
        cgv_frames *frames;
        CU_ASSERT_FATAL(!footage_open(&frames, files[f][0], NULL));
        CU_ASSERT_EQUAL(frames->count, 90);
        CU_ASSERT_EQUAL(footage_errors + footage_warnings, 0);
        cgv_rng rng;
        cgv_rng_seed(&rng, 3, 1);
        for (int i = 0; i < 40; i++) {
            int index = (int)cgv_rng_below(&rng, (uint32_t)frames->count);
            CU_ASSERT_EQUAL(footage_number(frames, index), index);
        }
        for (int i = 80; i < 90; i++)
            CU_ASSERT_EQUAL(footage_number(frames, i), i);
        cgv_frames_destroy(&frames);
        if (f)
            footage_shell("rm %s", files[f][0]);
    }
}

// Interlaced frames become whole, and the same whichever was read before.
static void test_fields(void) {
    static const char *const files[] = {"fields.ts", "fields.mkv"};
    footage_shell(
        "ffmpeg -loglevel error -y -f lavfi -i testsrc2=s=96x48:r=50 -frames:v 40 -vf "
        "tinterlace=interleave_top,setfield=tff -c:v mpeg2video -flags +ildct+ilme -bf 2 -g 12 "
        "-q:v 2 fields.ts");
    footage_shell("ffmpeg -loglevel error -y -i fields.ts -c copy fields.mkv");
    footage_shell(
        "ffmpeg -loglevel error -y -i fields.ts -vf bwdif=mode=send_frame -c:v ffv1 whole.mkv");
    cgv_frames *whole, *fields;
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    p.target = 0;
    CU_ASSERT_FATAL(!footage_open(&whole, "whole.mkv", &p));
    CU_ASSERT_EQUAL(whole->count, 40);
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        CU_ASSERT_FATAL(!footage_open(&fields, files[f], &p));
        CU_ASSERT_EQUAL_FATAL(fields->count, whole->count);
        cgv_rng rng;
        cgv_rng_seed(&rng, 4, f);
        for (int i = 0; i < 60; i++) {
            int index = i < 40 ? (int)cgv_rng_below(&rng, 40) : i - 20;
            cgv_bitmap a = footage_picture(whole, index), b = footage_picture(fields, index);
            CU_ASSERT_EQUAL_FATAL(a.width * a.height, b.width * b.height);
            CU_ASSERT(!memcmp(a.rgb, b.rgb, 3 * (size_t)a.width * (size_t)a.height));
            cgv_bitmap_free(&a);
            cgv_bitmap_free(&b);
        }
        cgv_frames_destroy(&fields);
    }
    cgv_frames_destroy(&whole);
}

typedef struct reader {
    cgv_frames *frames;
    int wrong, stride;
} reader;

static void *read_many(void *opaque) {
    reader *r = opaque;
    for (int i = 0; i < 30; i++) {
        int index = i * r->stride % r->frames->count;
        cgv_bitmap b;
        if (r->frames->class->read(r->frames, &b, index)) {
            r->wrong++;
            continue;
        }
        int ones = (int)lround((footage_pixel(&b, 16, 24)[1] * 219 / 255. - 4) / 20);
        int tens = (int)lround((footage_pixel(&b, 48, 24)[1] * 219 / 255. - 4) / 20);
        r->wrong += ones + 10 * tens != index;
        cgv_bitmap_free(&b);
    }
    return NULL;
}

static void test_threads(void) {
    enum { THREADS = 4 };
    static const int strides[THREADS] = {1, 7, 13, 89};
    cgv_frames *frames;
    pthread_t threads[THREADS];
    reader readers[THREADS];
    CU_ASSERT_FATAL(!footage_open(&frames, "a.mp4", NULL));
    for (int i = 0; i < THREADS; i++) {
        readers[i] = (reader){frames, 0, strides[i]};
        CU_ASSERT_FATAL(!pthread_create(&threads[i], NULL, read_many, &readers[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(readers[i].wrong, 0);
    }
    cgv_frames_destroy(&frames);
}

// Damage in the middle of a video, and a cut-off end.
static void test_damaged_video(void) {
    footage_make("whole.mp4", "N", 90, "-c:v libx264 -g 1 -crf 10");
    struct stat st;
    char path[256];
    snprintf(path, sizeof path, "%s/whole.mp4", footage_folder);
    CU_ASSERT_FATAL(!stat(path, &st));
    footage_shell("cp whole.mp4 hurt.mp4; head -c 1200 /dev/zero | dd of=hurt.mp4 bs=1 seek=%lld "
                  "conv=notrunc 2>/dev/null",
                  (long long)st.st_size / 2);
    cgv_frames *frames;
    CU_ASSERT_FATAL(!footage_open(&frames, "hurt.mp4", NULL));
    CU_ASSERT(frames->count > 45 && frames->count < 90);
    CU_ASSERT_EQUAL(footage_errors, 0);
    CU_ASSERT(strstr(footage_report, "damaged") != NULL);
    for (int i = 0, last = -1; i < frames->count; i++) {
        int number = footage_number(frames, i);
        CU_ASSERT(number > last);
        last = number;
        CU_ASSERT(i + 1 < frames->count || number == 89);
    }
    cgv_frames_destroy(&frames);
    footage_make("whole.ts", "N", 90, "-c:v mpeg2video -g 15 -q:v 2");
    footage_shell("head -c $(($(stat -c %%s whole.ts) / 2)) whole.ts >cut.ts");
    CU_ASSERT_FATAL(!footage_open(&frames, "cut.ts", NULL));
    CU_ASSERT(frames->count > 30 && frames->count < 60);
    CU_ASSERT_EQUAL(footage_number(frames, 30), 30);
    cgv_frames_destroy(&frames);
    footage_shell("rm whole.* hurt.mp4 cut.ts");
}

static void test_colours(void) {
    static const struct {
        const char *tags;
        double kr, kb;
        bool full;
        const char *size;
    } cases[] = {
        {",setparams=colorspace=bt709:range=tv", .2126, .0722, false, "96x48"},
        {",setparams=colorspace=bt709:range=pc", .2126, .0722, true, "96x48"},
        {",setparams=colorspace=smpte170m:range=tv", .299, .114, false, "96x48"},
        {",setparams=colorspace=bt2020nc:range=tv", .2627, .0593, false, "96x48"},
        {"", .299, .114, false, "96x48"},
        {"", .2126, .0722, false, "1280x16"},
    };
    const double y = 120, cb = 90, cr = 170;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        footage_shell(
            "ffmpeg -loglevel error -y -f lavfi -i color=s=%s,format=yuv420p -frames:v 1 -vf "
            "\"geq=lum='if(lt(X,W/2),%g,60)':cb=%g:cr=%g%s\" -c:v ffv1 tagged.mkv",
            cases[i].size, y, cb, cr, cases[i].tags);
        cgv_frames *frames;
        CU_ASSERT_FATAL(!footage_open(&frames, "tagged.mkv", NULL));
        double luma = cases[i].full ? y : (y - 16) * 255 / 219;
        double scale = cases[i].full ? 1 : 255 / 224., kr = cases[i].kr, kb = cases[i].kb;
        double r = luma + (cr - 128) * scale * 2 * (1 - kr);
        double b = luma + (cb - 128) * scale * 2 * (1 - kb);
        double g = (luma - kr * r - kb * b) / (1 - kr - kb);
        cgv_bitmap picture = footage_picture(frames, 0);
        const uint8_t *p = footage_pixel(&picture, 10, 8);
        CU_ASSERT_DOUBLE_EQUAL(p[0], r, 1.5);
        CU_ASSERT_DOUBLE_EQUAL(p[1], g, 1.5);
        CU_ASSERT_DOUBLE_EQUAL(p[2], b, 1.5);
        cgv_bitmap_free(&picture);
        cgv_frames_destroy(&frames);
    }
    footage_shell("rm tagged.mkv");
}

// The four corners of a picture, by their reds: 0 top left, 1 top right, 2 bottom right, 3 left.
static int corner(const cgv_bitmap *b, int which) {
    int x = which == 1 || which == 2 ? b->width - 4 : 3, y = which >= 2 ? b->height - 4 : 3;
    return (*footage_pixel(b, x, y) + 30) / 60 - 1;
}

static void test_upright(void) {
    // EXIF's numbers: where in the upright picture the stored one's top corners are.
    static const int top_left[] = {0, 1, 2, 3, 0, 1, 2, 3};
    static const int top_right[] = {1, 0, 3, 2, 3, 2, 1, 0};
    cgv_bitmap stored;
    CU_ASSERT_FATAL(!cgv_bitmap_create(&stored, 48, 32));
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 48; x++)
            memset(stored.rgb + 3 * (y * 48 + x), 60 * (1 + (y < 16 ? x >= 24 : 3 - (x >= 24))), 3);
    uint8_t *jpeg;
    size_t size;
    CU_ASSERT_FATAL(!cgv_jpeg_encode(&jpeg, &size, &stored, 95));
    for (int orientation = 1; orientation <= 8; orientation++) {
        const uint8_t exif[] = {0xff, 0xd8, 0xff, 0xe1, 0,   34,  'E', 'x',
                                'i',  'f',  0,    0,    'M', 'M', 0,   42,
                                0,    0,    0,    8,    0,   1,   1,   0x12,
                                0,    3,    0,    0,    0,   1,   0,   (uint8_t)orientation,
                                0,    0,    0,    0,    0,   0};
        char path[256];
        snprintf(path, sizeof path, "%s/turned.jpg", footage_folder);
        FILE *file = fopen(path, "wb");
        CU_ASSERT_FATAL(file != NULL);
        fwrite(exif, 1, sizeof exif, file);
        fwrite(jpeg + 2, 1, size - 2, file);
        fclose(file);
        cgv_frames *frames;
        CU_ASSERT_FATAL(!footage_open(&frames, "turned.jpg", NULL));
        cgv_bitmap b = footage_picture(frames, 0);
        CU_ASSERT_EQUAL(b.width, orientation < 5 ? 48 : 32);
        CU_ASSERT_EQUAL(corner(&b, top_left[orientation - 1]), 0);
        CU_ASSERT_EQUAL(corner(&b, top_right[orientation - 1]), 1);
        cgv_bitmap_free(&b);
        cgv_frames_destroy(&frames);
    }
    free(jpeg);
    cgv_bitmap_free(&stored);
    // Pixels twice as wide as high, and the other way round.
    static const int sizes[][2] = {{192, 48}, {96, 96}};
    for (int i = 0; i < 2; i++) {
        footage_shell(
            "ffmpeg -loglevel error -y -f lavfi -i testsrc=s=96x48 -frames:v 1 -vf setsar=%s "
            "-c:v ffv1 wide.mkv",
            i ? "1/2" : "2/1");
        cgv_frames *frames;
        CU_ASSERT_FATAL(!footage_open(&frames, "wide.mkv", NULL));
        cgv_bitmap b = footage_picture(frames, 0);
        CU_ASSERT_EQUAL(b.width, sizes[i][0]);
        CU_ASSERT_EQUAL(b.height, sizes[i][1]);
        cgv_bitmap_free(&b);
        cgv_frames_destroy(&frames);
    }
    footage_shell("rm wide.mkv turned.jpg");
}

static const char rotated[] = "data/clips_odd/rotate-buck-bunny.mp4";

// As ffmpeg itself turns it.
static void test_display_matrix(void) {
    char *clip = cgv_test_shared(rotated);
    CU_ASSERT_PTR_NOT_NULL_FATAL(clip);
    char *absolute = realpath(clip, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(absolute);
    CU_ASSERT_EQUAL_FATAL(chdir(footage_folder), 0);
    free(clip);
    const char *specs[] = {absolute};
    cgv_frames *frames, *wanted;
    footage_forget();
    CU_ASSERT_FATAL(!cgv_frames_open(&frames, "A", specs, 1, NULL));
    char *name = frames->class->describe(frames, 0);
    double seconds = atof(strrchr(name, 't') + 1); // "... at 0.500 s"
    free(name);
    footage_shell(
        "ffmpeg -loglevel error -y -i %s -vf \"select='gte(n,%d)'\" -frames:v 1 -update 1 "
        "turned.ppm",
        absolute, (int)lround(seconds * 24));
    CU_ASSERT_FATAL(!footage_open(&wanted, "turned.ppm", NULL));
    cgv_bitmap a = footage_picture(frames, 0), b = footage_picture(wanted, 0);
    CU_ASSERT_FATAL(a.width == b.width && a.height == b.height);
    double sum = 0;
    for (size_t i = 0; i < cgv_bitmap_bytes(a.width, a.height); i++)
        sum += abs(a.rgb[i] - b.rgb[i]);
    CU_ASSERT(sum / (double)cgv_bitmap_bytes(a.width, a.height) < 4);
    cgv_bitmap_free(&a);
    cgv_bitmap_free(&b);
    cgv_frames_destroy(&frames);
    cgv_frames_destroy(&wanted);
    free(absolute);
    footage_shell("rm turned.ppm");
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {
        {"random access", test_random_access},
        {"interlaced frames", test_fields},
        {"several threads", test_threads},
        {"damaged videos", test_damaged_video},
        {"colours", test_colours},
        {"upright", test_upright},
        {0},
    };
    static const cgv_test_case shared[] = {{"display matrix", test_display_matrix}, {0}};
    return footage_run(argc, argv, "footage_read", cases, shared);
}
