// Agreement with another implementation of whole networks: test_peer_nets DIR reads NAME.shape
// ("height width architecture"), loads NAME.pth and compares what it makes of NAME.in with
// NAME.out. bench/peers/torch_nets.py makes such a directory.
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "model/model.h"
#include "nn/plan.h"
#include "support.h"

#define TOLERANCE 1e-4 // of pictures in [-1, 1]

static const char *directory;

static float *read_picture(const char *name, const char *suffix, size_t floats) {
    void *data = NULL;
    size_t size = 0;
    char *path = cgv_fs_format("%s/%s%s", directory, name, suffix);
    CU_ASSERT_EQUAL(cgv_fs_read(&data, &size, path, 1u << 30), CGV_OK);
    CU_ASSERT_EQUAL(size, floats * sizeof(float));
    free(path);
    return data;
}

typedef struct run {
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_cmd *cmd;
    cgv_buffer in, out;
} run;

static cgv_status apply(run *r, const cgv_model *model, float *y, const float *x, int h, int w) {
    cgv_device *device = cgv_test_device();
    cgv_plan_params shape = {.n = 1, .h = h, .w = w, .external_input = true};
    uint64_t bytes = 3 * sizeof(float) * (uint64_t)h * (uint64_t)w;
    cgv_status status = cgv_params_create(&r->params, device, model->net, model->params);
    if (!status)
        status = cgv_plan_create(&r->plan, device, model->net, &shape);
    if (!status)
        status = cgv_tape_create(&r->tape, r->plan);
    if (!status)
        status = cgv_buffer_create(&r->in, device, bytes, CGV_MEMORY_UPLOAD, "a picture");
    if (!status)
        status = cgv_buffer_create(&r->out, device, bytes, CGV_MEMORY_READBACK, "a picture");
    if (!status)
        status = cgv_cmd_create(&r->cmd, device, false);
    if (status)
        return status;
    memcpy(r->in.host, x, bytes);
    cgv_tape_bind(&r->tape, (cgv_tensor){r->in.address, 1, 3, h, w});
    cgv_tensor out = r->tape.output;
    out.address = r->out.address;
    CU_ASSERT_FATAL(out.c == 3 && out.h == h && out.w == w);
    cgv_cmd_begin(r->cmd);
    cgv_plan_pack(r->plan, r->cmd, &r->params);
    cgv_plan_record(r->plan, r->cmd, &r->params, &r->tape);
    cgv_activation_apply(r->cmd, out, r->tape.output, CGV_ACT_NONE, 0);
    status = cgv_cmd_run(r->cmd);
    if (!status)
        memcpy(y, r->out.host, bytes);
    return status;
}

static void check_run(const cgv_model *model, float *y, const float *x, int h, int w) {
    run r = {0};
    CU_ASSERT_EQUAL(apply(&r, model, y, x, h, w), CGV_OK);
    cgv_cmd_destroy(&r.cmd);
    cgv_buffer_destroy(&r.in);
    cgv_buffer_destroy(&r.out);
    cgv_tape_destroy(&r.tape);
    cgv_plan_destroy(&r.plan);
    cgv_params_destroy(&r.params);
}

static void check_net(const char *name, int h, int w, const char *architecture) {
    cgv_model *model;
    char *path = cgv_fs_format("%s/%s.pth", directory, name);
    CU_ASSERT_EQUAL_FATAL(cgv_model_load(&model, path), CGV_OK);
    CU_ASSERT_STRING_EQUAL(cgv_model_get_info(model)->architecture, architecture);
    size_t floats = 3 * (size_t)h * (size_t)w;
    float *x = read_picture(name, ".in", floats), *expected = read_picture(name, ".out", floats);
    float *y = calloc(floats, sizeof *y);
    CU_ASSERT_FATAL(x && expected && y);
    check_run(model, y, x, h, w);
    double worst = 0, square = 0;
    for (size_t i = 0; i < floats; i++) {
        double difference = fabs((double)y[i] - (double)expected[i]);
        worst = difference <= worst ? worst : difference; // NaN stays
        square += (double)expected[i] * expected[i];
    }
    printf("  %-16s %-24s off by %.1e at most, of %.2f\n", name, architecture, worst,
           sqrt(square / (double)floats));
    CU_ASSERT(worst <= TOLERANCE);
    CU_ASSERT(square > 1e-3 * (double)floats); // there is something to compare
    free(x);
    free(y);
    free(expected);
    free(path);
    cgv_model_destroy(&model);
}

static void test_all(void) {
    DIR *stream = opendir(directory);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        char *end = strstr(entry->d_name, ".shape");
        if (!end)
            continue;
        char *path = cgv_fs_format("%s/%s", directory, entry->d_name), architecture[64];
        FILE *file = fopen(path, "r");
        int h, w;
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        CU_ASSERT_EQUAL_FATAL(fscanf(file, "%d %d %63s", &h, &w, architecture), 3);
        fclose(file);
        free(path);
        *end = 0;
        check_net(entry->d_name, h, w, architecture);
        count++;
    }
    closedir(stream);
    CU_ASSERT(count > 0);
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {{"networks", test_all}, {0}};
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    return cgv_test_run("networks of a peer", cases);
}
