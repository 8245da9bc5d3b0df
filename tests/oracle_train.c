// The training part of the checks: the same steps on the same inputs. What float32 itself loses
// is known from the reference's own comparison with float64 (spread.json).
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "oracle.h"
#include "support.h"
#include "train/trainer.h"

#define FIRST_LOSS_TOLERANCE 1e-4
#define LOSS_TOLERANCE       1e-3
#define GRADIENT_TOLERANCE   1e-3
#define MOVEMENT_TOLERANCE   5e-2
#define BIAS_TOLERANCE       1e-4 // of biases before a norm, relative to their weights' gradient
#define SPREAD_FACTOR        4
#define DOUBLE_FACTOR        1.05
#define DOUBLE_FLOOR         1e-7
#define GRADIENT_CHANCE      2e-2 // what one sign that turns does to them (docs/numerics.md)

static const char *const loss_names[] = {"G_A",   "G_B",   "cycle_A", "cycle_B",
                                         "idt_A", "idt_B", "D_A",     "D_B"};
enum { LOSSES = sizeof loss_names / sizeof *loss_names };
_Static_assert(offsetof(cgv_losses, d_b) == (LOSSES - 1) * sizeof(float),
               "the columns of trace.csv");

typedef struct expectation {
    cgv_trainer_params params;
    float lr;
    double *losses;      // [steps][LOSSES]
    double *loss_spread; // [steps]
    double gradient_spread, movement_spread[CGV_NETS];
} expectation;

static json_t *load_json(oracle_dir *dir, const char *name) {
    char *path = cgv_fs_format("%s/%s", dir->path, name);
    json_t *json = path ? json_load_file(path, 0, NULL) : NULL;
    if (!json)
        oracle_fail(dir, "cannot read %s", name);
    free(path);
    return json;
}

static double number(oracle_dir *dir, const json_t *value, const char *what) {
    if (!json_is_number(value))
        oracle_fail(dir, "no number for %s", what);
    return json_number_value(value);
}

static bool read_settings(oracle_dir *dir, expectation *e) {
    json_t *trace = load_json(dir, "trace.json");
    const char *gan = json_string_value(json_object_get(trace, "gan"));
    double lambda = number(dir, json_object_get(trace, "lam"), "lam");
    e->params = CGV_TRAINER_DEFAULTS;
    e->params.batch = dir->batch;
    e->params.height = e->params.width = dir->size;
    e->params.lambda_a = e->params.lambda_b = (float)lambda;
    e->params.identity = (float)number(dir, json_object_get(trace, "idt"), "idt");
    e->params.pool = 0;
    e->params.beta2 = oracle_decimal(e->params.beta2);
    e->params.epsilon = oracle_decimal(e->params.epsilon);
    e->lr = (float)number(dir, json_object_get(trace, "lr"), "lr");
    if (gan && !strcmp(gan, "vanilla"))
        e->params.gan = CGV_GAN_VANILLA;
    else if (!gan || strcmp(gan, "lsgan"))
        oracle_fail(dir, "unknown gan mode");
    json_decref(trace);
    return !dir->failures;
}

static bool read_spread(oracle_dir *dir, expectation *e) {
    json_t *spread = load_json(dir, "spread.json");
    const json_t *losses = json_object_get(spread, "losses");
    e->loss_spread = calloc((size_t)dir->steps, sizeof *e->loss_spread);
    for (int s = 0; e->loss_spread && s < dir->steps; s++)
        e->loss_spread[s] = number(dir, json_array_get(losses, (size_t)s), "the spread of losses");
    e->gradient_spread = number(dir, json_object_get(spread, "gradients"), "gradients");
    for (int i = 0; i < CGV_NETS; i++)
        e->movement_spread[i] =
            number(dir, json_object_get(json_object_get(spread, "movement"), oracle_net_names[i]),
                   "movement");
    json_decref(spread);
    return e->loss_spread && !dir->failures;
}

static bool read_losses(oracle_dir *dir, expectation *e) {
    char line[1024];
    char *path = cgv_fs_format("%s/trace.csv", dir->path);
    FILE *file = path ? fopen(path, "r") : NULL;
    int rows = 0;
    e->losses = calloc((size_t)dir->steps * LOSSES, sizeof *e->losses);
    bool ok = file && e->losses && fgets(line, sizeof line, file);
    for (; ok && rows < dir->steps && fgets(line, sizeof line, file); rows++) {
        char *at = strchr(line, ',');
        for (int i = 0; i < LOSSES && at; i++) {
            char *end;
            e->losses[rows * LOSSES + i] = strtod(at + 1, &end);
            at = end > at + 1 ? end : NULL;
        }
        ok = at != NULL;
    }
    if (!ok || rows != dir->steps)
        oracle_fail(dir, "trace.csv is missing or malformed");
    if (file)
        fclose(file);
    free(path);
    return !dir->failures;
}

// How far a number may be off whose kind lies `spread` apart in the reference's float32 and
// float64. In double precision we are where float64 is, and errors are relative to our numbers, as
// the spread's are to its.
static double limit_of(double tolerance, double spread) {
    return ORACLE_IN_DOUBLE ? DOUBLE_FACTOR * spread + DOUBLE_FLOOR
                            : fmax(tolerance, SPREAD_FACTOR * spread);
}

static void check_losses(oracle_dir *dir, const expectation *e, int step,
                         const cgv_losses *losses) {
    const float *values = (const float *)losses;
    double worst = 0, limit = limit_of(LOSS_TOLERANCE, e->loss_spread[step]);
    if (step == 0 && !ORACLE_IN_DOUBLE)
        limit = FIRST_LOSS_TOLERANCE;
    for (int i = 0; i < LOSSES; i++) {
        double expected = e->losses[step * LOSSES + i];
        double whole = fabs(ORACLE_IN_DOUBLE ? values[i] : expected);
        double error = fabs(values[i] - expected) / fmax(whole, 1e-12);
        if (expected == 0 && values[i] == 0)
            error = 0;
        worst = fmax(worst, error);
        oracle_off(dir, error, limit, step ? INFINITY : limit, "step %d: %s is %.9g, not %.9g,",
                   step, loss_names[i], (double)values[i], expected);
    }
    printf("  %s step %d: losses off by at most %.2e (spread %.2e, limit %.2e)\n", dir->path, step,
           worst, e->loss_spread[step], limit);
}

static double norm(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i] * values[i];
    return sqrt(sum);
}

static bool is_weight(const cgv_param *param) {
    return param->dims > 1;
}

// Whether the convolution with this bias feeds an instance norm, which cancels the bias.
static bool bias_is_cancelled(const cgv_net *net, int param) {
    for (int i = 0; i < net->node_count; i++)
        for (int j = i + 1; net->nodes[i].bias == param && j < net->node_count; j++)
            if (net->nodes[j].op == CGV_OP_INSTANCE_NORM && net->nodes[j].input[0] == i)
                return true;
    return false;
}

// Read one array of a network's state from the device, malloc'ed.
static float *read_state(oracle_dir *dir, const cgv_buffer *buffer) {
    float *values = malloc(buffer->size);
    if (!values || cgv_buffer_read(buffer, 0, values, buffer->size)) {
        oracle_fail(dir, "cannot read a network's state");
        free(values);
        values = NULL;
    }
    return values;
}

static void check_gradients(oracle_dir *dir, const expectation *e, const cgv_trainer *trainer) {
    double limit = limit_of(GRADIENT_TOLERANCE, e->gradient_spread), worst = 0, worst_bias = 0,
           worst_cancelled = 0;
    double bias_limit = fmax(GRADIENT_TOLERANCE, SPREAD_FACTOR * e->gradient_spread);
    for (int n = 0; n < CGV_NETS; n++) {
        const cgv_net *net = dir->nets[n]->net;
        char name[64];
        oracle_table table;
        snprintf(name, sizeof name, "grad_%s", oracle_net_names[n]);
        float *values = read_state(dir, &cgv_trainer_net(trainer, n)->grads);
        bool ready = oracle_table_read(dir, &table, name) && values;
        for (int p = 0; p < net->param_count && ready; p++) {
            const cgv_param *param = &net->params[p];
            size_t count;
            const float *expected = oracle_table_find(dir, &table, param->name, &count);
            const float *own = values + param->offset;
            if (!expected || count != param->count)
                continue;
            if (!is_weight(param) && bias_is_cancelled(net, p)) {
                // Its weight comes right before it in the table.
                double share = norm(own, count) /
                               fmax(norm(values + param[-1].offset, param[-1].count), 1e-30);
                worst_cancelled = fmax(worst_cancelled, share);
                oracle_off(dir, share, BIAS_TOLERANCE, BIAS_TOLERANCE,
                           "%s %s: gradient, of 0, by its weights',", name, param->name);
                continue;
            }
            double error = ORACLE_IN_DOUBLE ? cgv_test_relative_error(expected, own, count)
                                            : cgv_test_relative_error(own, expected, count);
            double *most = is_weight(param) ? &worst : &worst_bias;
            *most = fmax(*most, error);
            // The spread is that of weights: biases, whose gradients cancel more, have float32's
            // limit.
            double allowed = is_weight(param) ? limit : bias_limit;
            oracle_off(dir, error, allowed, fmax(allowed, GRADIENT_CHANCE), "%s %s: gradient", name,
                       param->name);
        }
        oracle_table_free(&table);
        free(values);
    }
    printf(
        "  %s: first gradients off by at most %.2e (spread %.2e, limit %.2e), biases %.1e (limit "
        "%.1e), cancelled ones %.1e\n",
        dir->path, worst, e->gradient_spread, limit, worst_bias, bias_limit, worst_cancelled);
}

static void check_movement(oracle_dir *dir, const expectation *e, const cgv_trainer *trainer) {
    for (int n = 0; n < CGV_NETS; n++) {
        const cgv_model *model = dir->nets[n];
        double limit = limit_of(MOVEMENT_TOLERANCE, e->movement_spread[n]), worst = 0;
        char name[64];
        oracle_table table;
        snprintf(name, sizeof name, "final_%s", oracle_net_names[n]);
        float *values = read_state(dir, &cgv_trainer_net(trainer, n)->params.values);
        bool ready = oracle_table_read(dir, &table, name) && values;
        for (int p = 0; p < model->net->param_count && ready; p++) {
            const cgv_param *param = &model->net->params[p];
            const float *start = model->params + param->offset;
            double difference = 0, movement = 0;
            size_t count;
            const float *expected = oracle_table_find(dir, &table, param->name, &count);
            if (!is_weight(param) || !expected || count != param->count)
                continue;
            for (size_t i = 0; i < count; i++) {
                double own = (double)values[param->offset + i] - start[i];
                double other = (double)expected[i] - start[i];
                difference += (own - other) * (own - other);
                movement += ORACLE_IN_DOUBLE ? own * own : other * other;
            }
            double error = sqrt(difference / fmax(movement, 1e-30));
            worst = fmax(worst, error);
            oracle_off(dir, error, limit, INFINITY, "%s %s: movement", name, param->name);
        }
        printf("  %s: %s moved within %.2e (spread %.2e, limit %.2e)\n", dir->path, name, worst,
               e->movement_spread[n], limit);
        oracle_table_free(&table);
        free(values);
    }
}

// As a sign that rounding turned would: other weights from here on.
static void nudge(oracle_dir *dir, const cgv_trainer *trainer) {
    const cgv_buffer *buffer = &cgv_trainer_net(trainer, CGV_G_A)->params.values;
    const cgv_param *first = dir->nets[CGV_G_A]->net->params;
    float *values = read_state(dir, buffer);
    for (size_t i = 0; values && i < first->count; i++)
        values[first->offset + i] += dir->nudge;
    if (!values || cgv_buffer_write(buffer, 0, values, buffer->size))
        oracle_fail(dir, "cannot change a network's weights");
    free(values);
}

void oracle_check_training(oracle_dir *dir, cgv_device *device) {
    expectation e = {0};
    cgv_trainer *trainer = NULL;
    size_t picture = (size_t)dir->batch * 3 * (size_t)dir->size * (size_t)dir->size;
    float *a = oracle_read_floats(dir, "inputs_a.bin", (size_t)dir->steps * picture);
    float *b = oracle_read_floats(dir, "inputs_b.bin", (size_t)dir->steps * picture);
    const cgv_model *models[CGV_NETS] = {dir->nets[0], dir->nets[1], dir->nets[2], dir->nets[3]};
    if (!a || !b || !read_settings(dir, &e) || !read_spread(dir, &e) || !read_losses(dir, &e))
        goto done;
    if (cgv_trainer_create(&trainer, device, models, &e.params)) {
        oracle_fail(dir, "the trainer cannot be created");
        goto done;
    }
    for (int s = 0; s < dir->steps; s++) {
        cgv_losses losses;
        size_t offset = (size_t)s * picture;
        if (cgv_trainer_step(trainer, &losses, a + offset, b + offset, NULL, e.lr, e.lr)) {
            oracle_fail(dir, "step %d fails", s);
            goto done;
        }
        check_losses(dir, &e, s, &losses);
        if (s == 0)
            check_gradients(dir, &e, trainer);
        if (s == 0 && dir->nudge != 0)
            nudge(dir, trainer);
    }
    check_movement(dir, &e, trainer);
done:
    cgv_trainer_destroy(&trainer);
    free(e.losses);
    free(e.loss_spread);
    free(a);
    free(b);
}
