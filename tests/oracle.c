#include "oracle.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "nn/plan.h"
#include "support.h"

#define FILE_LIMIT        (1u << 30)
#define FORWARD_TOLERANCE 1e-4

const char *const oracle_net_names[4] = {"G_A", "G_B", "D_A", "D_B"};

void oracle_fail(oracle_dir *dir, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("  FAILED %s: ", dir->path);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    dir->failures++;
}

static char *join(const oracle_dir *dir, const char *name, const char *suffix) {
    char *path = cgv_fs_format("%s/%s%s", dir->path, name, suffix);
    if (!path)
        abort();
    return path;
}

void oracle_off(oracle_dir *dir, double error, double limit, double chance, const char *format,
                ...) {
    char what[128];
    va_list args;
    if (error <= limit)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (ORACLE_IN_DOUBLE || !(error <= chance)) {
        oracle_fail(dir, "%s off by %.1e, limit %.1e", what, error, limit);
        return;
    }
    printf("  OVER %s: %s off by %.1e, limit %.1e\n", dir->path, what, error, limit);
    if (!dir->misses++)
        snprintf(dir->parted, sizeof dir->parted, "%s off by %.1e, limit %.1e", what, error, limit);
}

// A file's numbers in the type that is computed in. Frees `data`, which may be NULL.
static float *take(void *data, size_t count) {
    const float32 *from = data;
    float *values = data ? malloc((count + 1) * sizeof *values) : NULL;
    for (size_t i = 0; values && i < count; i++)
        values[i] = from[i];
    free(data);
    return values;
}

bool oracle_table_read(oracle_dir *dir, oracle_table *out, const char *name) {
    void *data = NULL;
    size_t size = 0;
    *out = (oracle_table){0};
    char *json = join(dir, name, ".json"), *bin = join(dir, name, ".bin");
    out->entries = json_load_file(json, 0, NULL);
    if (!out->entries || cgv_fs_read(&data, &size, bin, FILE_LIMIT) || size % sizeof(float32))
        oracle_fail(dir, "cannot read %s.json and %s.bin", name, name);
    out->count = size / sizeof(float32);
    out->values = take(data, out->count);
    free(json);
    free(bin);
    return out->entries && out->values;
}

void oracle_table_free(oracle_table *table) {
    json_decref(table->entries);
    free(table->values);
    *table = (oracle_table){0};
}

const float *oracle_table_find(oracle_dir *dir, const oracle_table *table, const char *name,
                               size_t *count) {
    const json_t *entry = json_object_get(table->entries, name);
    const json_t *shape = json_object_get(entry, "shape"), *dimension;
    size_t offset = (size_t)json_integer_value(json_object_get(entry, "offset")), i;
    *count = 1;
    json_array_foreach (shape, i, dimension)
        *count *= (size_t)json_integer_value(dimension);
    if (!entry || offset % sizeof(float32) || offset / sizeof(float32) + *count > table->count) {
        oracle_fail(dir, "no tensor %s", name);
        return NULL;
    }
    return table->values + offset / sizeof(float32);
}

float *oracle_read_floats(oracle_dir *dir, const char *name, size_t count) {
    void *data = NULL;
    size_t size = 0;
    char *path = join(dir, name, "");
    if (cgv_fs_read(&data, &size, path, FILE_LIMIT) || size != count * sizeof(float32)) {
        oracle_fail(dir, "%s does not hold %zu values", name, count);
        free(data);
        data = NULL;
    }
    free(path);
    return take(data, count);
}

float oracle_decimal(float constant) {
    char text[32];
    snprintf(text, sizeof text, "%.6g", constant);
    return (float)strtod(text, NULL);
}

static void open_net(oracle_dir *dir, int net) {
    const char *name = oracle_net_names[net];
    oracle_table table;
    char *file = cgv_fs_format("latest_net_%s.pth", name);
    char *path = join(dir, file, "");
    if (cgv_model_load(&dir->nets[net], path)) {
        oracle_fail(dir, "cannot load %s", file);
        goto done;
    }
    if (!oracle_table_read(dir, &table, name)) {
        oracle_table_free(&table);
        goto done;
    }
    const cgv_model *model = dir->nets[net];
    if (json_object_size(table.entries) != (size_t)model->net->param_count)
        oracle_fail(dir, "%s has %d parameters, %s.json %zu", file, model->net->param_count, name,
                    json_object_size(table.entries));
    for (int i = 0; i < model->net->param_count; i++) {
        const cgv_param *param = &model->net->params[i];
        size_t count;
        const float *values = oracle_table_find(dir, &table, param->name, &count);
        if (values && (count != param->count ||
                       memcmp(values, model->params + param->offset, count * sizeof(float))))
            oracle_fail(dir, "%s: %s differs from %s.bin", file, param->name, name);
    }
    for (int i = 0; i < model->net->node_count; i++) {
        cgv_node *node = &model->net->nodes[i];
        node->slope = oracle_decimal(node->slope);
        node->epsilon = oracle_decimal(node->epsilon);
    }
    oracle_table_free(&table);
done:
    free(path);
    free(file);
}

void oracle_open(oracle_dir *dir, const char *path) {
    *dir = (oracle_dir){.path = path};
    char *file = join(dir, "trace.json", "");
    json_t *trace = json_load_file(file, 0, NULL);
    dir->size = (int)json_integer_value(json_object_get(trace, "size"));
    dir->steps = (int)json_integer_value(json_object_get(trace, "steps"));
    dir->batch = (int)json_integer_value(json_object_get(trace, "batch"));
    if (dir->size <= 0 || dir->steps <= 0 || dir->batch <= 0)
        oracle_fail(dir, "trace.json is missing or malformed");
    json_decref(trace);
    free(file);
    for (int i = 0; i < 4; i++)
        open_net(dir, i);
}

void oracle_close(oracle_dir *dir) {
    for (int i = 0; i < 4; i++)
        cgv_model_destroy(&dir->nets[i]);
}

// The output of a network for one batch of inputs, malloc'ed; NULL and a failure if it cannot run.
static float *run(oracle_dir *dir, cgv_device *device, const cgv_model *model, const float *input,
                  size_t *count) {
    cgv_params params = {0};
    cgv_plan *plan = NULL;
    cgv_tape tape = {0};
    cgv_buffer in = {0}, out = {0};
    cgv_cmd *cmd = NULL;
    float *output = NULL;
    // Of the double build only what trains: Winograd's does not.
    cgv_plan_params shape = {.n = dir->batch,
                             .h = dir->size,
                             .w = dir->size,
                             .kernels = ORACLE_IN_DOUBLE ? CGV_KERNELS_DIRECT : CGV_KERNELS_RULES};
    cgv_status status = cgv_params_create(&params, device, model->net, model->params);
    if (!status)
        status = cgv_plan_create(&plan, device, model->net, &shape);
    if (!status)
        status = cgv_tape_create(&tape, plan);
    uint64_t in_bytes = cgv_tensor_bytes(tape.input), out_bytes = cgv_tensor_bytes(tape.output);
    if (!status)
        status = cgv_buffer_create(&in, device, in_bytes, CGV_MEMORY_UPLOAD, "test input");
    if (!status)
        status = cgv_buffer_create(&out, device, out_bytes, CGV_MEMORY_READBACK, "test output");
    if (!status)
        status = cgv_cmd_create(&cmd, device, false);
    if (!status) {
        cgv_tensor source = tape.input, sink = tape.output;
        source.address = in.address;
        sink.address = out.address;
        memcpy(in.host, input, in_bytes);
        cgv_cmd_begin(cmd);
        cgv_plan_pack(plan, cmd, &params);
        cgv_activation_apply(cmd, tape.input, source, CGV_ACT_NONE, 0);
        cgv_plan_record(plan, cmd, &params, &tape);
        cgv_activation_apply(cmd, sink, tape.output, CGV_ACT_NONE, 0);
        status = cgv_cmd_run(cmd);
    }
    *count = out_bytes / sizeof(float);
    output = status ? NULL : malloc(out_bytes);
    if (output)
        memcpy(output, out.host, out_bytes);
    else
        oracle_fail(dir, "a network does not run: %s", cgv_status_text(status));
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&in);
    cgv_buffer_destroy(&out);
    cgv_tape_destroy(&tape);
    cgv_plan_destroy(&plan);
    cgv_params_destroy(&params);
    return output;
}

void oracle_check_forward(oracle_dir *dir, cgv_device *device) {
    static const struct {
        int net;
        char input; // of which domain
        const char *name;
    } cases[] = {{ORACLE_G_A, 'a', "G_A(a)"},
                 {ORACLE_G_B, 'b', "G_B(b)"},
                 {ORACLE_D_A, 'b', "D_A(b)"},
                 {ORACLE_D_B, 'a', "D_B(a)"}};
    oracle_table forward;
    size_t picture = (size_t)dir->batch * 3 * (size_t)dir->size * (size_t)dir->size;
    float *a = oracle_read_floats(dir, "inputs_a.bin", (size_t)dir->steps * picture);
    float *b = oracle_read_floats(dir, "inputs_b.bin", (size_t)dir->steps * picture);
    bool ready = oracle_table_read(dir, &forward, "forward") && a && b;
    for (int i = 0; i < 4 && ready; i++) {
        size_t expected_count, count;
        const float *expected = oracle_table_find(dir, &forward, cases[i].name, &expected_count);
        if (!expected || !dir->nets[cases[i].net])
            continue;
        float *output =
            run(dir, device, dir->nets[cases[i].net], cases[i].input == 'a' ? a : b, &count);
        double error = output && count == expected_count
                           ? cgv_test_relative_error(output, expected, count)
                           : INFINITY;
        printf("  %s %s: relative L2 error %.2e\n", dir->path, cases[i].name, error);
        if (!(error <= FORWARD_TOLERANCE))
            oracle_fail(dir, "%s is off by %.2e, more than %.0e", cases[i].name, error,
                        FORWARD_TOLERANCE);
        free(output);
    }
    oracle_table_free(&forward);
    free(a);
    free(b);
}
