// Paired training against another implementation: test_peer_pairs DIR, a directory that
// bench/peers/torch_pairs.py made and describes. What float32 itself loses is known from there.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "model/model.h"
#include "support.h"
#include "train/trainer.h"

#define FIRST_LOSS_TOLERANCE 1e-4
#define LOSS_TOLERANCE       1e-3
#define GRADIENT_TOLERANCE   1e-3
#define MOVEMENT_TOLERANCE   5e-2
#define SPREAD_FACTOR        4

enum { GENERATOR, JUDGE, NETS };

static const char *directory;

static char *path_of(const char *kind, const char *rest) {
    char *path = cgv_fs_format("%s/%s%s", directory, kind, rest);
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    return path;
}

static FILE *open_file(const char *kind, const char *rest) {
    char *path = path_of(kind, rest);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    free(path);
    return file;
}

static double next_number(FILE *file) {
    double number = NAN;
    CU_ASSERT_EQUAL_FATAL(fscanf(file, "%lf", &number), 1);
    return number;
}

static float *read_pictures(const char *kind, const char *rest, size_t floats) {
    void *data = NULL;
    size_t size = 0;
    char *path = path_of(kind, rest);
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 1u << 30), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(size, floats * sizeof(float));
    free(path);
    return data;
}

static cgv_model *load(const char *kind, int net, const char *rest) {
    char name[32];
    cgv_model *model;
    snprintf(name, sizeof name, "_%c%s.pth", "GD"[net], rest);
    char *path = path_of(kind, name);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
    free(path);
    return model;
}

static double at_least(double tolerance, double spread) {
    return fmax(tolerance, SPREAD_FACTOR * spread);
}

static void hold(const char *kind, const char *what, double error, double limit) {
    printf("  %s: %s off by %.1e (limit %.1e)\n", kind, what, error, limit);
    CU_ASSERT(error <= limit);
}

static float *read_state(const cgv_buffer *buffer) {
    float *values = malloc(buffer->size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(buffer, 0, values, buffer->size), CGV_OK);
    return values;
}

// Distance of all weights together from the expected ones, relative to how far these are from
// `start`, NULL: from zero. Biases before a norm have no gradient but rounding.
static double distance(const cgv_net *net, const float *got, const float *expected,
                       const float *start) {
    double error = 0, norm = 0;
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[i];
        for (size_t k = p->offset; p->dims > 1 && k < p->offset + p->count; k++) {
            double origin = start ? start[k] : 0;
            error += ((double)got[k] - expected[k]) * ((double)got[k] - expected[k]);
            norm += (expected[k] - origin) * (expected[k] - origin);
        }
    }
    return sqrt(error / norm);
}

static void check_gradients(const char *kind, const cgv_trainer *trainer, int net, double spread) {
    static const int of[NETS] = {CGV_G_A, CGV_D_A};
    cgv_model *expected = load(kind, net, "_grad");
    float *got = read_state(&cgv_trainer_net(trainer, of[net])->grads);
    hold(kind, net == GENERATOR ? "first gradients of G" : "first gradients of D",
         distance(expected->net, got, expected->params, NULL),
         at_least(GRADIENT_TOLERANCE, spread));
    free(got);
    cgv_model_destroy(&expected);
}

static void check_movement(const char *kind, const cgv_trainer *trainer, int net, double spread) {
    static const int of[NETS] = {CGV_G_A, CGV_D_A};
    const cgv_net_state *state = cgv_trainer_net(trainer, of[net]);
    cgv_model *expected = load(kind, net, "_end");
    float *got = read_state(&state->params.values);
    hold(kind, net == GENERATOR ? "movement of G" : "movement of D",
         distance(expected->net, got, expected->params, state->model->params),
         at_least(MOVEMENT_TOLERANCE, spread));
    free(got);
    cgv_model_destroy(&expected);
}

typedef struct expectation {
    double losses[64][4]; // of each step: GAN, L1, discriminator; spread
    double gradient_spread[NETS], movement_spread[NETS];
} expectation;

static expectation read_expectation(const char *kind, int steps) {
    expectation e = {0};
    FILE *file = open_file(kind, ".losses");
    CU_ASSERT_FATAL(steps > 0 && steps <= 64);
    for (int i = 0; i < 4 * steps; i++)
        e.losses[i / 4][i % 4] = next_number(file);
    for (int net = 0; net < NETS; net++) {
        e.gradient_spread[net] = next_number(file);
        e.movement_spread[net] = next_number(file);
    }
    fclose(file);
    return e;
}

static void check_kind(const char *kind, cgv_gan_mode mode) {
    FILE *file = open_file(kind, ".trace");
    cgv_trainer_params params = CGV_TRAINER_PAIRED_DEFAULTS;
    int steps = (int)next_number(file);
    params.batch = (int)next_number(file);
    params.height = params.width = (int)next_number(file);
    float lr = (float)next_number(file);
    params.lambda_l1 = (float)next_number(file);
    params.gan = mode;
    fclose(file);
    expectation e = read_expectation(kind, steps);
    size_t batch = 3 * (size_t)params.batch * (size_t)params.height * (size_t)params.width;
    float *a = read_pictures(kind, "_a.bin", (size_t)steps * batch);
    float *b = read_pictures(kind, "_b.bin", (size_t)steps * batch);
    cgv_model *models[NETS] = {load(kind, GENERATOR, ""), load(kind, JUDGE, "")};
    const cgv_model *given[CGV_NETS] = {[CGV_G_A] = models[0], [CGV_D_A] = models[1]};
    cgv_trainer *trainer;
    CU_ASSERT_EQUAL_FATAL(cgv_trainer_create(&trainer, cgv_test_device(), given, &params), CGV_OK);
    for (int s = 0; s < steps; s++) {
        cgv_losses l;
        CU_ASSERT_EQUAL_FATAL(cgv_trainer_step(trainer, &l, a + (size_t)s * batch,
                                               b + (size_t)s * batch, NULL, lr, lr),
                              CGV_OK);
        const double got[3] = {(double)l.g_a, (double)l.l1_a, (double)l.d_a};
        double worst = 0;
        for (int i = 0; i < 3; i++)
            worst = fmax(worst, fabs(got[i] / e.losses[s][i] - 1));
        CU_ASSERT(!isnan(got[0] + got[1] + got[2])); // which fmax would hide
        hold(kind, s ? "losses" : "first losses", worst,
             s ? at_least(LOSS_TOLERANCE, e.losses[s][3]) : FIRST_LOSS_TOLERANCE);
        for (int net = 0; s == 0 && net < NETS; net++)
            check_gradients(kind, trainer, net, e.gradient_spread[net]);
    }
    for (int net = 0; net < NETS; net++)
        check_movement(kind, trainer, net, e.movement_spread[net]);
    cgv_trainer_destroy(&trainer);
    for (int net = 0; net < NETS; net++)
        cgv_model_destroy(&models[net]);
    free(a);
    free(b);
}

static void test_vanilla(void) {
    check_kind("vanilla", CGV_GAN_VANILLA);
}

static void test_lsgan(void) {
    check_kind("lsgan", CGV_GAN_LSGAN);
}

static void test_hinge(void) {
    check_kind("hinge", CGV_GAN_HINGE);
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {
        {"vanilla", test_vanilla}, {"least squares", test_lsgan}, {"hinge", test_hinge}, {0}};
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    return cgv_test_run("paired training of a peer", cases);
}
