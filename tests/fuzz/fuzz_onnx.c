#include <math.h>
#include <stdlib.h>

#include "consume.h"
#include "model/model.h"
#include "model/onnx.h"

static void check(const cgv_model *model, size_t size) {
    const cgv_net *net = model->net;
    cgv_size *sizes = calloc((size_t)net->node_count, sizeof *sizes);
    volatile float sum = 0;
    size_t numbers = 0;
    for (int i = 0; i < net->node_count; i++)
        for (int k = 0; k < 2; k++)
            fuzz_expect(net->nodes[i].input[k] < i && net->nodes[i].weight < net->param_count &&
                        net->nodes[i].bias < net->param_count && net->nodes[i].channels > 0);
    for (int p = 0; p < net->param_count; p++) {
        const cgv_param *param = &net->params[p];
        fuzz_expect(param->offset + param->count <= net->param_floats);
        for (size_t i = 0; i < param->count; i++) {
            fuzz_expect(isfinite(model->params[param->offset + i]));
            sum = sum + model->params[param->offset + i];
        }
        numbers += param->count;
    }
    fuzz_expect(numbers * sizeof(float) <= 64 * size + (16 << 20));
    fuzz_expect(net->multiple >= 1 && net->multiple <= 1024);
    for (int k = 1; sizes && k <= 3; k++) { // some are too small for it, which it says
        fuzz_listen();
        cgv_status status = cgv_net_shapes(net, k * net->multiple, 96 / k * net->multiple, sizes);
        fuzz_expect_messages(status ? 1 : 0);
    }
    free(sizes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const cgv_model_params params = {0};
    cgv_model *model;
    fuzz_listen();
    cgv_status status = cgv_onnx_parse(&model, data, size, &params, "fuzz");
    fuzz_expect_messages(status ? 1 : 0);
    fuzz_expect(!status == (model != NULL));
    if (model)
        check(model, size);
    cgv_model_destroy(&model);
    return 0;
}
