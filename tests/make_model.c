// make_model ARCHITECTURE NGF FILE [WEIGHT]: a small generator with random weights, or all of them
// WEIGHT, for tests of the program.
#include <stdio.h>
#include <stdlib.h>

#include "cgvideo/log.h"
#include "model/model.h"
#include "nn/arch.h"

static void print_message(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    (void)level;
    fprintf(stderr, "%s\n", text);
}

int main(int argc, char **argv) {
    cgv_log_set(print_message, NULL, CGV_LOG_ERROR);
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: %s ARCHITECTURE NGF FILE [WEIGHT]\n", argv[0]);
        return 2;
    }
    cgv_net *net;
    cgv_model *model = NULL;
    cgv_status status =
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = argv[1], .ngf = atoi(argv[2])});
    if (!status)
        status = cgv_model_from_net(&model, net, "new");
    if (!status) {
        cgv_arch_init(model->net, model->params, 1);
        for (uint64_t i = 0; argc > 4 && i < model->net->param_floats; i++)
            model->params[i] = strtof(argv[4], NULL);
        status = cgv_model_save(model, argv[3], CGV_MODEL_F32);
    }
    cgv_model_destroy(&model);
    return status ? 1 : 0;
}
