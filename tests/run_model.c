// run_model {MODEL HEIGHT WIDTH IN OUT}…: each model on its picture, [C, H, W] of float32 in -1..1;
// the result goes to OUT. For comparison with other programs.
#include <stdio.h>
#include <stdlib.h>

#include "cgvideo/log.h"
#include "model/model.h"
#include "net_runner.h"

static void print_message(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    (void)level;
    fprintf(stderr, "%s\n", text);
}

static float *read_floats(const char *path, size_t count) {
    FILE *file = fopen(path, "rb");
    float *numbers = malloc(count * sizeof *numbers + 1);
    if (!file || !numbers || fread(numbers, sizeof *numbers, count, file) != count) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return numbers;
}

static void write_floats(const char *path, const float *numbers, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(numbers, sizeof *numbers, count, file) != count || fclose(file)) {
        perror(path);
        exit(1);
    }
}

static cgv_status run(cgv_device *device, const cgv_model *model, const cgv_plan_params *size,
                      const char *in, const char *out) {
    float *x = read_floats(in, (size_t)(model->net->input_channels * size->h * size->w)), *y;
    cgv_tensor shape;
    cgv_status status = net_run(&y, &shape, device, model->net, model->params, size, x);
    if (!status)
        write_floats(out, y, cgv_tensor_bytes(shape) / sizeof *y);
    free(x);
    free(y);
    return status;
}

// The other models are run even if one cannot be.
int main(int argc, char **argv) {
    cgv_device *device;
    int failures = 0;
    cgv_log_set(print_message, NULL, CGV_LOG_ERROR);
    if (argc < 6 || argc % 5 != 1) {
        fprintf(stderr, "usage: %s {MODEL HEIGHT WIDTH IN OUT}...\n", argv[0]);
        return 2;
    }
    if (cgv_device_create(&device, NULL))
        return 1;
    for (int i = 1; i < argc; i += 5) {
        cgv_model *model;
        cgv_plan_params size = {.n = 1, .h = atoi(argv[i + 1]), .w = atoi(argv[i + 2])};
        cgv_status status = cgv_model_load(&model, argv[i]);
        if (!status)
            status = run(device, model, &size, argv[i + 3], argv[i + 4]);
        failures += status != CGV_OK;
        cgv_model_destroy(&model);
    }
    cgv_device_destroy(&device);
    return failures > 0;
}
