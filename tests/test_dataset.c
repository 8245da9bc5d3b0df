// Preparing training pictures, and the cache that holds them. No FFmpeg, no GPU.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "messages.h"
#include "support.h"
#include "train/augment.h"
#include "train/cache.h"

// Pictures whose pixels tell which picture (red) and where in it (green: x, blue: y) they are.
typedef struct coded {
    cgv_frames head;
    int width, height;
    int broken_from, broken_to; // these cannot be read
} coded;

static cgv_status read_coded(cgv_frames *frames, cgv_bitmap *out, int index) {
    const coded *c = (const coded *)frames;
    if (index >= c->broken_from && index < c->broken_to)
        return CGV_ERROR_IO;
    cgv_status status = cgv_bitmap_create(out, c->width, c->height);
    uint8_t *p = out->rgb;
    for (int y = 0; !status && y < c->height; y++)
        for (int x = 0; x < c->width; x++, p += 3) {
            p[0] = (uint8_t)index;
            p[1] = (uint8_t)x;
            p[2] = (uint8_t)y;
        }
    return status;
}

static const cgv_frames_class coded_class = {read_coded, NULL, NULL};

static coded make_coded(int count, int width, int height) {
    return (coded){.head = {&coded_class, count}, .width = width, .height = height};
}

// The training size of all tests that do not say otherwise.
enum { W = 16, H = 12, PICTURE = 3 * W * H };

static cgv_dataset_params small(void) {
    cgv_dataset_params p = CGV_DATASET_DEFAULTS;
    p.width = W;
    p.height = H;
    p.preprocess = CGV_PREPROCESS_CROP;
    p.seed = 7;
    p.workers = 2;
    return p;
}

// Steps first..first+steps-1: a [steps][batch][PICTURE], b likewise; the caller's.
static bool run(float **a, float **b, coded *fa, coded *fb, const cgv_dataset_params *p, int first,
                int steps) {
    size_t batch = (size_t)p->batch * PICTURE;
    cgv_dataset *d = NULL;
    *a = malloc((size_t)steps * batch * sizeof **a);
    *b = malloc((size_t)steps * batch * sizeof **b);
    bool ok = *a && *b && !cgv_dataset_create(&d, &fa->head, &fb->head, p) &&
              !cgv_dataset_start(d, first);
    for (int i = 0; ok && i < steps; i++)
        ok = !cgv_dataset_next(d, *a + (size_t)i * batch, *b + (size_t)i * batch, NULL);
    cgv_dataset_destroy(&d);
    CU_ASSERT_TRUE_FATAL(ok);
    return ok;
}

static int code(const float *picture, int channel, int x, int y) {
    return (int)lroundf((picture[channel * W * H + y * W + x] + 1) * 127.5f);
}

static void test_workers(void) {
    coded fa = make_coded(11, 40, 30), fb = make_coded(5, 33, 47);
    cgv_dataset_params p = small();
    const int steps = 25, later = 13;
    p.batch = 3;
    p.min_scale = 0.5f;
    p.workers = 1;
    float *a, *b, *a2, *b2;
    run(&a, &b, &fa, &fb, &p, 0, steps);
    size_t batch = (size_t)p.batch * PICTURE, all = (size_t)steps * batch * sizeof *a;
    p.workers = 3;
    run(&a2, &b2, &fa, &fb, &p, 0, steps);
    CU_ASSERT(!memcmp(a, a2, all) && !memcmp(b, b2, all));
    free(a2), free(b2);
    // From a later step on, without keeping pictures.
    p.memory = 0;
    run(&a2, &b2, &fa, &fb, &p, later, steps - later);
    size_t rest = (size_t)(steps - later) * batch * sizeof *a;
    CU_ASSERT(!memcmp(a + later * batch, a2, rest) && !memcmp(b + later * batch, b2, rest));
    free(a2), free(b2);
    p.seed++;
    run(&a2, &b2, &fa, &fb, &p, 0, steps);
    CU_ASSERT(memcmp(a, a2, all) && memcmp(b, b2, all));
    free(a2), free(b2);
    free(a), free(b);
}

// One dataset that goes back and forth.
static void test_restart(void) {
    coded fa = make_coded(6, 40, 30), fb = make_coded(9, 40, 30);
    cgv_dataset_params p = small();
    cgv_dataset *d;
    float a[3][PICTURE], b[3][PICTURE];
    CU_ASSERT_FATAL(!cgv_dataset_create(&d, &fa.head, &fb.head, &p));
    CU_ASSERT_EQUAL(cgv_dataset_epoch_steps(d), 9);
    const int starts[3] = {4, 0, 4};
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_FATAL(!cgv_dataset_start(d, starts[i]));
        CU_ASSERT_FATAL(!cgv_dataset_next(d, a[i], b[i], NULL));
    }
    CU_ASSERT(!memcmp(a[0], a[2], sizeof *a) && !memcmp(b[0], b[2], sizeof *b));
    CU_ASSERT(memcmp(a[0], a[1], sizeof *a) != 0);
    CU_ASSERT(cgv_dataset_waited(d) > 0);
    cgv_dataset_destroy(&d);
    p.batch = 4;
    CU_ASSERT_FATAL(!cgv_dataset_create(&d, &fa.head, &fb.head, &p));
    CU_ASSERT_EQUAL(cgv_dataset_epoch_steps(d), 2);
    cgv_dataset_destroy(&d);
}

static void test_epochs(void) {
    enum { COUNT = 13, PASSES = 20 };
    coded fa = make_coded(COUNT, 20, 16), fb = make_coded(4, 20, 16);
    cgv_dataset_params p = small();
    float *a, *b;
    run(&a, &b, &fa, &fb, &p, 0, COUNT * PASSES);
    int orders[PASSES][COUNT], first_seen[COUNT] = {0}, b_seen[4] = {0}, same = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        bool seen[COUNT] = {false};
        for (int i = 0; i < COUNT; i++) {
            int index = code(a + (size_t)(pass * COUNT + i) * PICTURE, 0, 0, 0);
            orders[pass][i] = index;
            CU_ASSERT_FATAL(index < COUNT && !seen[index]);
            seen[index] = true;
            b_seen[code(b + (size_t)(pass * COUNT + i) * PICTURE, 0, 0, 0)]++;
        }
        first_seen[orders[pass][0]]++;
        same += pass && !memcmp(orders[pass], orders[pass - 1], sizeof *orders);
    }
    CU_ASSERT_EQUAL(same, 0);
    for (int i = 0; i < COUNT; i++)
        CU_ASSERT(first_seen[i] < PASSES / 2);
    for (int i = 0; i < 4; i++) // 65 expected, deviation 7
        CU_ASSERT(b_seen[i] > 30 && b_seen[i] < 100);
    free(a), free(b);
    for (uint32_t count = 1; count < 70; count++) {
        bool seen[70] = {false};
        for (uint32_t i = 0; i < count; i++) {
            uint32_t to = cgv_shuffled(i, count, 99);
            CU_ASSERT_FATAL(to < count && !seen[to]);
            seen[to] = true;
        }
    }
}

static void test_crops(void) {
    enum { STEPS = 400, ROOM_X = 4, ROOM_Y = 3 };
    coded f = make_coded(3, W + ROOM_X, H + ROOM_Y);
    cgv_dataset_params p = small();
    float *a, *b;
    run(&a, &b, &f, &f, &p, 0, STEPS);
    int xs[ROOM_X + 1] = {0}, ys[ROOM_Y + 1] = {0}, flips = 0, joint = 0;
    for (int i = 0; i < STEPS; i++) {
        const float *picture = a + (size_t)i * PICTURE, *other = b + (size_t)i * PICTURE;
        int left = code(picture, 1, 0, 0), right = code(picture, 1, W - 1, 0);
        bool flip = left > right;
        int x = flip ? right : left, y = code(picture, 2, 0, 0);
        CU_ASSERT_EQUAL_FATAL(abs(left - right), W - 1);
        CU_ASSERT_EQUAL(code(picture, 2, 5, H - 1), y + H - 1);
        CU_ASSERT_FATAL(x <= ROOM_X && y <= ROOM_Y);
        xs[x]++, ys[y]++, flips += flip;
        joint += flip == (code(other, 1, 0, 0) > code(other, 1, 1, 0));
    }
    for (int i = 0; i <= ROOM_X; i++) // 80 expected, deviation 8
        CU_ASSERT(xs[i] > 45 && xs[i] < 120);
    for (int i = 0; i <= ROOM_Y; i++)
        CU_ASSERT(ys[i] > 60 && ys[i] < 145);
    CU_ASSERT(flips > 150 && flips < 250);
    CU_ASSERT(joint > 150 && joint < 250); // the domains flip independently
    free(a), free(b);
    p.flip = false;
    run(&a, &b, &f, &f, &p, 0, 50);
    for (int i = 0; i < 50; i++)
        CU_ASSERT(code(a + (size_t)i * PICTURE, 1, 0, 0) < code(a + (size_t)i * PICTURE, 1, 1, 0));
    free(a), free(b);
}

static void test_scales(void) {
    enum { STEPS = 200 };
    coded f = make_coded(3, 160, 120); // ten times the training size
    cgv_dataset_params p = small();
    float *a, *b;
    p.min_scale = 0.4f;
    run(&a, &b, &f, &f, &p, 0, STEPS);
    double least = 1, most = 0;
    for (int i = 0; i < STEPS; i++) {
        const float *picture = a + (size_t)i * PICTURE;
        // Output pixels are fraction * 10 apart in the picture.
        double across = abs(code(picture, 1, W - 3, 5) - code(picture, 1, 2, 5)) / (10. * (W - 5));
        double down = (code(picture, 2, 5, H - 3) - code(picture, 2, 5, 2)) / (10. * (H - 5));
        CU_ASSERT_DOUBLE_EQUAL(across, down, 0.05);
        least = fmin(least, across);
        most = fmax(most, across);
    }
    CU_ASSERT(least > 0.36 && least < 0.45);
    CU_ASSERT(most > 0.95 && most < 1.04);
    free(a), free(b);
}

// Every pixel of a picture by one factor; what is brighter than white is white; B is left alone.
static void test_exposure(void) {
    enum { STEPS = 200 };
    coded f = make_coded(3, 250, 120);
    cgv_dataset_params p = small();
    float *a, *b, *a2, *b2;
    run(&a, &b, &f, &f, &p, 0, STEPS);
    p.exposure[0] = 1;
    run(&a2, &b2, &f, &f, &p, 0, STEPS);
    CU_ASSERT(!memcmp(b, b2, (size_t)STEPS * PICTURE * sizeof *b));
    double least = 9, most = 0, clipped = 0;
    for (int i = 0; i < STEPS; i++) {
        const float *before = a + (size_t)i * PICTURE, *after = a2 + (size_t)i * PICTURE;
        int brightest = 0;
        for (int k = 1; k < PICTURE; k++)
            if (before[k] > before[brightest] && after[k] < 1)
                brightest = k;
        double gain = (after[brightest] + 1.) / (before[brightest] + 1.);
        for (int k = 0; k < PICTURE; k++) {
            double expected = fmin((before[k] + 1) * gain - 1, 1);
            CU_ASSERT_DOUBLE_EQUAL(after[k], expected, 1e-3);
            clipped += expected == 1 && before[k] < 1;
        }
        least = fmin(least, gain);
        most = fmax(most, gain);
    }
    CU_ASSERT(least >= 0.7297 && least < 0.75);
    CU_ASSERT(most <= 1.3704 && most > 1.34);
    CU_ASSERT(clipped > 0);
    free(a), free(b), free(a2), free(b2);
}

static void expect_load(cgv_dataset_params p, int width, int height, int load_w, int load_h) {
    coded f = make_coded(1, width, height);
    cgv_bitmap in, out;
    CU_ASSERT_FATAL(!read_coded(&f.head, &in, 0));
    CU_ASSERT_FATAL(!cgv_augment_load(&out, &in, &p));
    CU_ASSERT_EQUAL(out.width, load_w);
    CU_ASSERT_EQUAL(out.height, load_h);
    cgv_bitmap_free(&out);
}

static void test_modes(void) {
    cgv_dataset_params p = {.width = 64, .height = 32, .load_size = 80};
    p.preprocess = CGV_PREPROCESS_RESIZE_AND_CROP;
    expect_load(p, 100, 200, 80, 40);
    p.preprocess = CGV_PREPROCESS_CROP;
    expect_load(p, 100, 200, 100, 200);
    expect_load(p, 32, 32, 64, 64);
    p.preprocess = CGV_PREPROCESS_SCALE_WIDTH;
    expect_load(p, 100, 200, 64, 128);
    expect_load(p, 200, 50, 128, 32);
    p.preprocess = CGV_PREPROCESS_SCALE_WIDTH_AND_CROP;
    expect_load(p, 100, 200, 80, 160);
    p.preprocess = CGV_PREPROCESS_SCALE_SHORTSIDE;
    expect_load(p, 100, 200, 80, 160);
    expect_load(p, 200, 100, 160, 80);
    p.preprocess = CGV_PREPROCESS_NONE;
    expect_load(p, 100, 200, 64, 32);

    // The middle of what SCALE_WIDTH leaves; the same in each step.
    coded tall = make_coded(1, W, H + 8);
    p = small();
    p.preprocess = CGV_PREPROCESS_SCALE_WIDTH;
    float *a, *b;
    run(&a, &b, &tall, &tall, &p, 0, 10);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(code(a + (size_t)i * PICTURE, 2, 0, 0), 4);
    free(a), free(b);

    // Sizes: to multiples of 4, and from the first picture where none is given.
    coded f = make_coded(2, 101, 67);
    const struct {
        cgv_preprocess mode;
        int width, height, load, w, h;
    } sizes[] = {{CGV_PREPROCESS_CROP, 130, 61, 0, 132, 60},
                 {CGV_PREPROCESS_NONE, 0, 0, 0, 100, 68},
                 {CGV_PREPROCESS_SCALE_WIDTH, 0, 0, 50, 52, 32}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cgv_dataset *d;
        int w, h;
        p.preprocess = sizes[i].mode;
        p.width = sizes[i].width;
        p.height = sizes[i].height;
        p.load_size = sizes[i].load;
        CU_ASSERT_FATAL(!cgv_dataset_create(&d, &f.head, &f.head, &p));
        cgv_dataset_size(d, &w, &h);
        CU_ASSERT_EQUAL(w, sizes[i].w);
        CU_ASSERT_EQUAL(h, sizes[i].h);
        cgv_dataset_destroy(&d);
    }
    cgv_dataset *d;
    cgv_test_listen();
    p.preprocess = CGV_PREPROCESS_CROP;
    p.width = 0;
    CU_ASSERT_EQUAL(cgv_dataset_create(&d, &f.head, &f.head, &p), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("width"));
}

static void test_unreadable(void) {
    coded good = make_coded(6, 20, 16), bad = good;
    bad.broken_from = 2;
    bad.broken_to = 4;
    cgv_dataset_params p = small();
    float *a, *b, *a2, *b2;
    run(&a, &b, &bad, &bad, &p, 0, 30);
    p.workers = 1;
    run(&a2, &b2, &good, &good, &p, 0, 30);
    for (int i = 0; i < 30; i++) {
        int wanted = code(a2 + (size_t)i * PICTURE, 0, 0, 0);
        int got = code(a + (size_t)i * PICTURE, 0, 0, 0);
        CU_ASSERT_EQUAL(got, wanted == 2 || wanted == 3 ? 4 : wanted);
    }
    free(a), free(b), free(a2), free(b2);
    bad.broken_from = 0;
    bad.broken_to = 6;
    cgv_dataset *d;
    float x[PICTURE], y[PICTURE];
    CU_ASSERT_FATAL(!cgv_dataset_create(&d, &good.head, &bad.head, &p));
    CU_ASSERT_FATAL(!cgv_dataset_start(d, 0));
    CU_ASSERT_EQUAL(cgv_dataset_next(d, x, y, NULL), CGV_ERROR_IO);
    cgv_dataset_destroy(&d);
}

// Made with Pillow 9.4: Image.resize(size, BICUBIC) of the picture that test_resize makes.
static const uint8_t shrunk[] = {92,  143, 154, 141, 149, 153, 137, 135, 123, 99,  99,  127,
                                 126, 181, 125, 117, 145, 144, 114, 132, 137, 125, 99,  147,
                                 132, 125, 100, 104, 128, 164, 147, 141, 132, 123, 132, 149,
                                 128, 139, 133, 141, 116, 129, 131, 106, 139, 109, 170, 90,
                                 116, 140, 120, 137, 128, 137, 121, 143, 140, 89,  122, 127};
static const uint8_t grown[] = {
    0,   41,  94,  1,   54,  106, 24,  77,  130, 46,  97,  163, 66,  120, 195, 89,  158, 219,
    102, 179, 231, 16,  67,  125, 29,  82,  141, 58,  111, 165, 82,  138, 160, 103, 154, 154,
    129, 144, 179, 142, 137, 194, 67,  121, 192, 89,  142, 215, 130, 183, 240, 158, 224, 154,
    183, 226, 65,  212, 114, 93,  227, 47,  117, 130, 180, 175, 127, 180, 201, 123, 176, 230,
    147, 214, 148, 180, 223, 62,  213, 116, 95,  231, 51,  121, 197, 237, 79,  137, 190, 101,
    40,  93,  138, 51,  107, 143, 96,  146, 146, 134, 149, 183, 154, 148, 206, 229, 255, 33,
    142, 195, 54,  0,   53,  94,  5,   57,  140, 56,  110, 186, 96,  165, 225, 117, 195, 246};

static void expect_resized(int w, int h, int to_w, int to_h, const uint8_t *wanted) {
    // Somewhere inside a larger picture, whose other pixels must not matter.
    cgv_bitmap in, out;
    CU_ASSERT_FATAL(!cgv_bitmap_create(&in, w + 3, h + 2));
    memset(in.rgb, 255, cgv_bitmap_bytes(w + 3, h + 2));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                in.rgb[((y + 2) * (w + 3) + x + 1) * 3 + c] =
                    (uint8_t)(x * 37 + y * 101 + c * 53 + x * y * 11);
    CU_ASSERT_FATAL(!cgv_bitmap_resize(&out, to_w, to_h, &in, (cgv_box){1, 2, w, h}));
    int worst = 0;
    for (int i = 0; i < to_w * to_h * 3; i++)
        worst = abs(out.rgb[i] - wanted[i]) > worst ? abs(out.rgb[i] - wanted[i]) : worst;
    CU_ASSERT(worst <= 1);
    cgv_bitmap_free(&in);
    cgv_bitmap_free(&out);
}

static void test_resize(void) {
    CU_ASSERT_EQUAL(sizeof shrunk, 5 * 4 * 3);
    CU_ASSERT_EQUAL(sizeof grown, 7 * 6 * 3);
    expect_resized(13, 9, 5, 4, shrunk);
    expect_resized(4, 3, 7, 6, grown);
    // A picture of one colour stays so, at any size.
    cgv_bitmap in, out;
    CU_ASSERT_FATAL(!cgv_bitmap_create(&in, 31, 1));
    memset(in.rgb, 201, cgv_bitmap_bytes(31, 1));
    for (int size = 1; size < 70; size += 3) {
        CU_ASSERT_FATAL(!cgv_bitmap_resize(&out, size, 3, &in, (cgv_box){0, 0, 31, 1}));
        for (int i = 0; i < size * 9; i++)
            CU_ASSERT_EQUAL(out.rgb[i], 201);
        cgv_bitmap_free(&out);
    }
    cgv_bitmap_free(&in);
}

// A smooth picture, as JPEG likes them.
static cgv_bitmap smooth(int width, int height, int phase) {
    cgv_bitmap b;
    CU_ASSERT_FATAL(!cgv_bitmap_create(&b, width, height));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                b.rgb[(y * width + x) * 3 + c] =
                    (uint8_t)(128 + 100 * sin(0.05 * (x * (c + 1) + y * 2) + phase));
    return b;
}

static char folder[] = "/tmp/cgv_test_dataset_XXXXXX", cache_path[64];

static void write_cache(uint64_t key) {
    cgv_cache_writer *writer;
    CU_ASSERT_FATAL(!cgv_cache_writer_open(&writer, cache_path, key, 60, 92));
    for (int i = 0; i < 5; i++) {
        cgv_bitmap b = smooth(i == 2 ? 50 : 120, 90, i);
        char name[32];
        snprintf(name, sizeof name, "picture %d", i);
        CU_ASSERT_FATAL(!cgv_cache_writer_add(writer, &b, name));
        cgv_bitmap_free(&b);
    }
    struct stat st;
    CU_ASSERT(stat(cache_path, &st) != 0); // not before it is whole
    CU_ASSERT_FATAL(!cgv_cache_writer_commit(&writer));
    CU_ASSERT_PTR_NULL(writer);
}

static void test_cache(void) {
    write_cache(42);
    CU_ASSERT(cgv_cache_matches(cache_path, 42));
    CU_ASSERT(!cgv_cache_matches(cache_path, 43));
    CU_ASSERT(!cgv_cache_matches("/nonexistent/a.frames", 42));
    cgv_frames *frames;
    CU_ASSERT_FATAL(!cgv_cache_open(&frames, cache_path));
    CU_ASSERT_EQUAL_FATAL(frames->count, 5);
    for (int i = 4; i >= 0; i--) {
        cgv_bitmap wanted = smooth(i == 2 ? 50 : 120, 90, i), got, small_one;
        char name[32];
        snprintf(name, sizeof name, "picture %d", i);
        char *described = frames->class->describe(frames, i);
        CU_ASSERT_STRING_EQUAL(described, name);
        free(described);
        CU_ASSERT_FATAL(!frames->class->read(frames, &got, i));
        CU_ASSERT_EQUAL(got.width, i == 2 ? 50 : 80); // a short side of 60, and none enlarged
        CU_ASSERT_EQUAL(got.height, i == 2 ? 90 : 60);
        CU_ASSERT_FATAL(!cgv_bitmap_resize(&small_one, got.width, got.height, &wanted,
                                           (cgv_box){0, 0, wanted.width, wanted.height}));
        double sum = 0;
        for (size_t k = 0; k < cgv_bitmap_bytes(got.width, got.height); k++)
            sum += abs(got.rgb[k] - small_one.rgb[k]);
        CU_ASSERT(sum / (double)cgv_bitmap_bytes(got.width, got.height) < 1.5);
        cgv_bitmap_free(&wanted);
        cgv_bitmap_free(&got);
        cgv_bitmap_free(&small_one);
    }
    cgv_frames_destroy(&frames);
    CU_ASSERT_PTR_NULL(frames);
    // Trained from at once.
    CU_ASSERT_FATAL(!cgv_cache_open(&frames, cache_path));
    cgv_dataset_params p = small();
    cgv_dataset *d;
    float a[PICTURE], b[PICTURE];
    CU_ASSERT_FATAL(!cgv_dataset_create(&d, frames, frames, &p));
    CU_ASSERT(!cgv_dataset_start(d, 0) && !cgv_dataset_next(d, a, b, NULL));
    cgv_dataset_destroy(&d);
    cgv_frames_destroy(&frames);
    remove(cache_path);
    // Given up: nothing is left behind.
    cgv_cache_writer *writer;
    CU_ASSERT_FATAL(!cgv_cache_writer_open(&writer, cache_path, 1, 0, 90));
    cgv_cache_writer_abort(&writer);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    CU_ASSERT_EQUAL(mkdir(folder, 0700), 0);
}

static void write_bytes(const uint8_t *data, size_t size) {
    FILE *file = fopen(cache_path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void expect_refused(void) {
    cgv_frames *frames;
    CU_ASSERT_EQUAL(cgv_cache_open(&frames, cache_path), CGV_ERROR_FORMAT);
    CU_ASSERT_PTR_NULL(frames);
    CU_ASSERT(cgv_test_said("a.frames"));
}

static void test_damaged_cache(void) {
    write_cache(42);
    FILE *file = fopen(cache_path, "rb");
    static uint8_t data[1 << 20];
    CU_ASSERT_FATAL(file != NULL);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    cgv_test_listen();
    for (size_t cut = 0; cut < size; cut += cut < 80 || cut > size - 80 ? 1 : 997) {
        write_bytes(data, cut);
        expect_refused();
    }
    for (size_t at = 0; at < size; at += at < 80 || at > size - 400 ? 1 : 499) {
        data[at] ^= 0x10;
        write_bytes(data, size);
        data[at] ^= 0x10;
        // Padding before the index is the only part that nothing depends on.
        cgv_frames *frames = NULL;
        cgv_status status = cgv_cache_open(&frames, cache_path);
        if (status) {
            CU_ASSERT_EQUAL(status, CGV_ERROR_FORMAT);
            CU_ASSERT(cgv_test_said("a.frames"));
        } else {
            CU_ASSERT(at > size - 400 && data[at] == 0);
        }
        cgv_frames_destroy(&frames);
    }
    write_bytes(data, size);
    cgv_frames *frames;
    CU_ASSERT_FATAL(!cgv_cache_open(&frames, cache_path));
    cgv_frames_destroy(&frames);
    remove(cache_path);
    CU_ASSERT_EQUAL(cgv_cache_open(&frames, cache_path), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("a.frames"));
}

int main(void) {
    if (!mkdtemp(folder))
        return 1;
    snprintf(cache_path, sizeof cache_path, "%s/a.frames", folder);
    int failed = cgv_test_run("dataset", (cgv_test_case[]){
                                             {"same bytes for any workers", test_workers},
                                             {"start anywhere", test_restart},
                                             {"epochs", test_epochs},
                                             {"crops and flips", test_crops},
                                             {"crops of many sizes", test_scales},
                                             {"exposure", test_exposure},
                                             {"preprocessing modes", test_modes},
                                             {"unreadable pictures", test_unreadable},
                                             {"resizing", test_resize},
                                             {"cache", test_cache},
                                             {"damaged cache", test_damaged_cache},
                                             {0},
                                         });
    rmdir(folder);
    return failed;
}
