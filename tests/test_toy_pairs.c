// Learning from pairs: outlines become filled shapes, circles red ones and squares blue ones, on
// grey. A picture's line says nothing in itself: which colour belongs to a pixel is decided by the
// shape that it lies in. Judged on shapes that were not seen. test_toy_pairs SHEET.png also writes
// what it made of them: outlines, the generator's pictures, the true ones.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "cgvideo/translator.h"
#include "nn/arch.h"
#include "support.h"
#include "train/checkpoint.h"
#include "train/grid.h"
#include "train/png.h"
#include "train/trainer.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, PICTURE = 3 * PLANE, BATCH = 4, STEPS = 900, TESTS = 24 };

static const char *sheet; // NULL: none is wanted

// What a pixel belongs to.
typedef enum part { OUTSIDE, LINE, CIRCLE, SQUARE } part;

typedef struct shape {
    float x, y, radius;
    bool square;
} shape;

static part part_of(const shape *s, int x, int y) {
    float dx = fabsf((float)x - s->x), dy = fabsf((float)y - s->y);
    float distance = s->square ? fmaxf(dx, dy) : hypotf(dx, dy);
    if (distance > s->radius)
        return OUTSIDE;
    return distance > s->radius - 1.2f ? LINE : s->square ? SQUARE : CIRCLE;
}

// A pair [3, SIDE, SIDE]: white lines on black; filled on grey, the line with what it encloses.
static shape draw(float *a, float *b, cgv_rng *rng) {
    static const float colours[][3] = {
        {0, 0, 0}, [CIRCLE] = {0.8f, -0.6f, -0.6f}, [SQUARE] = {-0.6f, -0.6f, 0.8f}};
    shape s = {.x = 10 + 12 * cgv_rng_float(rng),
               .y = 10 + 12 * cgv_rng_float(rng),
               .radius = 5 + 4 * cgv_rng_float(rng),
               .square = cgv_rng_below(rng, 2)};
    for (int i = 0; i < PLANE; i++) {
        part p = part_of(&s, i % SIDE, i / SIDE);
        for (int c = 0; c < 3; c++) {
            a[c * PLANE + i] = p == LINE ? 1 : -1;
            b[c * PLANE + i] = colours[p == LINE ? (s.square ? SQUARE : CIRCLE) : p][c];
        }
    }
    return s;
}

static cgv_model *create_model(const cgv_arch_options *arch, uint64_t seed) {
    cgv_net *net;
    cgv_model *model;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, arch), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_model_from_net(&model, net, "new"), CGV_OK);
    cgv_arch_init(net, model->params, seed);
    return model;
}

static cgv_trainer *train(cgv_device *device, const cgv_model *generator, const cgv_model *judge) {
    static float a[BATCH * PICTURE], b[BATCH * PICTURE];
    const cgv_model *models[CGV_NETS] = {[CGV_G_A] = generator, [CGV_D_A] = judge};
    cgv_trainer_params params = CGV_TRAINER_PAIRED_DEFAULTS;
    params.batch = BATCH;
    params.height = params.width = SIDE;
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_create(&trainer, device, models, &params), CGV_OK);
    cgv_rng rng;
    cgv_rng_seed(&rng, 7, 0);
    for (int step = 0; step < STEPS; step++) {
        cgv_losses losses;
        for (int i = 0; i < BATCH; i++)
            draw(a + i * PICTURE, b + i * PICTURE, &rng);
        float lr = 1e-3f * (step < STEPS / 2 ? 1 : 2 - 2 * (float)step / STEPS);
        CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, &losses, a, b, NULL, lr, lr), CGV_OK);
        if (step % 150 == 149)
            printf("  step %d: G %.3f L1 %.3f D %.3f\n", step + 1, (double)losses.g_a,
                   (double)losses.l1_a, (double)losses.d_a);
    }
    return trainer;
}

static uint8_t to_byte(float value) {
    return (uint8_t)lrintf((value + 1) * 127.5f);
}

// The generator's picture of one test, through the filter.
static void translate(cgv_translator *translator, float *y, const float *a) {
    static uint8_t in[PICTURE], out[PICTURE];
    for (int i = 0; i < PICTURE; i++)
        in[i] = to_byte(a[i % 3 * PLANE + i / 3]);
    cgv_picture source = {.data = {in}, .stride = {3 * SIDE}};
    cgv_picture result = {.data = {out}, .stride = {3 * SIDE}};
    CU_ASSERT_EQUAL_FATAL(cgv_translator_send(translator, &source), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_translator_receive(translator, &result), CGV_OK);
    for (int i = 0; i < PICTURE; i++)
        y[i % 3 * PLANE + i / 3] = (float)out[i] / 127.5f - 1;
}

// What the colour of a pixel says that it is.
static part seen(const float *picture, int i) {
    float red = picture[i] - picture[2 * PLANE + i];
    return red > 0.7f ? CIRCLE : red < -0.7f ? SQUARE : OUTSIDE;
}

static void write_sheet(float pictures[3][TESTS * PICTURE]) {
    const float *columns[] = {pictures[0], pictures[1], pictures[2]};
    cgv_grid grid;
    CU_ASSERT_EQUAL_FATAL(cgv_grid_create(&grid, columns, 3, TESTS, SIDE, SIDE), CGV_OK);
    CU_ASSERT_EQUAL(cgv_png_write(sheet, grid.rgb, grid.width, grid.height), CGV_OK);
    cgv_grid_free(&grid);
}

static void judge_file(cgv_device *device, const char *path) {
    static float pictures[3][TESTS * PICTURE]; // outlines, made of them, true
    cgv_model *model;
    cgv_translator *translator;
    cgv_picture_format format = cgv_picture_format_rgb24(SIDE, SIDE);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_translator_create(&translator, device, model, &format, &format, NULL),
                          CGV_OK);
    cgv_rng rng;
    cgv_rng_seed(&rng, 99, 0);
    int right[4] = {0}, count[4] = {0};
    for (int t = 0; t < TESTS; t++) {
        float *a = pictures[0] + t * PICTURE, *y = pictures[1] + t * PICTURE;
        shape s = draw(a, pictures[2] + t * PICTURE, &rng);
        translate(translator, y, a);
        for (int i = 0; i < PLANE; i++) {
            part p = part_of(&s, i % SIDE, i / SIDE);
            count[p]++;
            right[p] += seen(y, i) == p;
        }
    }
    if (sheet)
        write_sheet(pictures);
    double outside = (double)right[OUTSIDE] / count[OUTSIDE];
    double circles = (double)right[CIRCLE] / count[CIRCLE];
    double squares = (double)right[SQUARE] / count[SQUARE];
    printf("  right colours: %.1f %% outside, %.1f %% in circles, %.1f %% in squares\n",
           100 * outside, 100 * circles, 100 * squares);
    CU_ASSERT(outside > 0.95);
    CU_ASSERT(circles > 0.9);
    CU_ASSERT(squares > 0.9);
    cgv_translator_destroy(&translator);
    cgv_model_destroy(&model);
}

static void test_shapes(void) {
    cgv_device *device = cgv_test_device();
    cgv_model *generator = create_model(&(cgv_arch_options){.name = "unet_16", .ngf = 12}, 1);
    cgv_model *judge = create_model(
        &(cgv_arch_options){.name = "patchgan", .ndf = 8, .layers = 2, .judged = 6}, 2);
    char path[] = "/tmp/cgvideo-toy-XXXXXX.safetensors";
    int file = mkstemps(path, 12);
    CU_ASSERT_FATAL(file >= 0);
    close(file);
    cgv_trainer *trainer = train(device, generator, judge);
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_export(trainer, CGV_G_A, path, true), CGV_OK);
    judge_file(device, path);
    unlink(path);
    cgv_trainer_destroy(&trainer);
    cgv_model_destroy(&generator);
    cgv_model_destroy(&judge);
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {{"outlines to filled shapes", test_shapes}, {0}};
    sheet = argc > 1 ? argv[1] : NULL;
    return cgv_test_run("toy pairs", cases);
}
