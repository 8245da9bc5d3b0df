// Training pictures from files: which are taken, and that random access finds the right ones.
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/rng.h"
#include "cgvideo/log.h"
#include "support.h"
#include "train/jpeg.h"
#include "video/frames.h"

static char folder[] = "/tmp/cgv_test_footage_XXXXXX";

// The last report, and what else was said since `forget`.
static char report[512], trouble[512];
static int errors, warnings;

static void listen(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    errors += level == CGV_LOG_ERROR;
    warnings += level == CGV_LOG_WARNING;
    snprintf(level == CGV_LOG_INFO ? report : trouble, sizeof report, "%s", text);
}

static void forget(void) {
    cgv_log_set(listen, NULL, CGV_LOG_INFO);
    *report = *trouble = 0;
    errors = warnings = 0;
}

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...) {
    char command[2048];
    int used = snprintf(command, sizeof command, "cd %s && ", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof command - (size_t)used, format, args);
    va_end(args);
    if (system(command)) {
        printf("failed: %s\n", command);
        CU_FAIL_FATAL("a command of the test");
    }
}

// Open a file or more of the test's folder: comma-separated, each by its name in there.
static cgv_status open_frames(cgv_frames **out, const char *spec, const cgv_frames_params *params) {
    char path[256];
    forget();
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    snprintf(path, sizeof path, "%s", spec);
    const char *specs[] = {path};
    return cgv_frames_open(out, "A", specs, 1, params);
}

static cgv_bitmap read_frame(cgv_frames *frames, int index) {
    cgv_bitmap b = {0};
    CU_ASSERT_FATAL(!frames->class->read(frames, &b, index));
    return b;
}

static const uint8_t *pixel(const cgv_bitmap *b, int x, int y) {
    return b->rgb + 3 * (y * b->width + x);
}

// Frames show their number, as the grey levels of two thirds of the picture; the rest is white.
#define LEVELS "'if(lt(X,32),20+20*mod(%s,10),if(lt(X,64),20+20*floor((%s)/10),235))'"

static void make_video(const char *name, const char *number, int count, const char *codec) {
    char filter[256];
    snprintf(filter, sizeof filter, "geq=lum=" LEVELS ":cb=128:cr=128", number, number);
    shell("ffmpeg -loglevel error -y -f lavfi -i color=s=96x48:r=25 -frames:v %d -vf \"%s\" %s %s",
          count, filter, codec, name);
}

static int number_in(const cgv_bitmap *b) {
    int digits[2];
    for (int i = 0; i < 2; i++) {
        double luma = pixel(b, b->width * (1 + 2 * i) / 6, b->height / 2)[1] * 219 / 255. + 16;
        double digit = (luma - 20) / 20;
        digits[i] = (int)lround(digit);
        CU_ASSERT(fabs(digit - digits[i]) < 0.3);
    }
    return digits[0] + 10 * digits[1];
}

static int number_of(cgv_frames *frames, int index) {
    cgv_bitmap b = read_frame(frames, index);
    int number = number_in(&b);
    cgv_bitmap_free(&b);
    return number;
}

static void test_random_access(void) {
    // B frames, long groups, and containers that are sought in differently; no timestamps at all.
    static const char *const files[][2] = {
        {"a.mp4", "-c:v mpeg4 -bf 2 -g 24 -q:v 2"},      {"b.mkv", "-c:v mpeg4 -bf 2 -g 24 -q:v 2"},
        {"c.ts", "-c:v mpeg2video -bf 2 -g 15 -q:v 2"},  {"d.avi", "-c:v mpeg4 -g 24 -q:v 2"},
        {"e.m2v", "-c:v mpeg2video -bf 2 -g 15 -q:v 2"}, {"f.mov", "-c:v mjpeg -q:v 2"},
    };
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        make_video(files[f][0], "N", 90, files[f][1]);
        cgv_frames *frames;
        CU_ASSERT_FATAL(!open_frames(&frames, files[f][0], NULL));
        CU_ASSERT_EQUAL(frames->count, 90);
        CU_ASSERT_EQUAL(errors + warnings, 0);
        cgv_rng rng;
        cgv_rng_seed(&rng, 3, 1);
        for (int i = 0; i < 40; i++) {
            int index = (int)cgv_rng_below(&rng, (uint32_t)frames->count);
            CU_ASSERT_EQUAL(number_of(frames, index), index);
        }
        for (int i = 80; i < 90; i++)
            CU_ASSERT_EQUAL(number_of(frames, i), i);
        cgv_frames_destroy(&frames);
        if (f)
            shell("rm %s", files[f][0]);
    }
}

// Interlaced frames become whole, and the same whichever was read before.
static void test_fields(void) {
    static const char *const files[] = {"fields.ts", "fields.mkv"};
    shell("ffmpeg -loglevel error -y -f lavfi -i testsrc2=s=96x48:r=50 -frames:v 40 -vf "
          "tinterlace=interleave_top,setfield=tff -c:v mpeg2video -flags +ildct+ilme -bf 2 -g 12 "
          "-q:v 2 fields.ts");
    shell("ffmpeg -loglevel error -y -i fields.ts -c copy fields.mkv");
    shell("ffmpeg -loglevel error -y -i fields.ts -vf bwdif=mode=send_frame -c:v ffv1 whole.mkv");
    cgv_frames *whole, *fields;
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    p.target = 0;
    CU_ASSERT_FATAL(!open_frames(&whole, "whole.mkv", &p));
    CU_ASSERT_EQUAL(whole->count, 40);
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        CU_ASSERT_FATAL(!open_frames(&fields, files[f], &p));
        CU_ASSERT_EQUAL_FATAL(fields->count, whole->count);
        cgv_rng rng;
        cgv_rng_seed(&rng, 4, f);
        for (int i = 0; i < 60; i++) {
            int index = i < 40 ? (int)cgv_rng_below(&rng, 40) : i - 20;
            cgv_bitmap a = read_frame(whole, index), b = read_frame(fields, index);
            CU_ASSERT_EQUAL_FATAL(a.width * a.height, b.width * b.height);
            CU_ASSERT(!memcmp(a.rgb, b.rgb, 3 * (size_t)a.width * (size_t)a.height));
            cgv_bitmap_free(&a);
            cgv_bitmap_free(&b);
        }
        cgv_frames_destroy(&fields);
    }
    cgv_frames_destroy(&whole);
}

static void test_sampling(void) {
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    cgv_frames *frames;
    p.target = 6; // at the middles of sixths: frames of 7.5, 22.5 …
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4", &p));
    CU_ASSERT_EQUAL_FATAL(frames->count, 6);
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(number_of(frames, i), 7 + 15 * i);
    char *name = frames->class->describe(frames, 2);
    CU_ASSERT_STRING_EQUAL(name, "a.mp4 at 1.480 s");
    free(name);
    cgv_frames_destroy(&frames);
    // Over two videos, in proportion to their length.
    make_video("half.mkv", "N", 45, "-c:v ffv1");
    p.target = 27;
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4,half.mkv", &p));
    CU_ASSERT_EQUAL(frames->count, 27);
    CU_ASSERT(strstr(report, "27 frames of 2 videos") != NULL);
    CU_ASSERT(number_of(frames, 17) > 80 && number_of(frames, 18) < 10);
    cgv_frames_destroy(&frames);
    p.target = 0;
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4,half.mkv", &p));
    CU_ASSERT_EQUAL(frames->count, 135);
    cgv_frames_destroy(&frames);
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
        int ones = (int)lround((pixel(&b, 16, 24)[1] * 219 / 255. - 4) / 20);
        int tens = (int)lround((pixel(&b, 48, 24)[1] * 219 / 255. - 4) / 20);
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
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4", NULL));
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

static void test_left_out(void) {
    shell("ffmpeg -loglevel error -y -f lavfi -i color=s=96x48:r=25 -frames:v 50 -vf \"geq=lum="
          "'if(between(N,20,29),16,if(between(N,30,39),180,if(lt(X,32),"
          "20+20*if(gt(N,39),N-40,min(N,9)),if(lt(X,64),if(gt(N,39),40,20),235))))'"
          ":cb=128:cr=128\" -c:v ffv1 mixed.mkv");
    cgv_frames *frames;
    CU_ASSERT_FATAL(!open_frames(&frames, "mixed.mkv", NULL));
    CU_ASSERT_EQUAL_FATAL(frames->count, 20);
    CU_ASSERT_STRING_EQUAL(report, "A: 0 pictures, 20 frames of 1 videos; left out: "
                                   "10 near-duplicates, 10 black, 10 flat");
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(number_of(frames, i), i);
    cgv_frames_destroy(&frames);
    shell("ffmpeg -loglevel error -y -f lavfi -i color=black:s=64x48 -frames:v 9 -c:v ffv1 k.mkv");
    CU_ASSERT_EQUAL(open_frames(&frames, "k.mkv", NULL), CGV_ERROR_FORMAT);
    CU_ASSERT_PTR_NULL(frames);
    CU_ASSERT_EQUAL(errors, 1);
    shell("rm mixed.mkv k.mkv");
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
    shell("ffmpeg -loglevel error -y -f lavfi -i testsrc2=s=96x64:r=25:d=%g -f lavfi -i "
          "testsrc2=s=96x64:r=25 -filter_complex "
          "\"[0]format=yuv420p[a];[1]vflip,negate,format=yuv420p[b];[a][b]xfade=%s:duration=%g:"
          "offset=2\" "
          "-frames:v %d -c:v ffv1 mixed.mkv",
          2 + seconds, kind, seconds, total);
    CU_ASSERT_FATAL(!open_frames(&frames, "mixed.mkv", &p));
    const char *found = strstr(report, " in transitions");
    CU_ASSERT_FATAL(found != NULL);
    while (found > report && found[-1] >= '0' && found[-1] <= '9')
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
    shell("rm mixed.mkv");
}

static void test_transitions(void) {
    static const double seconds[] = {0.4, 1, 2};
    for (int i = 0; i < 3; i++) {
        check_transition("fade", seconds[i]);
        check_transition("fadeblack", seconds[i]);
        check_transition("fadewhite", seconds[i]);
    }
}

// Damage in the middle of a video, and a cut-off end.
static void test_damaged_video(void) {
    make_video("whole.mp4", "N", 90, "-c:v libx264 -g 1 -crf 10");
    struct stat st;
    char path[256];
    snprintf(path, sizeof path, "%s/whole.mp4", folder);
    CU_ASSERT_FATAL(!stat(path, &st));
    shell("cp whole.mp4 hurt.mp4; head -c 1200 /dev/zero | dd of=hurt.mp4 bs=1 seek=%lld "
          "conv=notrunc 2>/dev/null",
          (long long)st.st_size / 2);
    cgv_frames *frames;
    CU_ASSERT_FATAL(!open_frames(&frames, "hurt.mp4", NULL));
    CU_ASSERT(frames->count > 45 && frames->count < 90);
    CU_ASSERT_EQUAL(errors, 0);
    CU_ASSERT(strstr(report, "damaged") != NULL);
    for (int i = 0, last = -1; i < frames->count; i++) {
        int number = number_of(frames, i);
        CU_ASSERT(number > last);
        last = number;
        CU_ASSERT(i + 1 < frames->count || number == 89);
    }
    cgv_frames_destroy(&frames);
    make_video("whole.ts", "N", 90, "-c:v mpeg2video -g 15 -q:v 2");
    shell("head -c $(($(stat -c %%s whole.ts) / 2)) whole.ts >cut.ts");
    CU_ASSERT_FATAL(!open_frames(&frames, "cut.ts", NULL));
    CU_ASSERT(frames->count > 30 && frames->count < 60);
    CU_ASSERT_EQUAL(number_of(frames, 30), 30);
    cgv_frames_destroy(&frames);
    shell("rm whole.* hurt.mp4 cut.ts");
}

// Pictures of one colour, told apart by it.
static void write_picture(const char *name, int level) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    fprintf(file, "P6 20 12 255\n");
    for (int i = 0; i < 20 * 12 * 3; i++)
        putc(level, file);
    fclose(file);
}

static void expect_levels(const char *spec, const int *levels, int count) {
    cgv_frames *frames;
    CU_ASSERT_FATAL(!open_frames(&frames, spec, NULL));
    CU_ASSERT_EQUAL_FATAL(frames->count, count);
    for (int i = 0; i < count; i++) {
        cgv_bitmap b = read_frame(frames, i);
        CU_ASSERT_EQUAL(*pixel(&b, 3, 3), levels[i]);
        cgv_bitmap_free(&b);
    }
    cgv_frames_destroy(&frames);
}

static void test_listing(void) {
    shell("mkdir set set/deeper");
    write_picture("set/b.ppm", 20);
    write_picture("set/a.ppm", 10);
    write_picture("set/c%03d.ppm", 30);
    write_picture("set/d,e.ppm", 40);
    write_picture("set/deeper/z.ppm", 50);
    write_picture("set/[x]*.ppm", 60);
    shell("echo notes >set/notes.txt");
    // All pictures are taken, flat or alike; sorted; no other files, nothing from within.
    expect_levels("set", (int[]){60, 10, 20, 30, 40}, 5);
    expect_levels("set/", (int[]){60, 10, 20, 30, 40}, 5);
    expect_levels("set/?.ppm", (int[]){10, 20}, 2);
    expect_levels("set/b.ppm,set/a.ppm", (int[]){20, 10}, 2);
    expect_levels("set/d,e.ppm", (int[]){40}, 1);
    expect_levels("set/[x]*.ppm", (int[]){60}, 1);
    expect_levels("set/deeper,set/[bc]*.ppm", (int[]){50, 20, 30}, 3);
    // A folder of both, and of damaged ones.
    make_video("set/v.mkv", "N", 20, "-c:v ffv1");
    shell("head -c 3000 /dev/urandom >set/broken.jpg; : >set/empty.png; echo x >set/w.mp4");
    cgv_frames *frames;
    CU_ASSERT_FATAL(!open_frames(&frames, "set", NULL));
    CU_ASSERT_EQUAL(frames->count, 25);
    CU_ASSERT_EQUAL(errors, 0);
    CU_ASSERT_EQUAL(warnings, 3);
    CU_ASSERT_STRING_EQUAL(report,
                           "A: 5 pictures, 20 frames of 1 videos; left out: 3 unusable files");
    CU_ASSERT_EQUAL(number_of(frames, 24), 19);
    cgv_frames_destroy(&frames);
    CU_ASSERT_EQUAL(open_frames(&frames, "set/broken.jpg", NULL), CGV_ERROR_FORMAT);
    CU_ASSERT_EQUAL(errors, 1);
    static const char *const nothing[] = {"missing.mp4", "set/*.mov", "set,gone", ""};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(open_frames(&frames, nothing[i], NULL), CGV_ERROR_ARGUMENT);
        CU_ASSERT_EQUAL(errors, 1);
    }
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
        shell("ffmpeg -loglevel error -y -f lavfi -i color=s=%s,format=yuv420p -frames:v 1 -vf "
              "\"geq=lum='if(lt(X,W/2),%g,60)':cb=%g:cr=%g%s\" -c:v ffv1 tagged.mkv",
              cases[i].size, y, cb, cr, cases[i].tags);
        cgv_frames *frames;
        CU_ASSERT_FATAL(!open_frames(&frames, "tagged.mkv", NULL));
        double luma = cases[i].full ? y : (y - 16) * 255 / 219;
        double scale = cases[i].full ? 1 : 255 / 224., kr = cases[i].kr, kb = cases[i].kb;
        double r = luma + (cr - 128) * scale * 2 * (1 - kr);
        double b = luma + (cb - 128) * scale * 2 * (1 - kb);
        double g = (luma - kr * r - kb * b) / (1 - kr - kb);
        cgv_bitmap picture = read_frame(frames, 0);
        const uint8_t *p = pixel(&picture, 10, 8);
        CU_ASSERT_DOUBLE_EQUAL(p[0], r, 1.5);
        CU_ASSERT_DOUBLE_EQUAL(p[1], g, 1.5);
        CU_ASSERT_DOUBLE_EQUAL(p[2], b, 1.5);
        cgv_bitmap_free(&picture);
        cgv_frames_destroy(&frames);
    }
    shell("rm tagged.mkv");
}

// The four corners of a picture, by their reds: 0 top left, 1 top right, 2 bottom right, 3 left.
static int corner(const cgv_bitmap *b, int which) {
    int x = which == 1 || which == 2 ? b->width - 4 : 3, y = which >= 2 ? b->height - 4 : 3;
    return (*pixel(b, x, y) + 30) / 60 - 1;
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
        snprintf(path, sizeof path, "%s/turned.jpg", folder);
        FILE *file = fopen(path, "wb");
        CU_ASSERT_FATAL(file != NULL);
        fwrite(exif, 1, sizeof exif, file);
        fwrite(jpeg + 2, 1, size - 2, file);
        fclose(file);
        cgv_frames *frames;
        CU_ASSERT_FATAL(!open_frames(&frames, "turned.jpg", NULL));
        cgv_bitmap b = read_frame(frames, 0);
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
        shell("ffmpeg -loglevel error -y -f lavfi -i testsrc=s=96x48 -frames:v 1 -vf setsar=%s "
              "-c:v ffv1 wide.mkv",
              i ? "1/2" : "2/1");
        cgv_frames *frames;
        CU_ASSERT_FATAL(!open_frames(&frames, "wide.mkv", NULL));
        cgv_bitmap b = read_frame(frames, 0);
        CU_ASSERT_EQUAL(b.width, sizes[i][0]);
        CU_ASSERT_EQUAL(b.height, sizes[i][1]);
        cgv_bitmap_free(&b);
        cgv_frames_destroy(&frames);
    }
    shell("rm wide.mkv turned.jpg");
}

static const char rotated[] = "data/clips_odd/rotate-buck-bunny.mp4";

// As ffmpeg itself turns it.
static void test_display_matrix(void) {
    char *clip = cgv_test_shared(rotated);
    CU_ASSERT_PTR_NOT_NULL_FATAL(clip);
    char *absolute = realpath(clip, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(absolute);
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    free(clip);
    const char *specs[] = {absolute};
    cgv_frames *frames, *wanted;
    forget();
    CU_ASSERT_FATAL(!cgv_frames_open(&frames, "A", specs, 1, NULL));
    char *name = frames->class->describe(frames, 0);
    double seconds = atof(strrchr(name, 't') + 1); // "... at 0.500 s"
    free(name);
    shell("ffmpeg -loglevel error -y -i %s -vf \"select='gte(n,%d)'\" -frames:v 1 -update 1 "
          "turned.ppm",
          absolute, (int)lround(seconds * 24));
    CU_ASSERT_FATAL(!open_frames(&wanted, "turned.ppm", NULL));
    cgv_bitmap a = read_frame(frames, 0), b = read_frame(wanted, 0);
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
    shell("rm turned.ppm");
}

// What is filmed from cars has no transitions, fast as it moves and lights up.
static void test_no_transitions(void) {
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    cgv_frames *frames;
    p.target = 0;
    char *clips = cgv_test_shared("data/clips");
    CU_ASSERT_FATAL(clips != NULL);
    forget();
    CU_ASSERT_FATAL(!cgv_frames_open(&frames, "A", (const char *const[]){clips}, 1, &p));
    CU_ASSERT(frames->count > 2500);
    CU_ASSERT(strstr(report, "near-duplicates") && !strstr(report, "transitions"));
    cgv_frames_destroy(&frames);
    free(clips);
}

static void test_cached(void) {
    cgv_frames_params p = CGV_FRAMES_DEFAULTS;
    cgv_frames *frames;
    struct stat made, again;
    char path[256];
    snprintf(path, sizeof path, "%s/a.frames", folder);
    p.cache = path;
    p.cache_side = 24;
    p.target = 6;
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT_EQUAL_FATAL(frames->count, 8);
    CU_ASSERT(!stat(path, &made));
    for (int i = 0; i < 6; i++) {
        cgv_bitmap b = read_frame(frames, i);
        CU_ASSERT(b.width == 48 && b.height == 24);
        CU_ASSERT_EQUAL(number_in(&b), 7 + 15 * i);
        cgv_bitmap_free(&b);
    }
    char *name = frames->class->describe(frames, 6);
    CU_ASSERT_STRING_EQUAL(name, "set/a.ppm");
    free(name);
    cgv_frames_destroy(&frames);
    // The same again: used as it is. Another number, or a file that changed: made anew.
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT(strstr(report, "8 pictures from") != NULL);
    CU_ASSERT(!stat(path, &again) && again.st_ino == made.st_ino);
    cgv_frames_destroy(&frames);
    p.target = 7;
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT_EQUAL(frames->count, 9);
    cgv_frames_destroy(&frames);
    shell("touch -d 2001-01-01 set/a.ppm");
    CU_ASSERT_FATAL(!open_frames(&frames, "a.mp4,set/?.ppm", &p));
    CU_ASSERT(strstr(report, "frames of 1 videos") != NULL);
    cgv_frames_destroy(&frames);
    // Stopped, or without anything to put in: the cache that was there stays.
    atomic_bool stop = true;
    p.stop = &stop;
    CU_ASSERT_FATAL(!stat(path, &made));
    CU_ASSERT_EQUAL(open_frames(&frames, "a.mp4", &p), CGV_ERROR_INTERRUPTED);
    p.stop = NULL;
    CU_ASSERT_EQUAL(open_frames(&frames, "set/broken.jpg", &p), CGV_ERROR_FORMAT);
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
        snprintf(path, sizeof path, "%s/%s.frames", folder, sides[i]);
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
    if (system("ffmpeg -version >/dev/null 2>&1")) {
        printf("SKIPPED: no ffmpeg program to make videos with\n");
        return CGV_TEST_SKIP;
    }
    if (!mkdtemp(folder))
        return 1;
    static const cgv_test_case shared[] = {{"size of a cache", test_cache_size},
                                           {"no transitions", test_no_transitions},
                                           {"display matrix", test_display_matrix},
                                           {0}};
    int failed = argc > 1 && !strcmp(argv[1], "shared")
                     ? cgv_test_run_shared("footage: shared data", shared, "data")
                     : cgv_test_run("footage", (cgv_test_case[]){
                                                   {"random access", test_random_access},
                                                   {"interlaced frames", test_fields},
                                                   {"sampling", test_sampling},
                                                   {"several threads", test_threads},
                                                   {"frames left out", test_left_out},
                                                   {"transitions", test_transitions},
                                                   {"damaged videos", test_damaged_video},
                                                   {"files, folders, globs", test_listing},
                                                   {"colours", test_colours},
                                                   {"upright", test_upright},
                                                   {"through a cache", test_cached},
                                                   {0},
                                               });
    char *command = cgv_fs_format("rm -rf %s", folder);
    failed |= !command || system(command);
    free(command);
    return failed;
}
