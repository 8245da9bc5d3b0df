// run_model {MODEL HEIGHT WIDTH IN OUT}…: each model on its tensor of float32, [C, H, W], whose
// numbers are as the file has them where they are in [-1, 1]; the result goes to OUT. For
// comparison with other programs.
#include <stdio.h>
#include <stdlib.h>

#include "cgvideo/log.h"
#include "gpu/gpu.h"
#include "model/model.h"
#include "nn/plan.h"

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
    const cgv_net *net = model->net;
    cgv_params params = {0};
    cgv_plan *plan = NULL;
    cgv_tape tape = {0};
    cgv_buffer x = {0}, y = {0};
    cgv_cmd *cmd = NULL;
    cgv_status status = cgv_params_create(&params, device, net, model->params);
    if (!status)
        status = cgv_plan_create(&plan, device, net, size);
    if (!status)
        status = cgv_tape_create(&tape, plan);
    size_t count = (size_t)(net->input_channels * size->h * size->w);
    uint64_t result = status ? 0 : cgv_tensor_bytes(tape.output);
    if (!status)
        status = cgv_buffer_create(&x, device, count * sizeof(float), CGV_MEMORY_DEVICE, "input");
    if (!status)
        status = cgv_buffer_create(&y, device, result, CGV_MEMORY_DEVICE, "output");
    if (!status) {
        float *numbers = read_floats(in, count);
        status = cgv_buffer_write(&x, 0, numbers, count * sizeof *numbers);
        free(numbers);
    }
    if (!status)
        status = cgv_cmd_create(&cmd, device, false);
    if (!status) {
        cgv_tensor from = tape.input, to = tape.output;
        from.address = x.address;
        to.address = y.address;
        cgv_cmd_begin(cmd);
        cgv_plan_pack(plan, cmd, &params);
        cgv_activation_apply(cmd, tape.input, from, CGV_ACT_NONE, 0);
        cgv_plan_record(plan, cmd, &params, &tape);
        cgv_activation_apply(cmd, to, tape.output, CGV_ACT_NONE, 0);
        status = cgv_cmd_run(cmd);
    }
    float *numbers = malloc(result + 1);
    if (!status && numbers)
        status = cgv_buffer_read(&y, 0, numbers, result);
    if (!status && numbers)
        write_floats(out, numbers, result / sizeof *numbers);
    free(numbers);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&x);
    cgv_buffer_destroy(&y);
    cgv_tape_destroy(&tape);
    cgv_plan_destroy(&plan);
    cgv_params_destroy(&params);
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
