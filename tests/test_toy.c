// Learning, not only descending: red discs on grey noise are to become blue ones, and back, from
// unpaired pictures. Judged on the colours and shapes that the exported generator gives to discs
// it has not seen, in a few hundred steps.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "cgvideo/translator.h"
#include "nn/arch.h"
#include "support.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

enum { SIDE = 32, CELL = 8, BATCH = 4, STEPS = 600, TESTS = 20 };

typedef struct disc {
    float x, y, radius;
} disc;

static bool inside(const disc *d, int x, int y) {
    return hypotf((float)x - d->x, (float)y - d->y) < d->radius;
}

// One picture [3, SIDE, SIDE]: a disc, red or blue, on grey noise of little contrast, in cells that
// a network of this size can carry through.
static disc draw(float *out, cgv_rng *rng, bool red) {
    disc d = {.x = 8 + 16 * cgv_rng_float(rng),
              .y = 8 + 16 * cgv_rng_float(rng),
              .radius = 5 + 4 * cgv_rng_float(rng)};
    float noise[SIDE / CELL][SIDE / CELL];
    for (int i = 0; i < SIDE / CELL * (SIDE / CELL); i++)
        noise[i / (SIDE / CELL)][i % (SIDE / CELL)] = 0.8f * cgv_rng_float(rng) - 0.4f;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float grey = noise[y / CELL][x / CELL];
            bool in = inside(&d, x, y);
            float colour[3] = {red ? 0.8f : -0.8f, -0.8f, red ? -0.8f : 0.8f};
            for (int c = 0; c < 3; c++)
                out[(c * SIDE + y) * SIDE + x] = in ? colour[c] : grey;
        }
    return d;
}

static cgv_model *create_model(const cgv_arch_options *arch, uint64_t seed) {
    cgv_net *net;
    cgv_model *model;
    if (cgv_arch_by_name(&net, arch) || cgv_model_from_net(&model, net, "new"))
        return NULL;
    cgv_arch_init(net, model->params, seed);
    return model;
}

static cgv_trainer *train(cgv_device *device, cgv_model *models[CGV_NETS]) {
    cgv_arch_options generator = {.name = "resnet_2blocks", .ngf = 8, .upsample = "resize"};
    cgv_arch_options discriminator = {.name = "patchgan", .ndf = 16, .layers = 2};
    const cgv_model *given[CGV_NETS];
    for (int i = 0; i < CGV_NETS; i++) {
        models[i] = create_model(i < CGV_D_A ? &generator : &discriminator, (uint64_t)i + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(models[i]);
        given[i] = models[i];
    }
    cgv_trainer_params params = CGV_TRAINER_DEFAULTS;
    params.batch = BATCH;
    params.height = params.width = SIDE;
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_create(&trainer, device, given, &params), CGV_OK);

    enum { PICTURE = 3 * SIDE * SIDE };
    static float a[BATCH * PICTURE], b[BATCH * PICTURE];
    cgv_rng rng;
    cgv_rng_seed(&rng, 7, 0);
    for (int step = 0; step < STEPS; step++) {
        cgv_losses losses;
        for (int i = 0; i < BATCH; i++) {
            draw(a + i * PICTURE, &rng, true);
            draw(b + i * PICTURE, &rng, false);
        }
        float lr = 1e-3f * (step < STEPS / 2 ? 1 : 2 - 2 * (float)step / STEPS);
        CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, &losses, a, b, NULL, lr, lr), CGV_OK);
        if (step % 100 == 99)
            printf("  step %d: G_A %.3f cycle_A %.3f D_A %.3f\n", step + 1, (double)losses.g_a,
                   (double)losses.cycle_a, (double)losses.d_a);
    }
    return trainer;
}

static uint8_t byte(float value) {
    return (uint8_t)lrintf((value + 1) * 127.5f);
}

// Share of disc pixels of the target colour, of the discs' shapes kept, and how much the noise
// around them changed (codes).
typedef struct score {
    double colour, overlap, background;
} score;

static score judge(cgv_device *device, const char *path, bool to_blue) {
    cgv_model *model;
    cgv_translator *translator;
    cgv_picture_format format = cgv_picture_format_rgb24(SIDE, SIDE);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_translator_create(&translator, device, model, &format, &format, NULL),
                          CGV_OK);
    cgv_rng rng;
    cgv_rng_seed(&rng, 99, 0);
    int turned = 0, discs = 0, both = 0, either = 0, around = 0;
    double background = 0;
    for (int t = 0; t < TESTS; t++) {
        static float picture[3 * SIDE * SIDE];
        static uint8_t in[SIDE * SIDE * 3], out[SIDE * SIDE * 3];
        disc d = draw(picture, &rng, to_blue);
        for (int p = 0; p < SIDE * SIDE; p++)
            for (int c = 0; c < 3; c++)
                in[3 * p + c] = byte(picture[c * SIDE * SIDE + p]);
        cgv_picture source = {.data = {in}, .stride = {3 * SIDE}};
        cgv_picture result = {.data = {out}, .stride = {3 * SIDE}};
        CU_ASSERT_EQUAL_FATAL(cgv_translator_send(translator, &source), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_translator_receive(translator, &result), CGV_OK);
        for (int p = 0; p < SIDE * SIDE; p++) {
            const uint8_t *pixel = out + 3 * p;
            int excess = to_blue ? pixel[2] - pixel[0] : pixel[0] - pixel[2];
            bool is = inside(&d, p % SIDE, p / SIDE), looks = excess > 60;
            discs += is;
            turned += is && looks;
            both += is && looks;
            either += is || looks;
            for (int c = 0; c < 3 && !is; c++, around++)
                background += abs(pixel[c] - in[3 * p + c]);
        }
    }
    cgv_translator_destroy(&translator);
    cgv_model_destroy(&model);
    return (score){(double)turned / discs, (double)both / either, background / around};
}

static void test_discs(void) {
    cgv_device *device = cgv_test_device();
    cgv_model *models[CGV_NETS];
    time_t start = time(NULL);
    cgv_trainer *trainer = train(device, models);
    printf("  %d steps in %.0f s\n", STEPS, difftime(time(NULL), start));
    for (int net = CGV_G_A; net <= CGV_G_B; net++) {
        char path[] = "/tmp/cgvideo-toy-XXXXXX.safetensors";
        int file = mkstemps(path, 12);
        CU_ASSERT_FATAL(file >= 0);
        close(file);
        CU_ASSERT_EQUAL_FATAL(cgv_trainer_export(trainer, net, path, true), CGV_OK);
        score s = judge(device, path, net == CGV_G_A);
        printf("  %s: %.1f %% of the discs turned, shapes overlap %.1f %%, noise changed by %.1f\n",
               net == CGV_G_A ? "red to blue" : "blue to red", 100 * s.colour, 100 * s.overlap,
               s.background);
        CU_ASSERT(s.colour > 0.85);
        CU_ASSERT(s.overlap > 0.7);
        CU_ASSERT(s.background < 20);
        unlink(path);
    }
    cgv_trainer_destroy(&trainer);
    for (int i = 0; i < CGV_NETS; i++)
        cgv_model_destroy(&models[i]);
}

int main(void) {
    static const cgv_test_case cases[] = {{"red and blue discs", test_discs}, {0}};
    return cgv_test_run("toy", cases);
}
