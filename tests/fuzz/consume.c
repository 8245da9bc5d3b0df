#include "consume.h"

#include <stdlib.h>
#include <string.h>

#include "cgvideo/log.h"
#include "model/clean.h"
#include "model/folds.h"
#include "model/model.h"
#include "nn/arch.h"

static int messages;

static void count(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    (void)level;
    messages++;
    if (strchr(text, '\n'))
        abort();
}

static void expect(int truth) {
    if (!truth)
        abort();
}

void fuzz_expect(int truth) {
    expect(truth);
}

void fuzz_expect_messages(int count) {
    expect(messages == count);
}

static size_t read_all(const cgv_state_dict *dict) {
    size_t numbers = 0;
    volatile float sum = 0;
    for (int i = 0; i < dict->count; i++) {
        const cgv_state_tensor *tensor = &dict->tensors[i];
        size_t product = 1;
        for (int d = 0; d < tensor->dims; d++)
            product *= (size_t)tensor->shape[d];
        expect(product == tensor->count && *tensor->name);
        for (size_t j = 0; j < tensor->count; j++)
            sum = sum + tensor->data[j];
        numbers += tensor->count;
    }
    return numbers;
}

// Metadata end up in terminals.
static void check_notes(const cgv_state_notes *notes) {
    expect(memchr(notes->description, 0, sizeof notes->description) != NULL);
    for (const char *c = notes->description; *c; c++)
        expect((unsigned char)*c >= ' ' && *c != 0x7f);
    expect(notes->train_width >= 0 && notes->train_width <= 16384);
    expect(!notes->train_width == !notes->train_height);
}

static void apply(const cgv_folds *folds, cgv_net *net) {
    cgv_model model = {.net = net, .params = calloc(net->param_floats + 1, sizeof(float))};
    cgv_status status = model.params ? cgv_folds_apply(folds, &model, "fuzz") : CGV_OK;
    expect(!status || status == CGV_ERROR_FORMAT);
    free(model.params);
}

// The network that the dictionary is of, with all norms folded in.
static void detect(cgv_state_dict *dict) {
    cgv_folds folds;
    cgv_clean_names(dict);
    cgv_status folded = cgv_folds_take(&folds, dict, "fuzz");
    expect(folded != CGV_ERROR_MEMORY);
    cgv_clean_statistics(dict);
    cgv_weight_shape *shapes = calloc((size_t)dict->count + 1, sizeof *shapes);
    if (!shapes)
        return;
    for (int i = 0; i < dict->count; i++) {
        const cgv_state_tensor *tensor = &dict->tensors[i];
        shapes[i] = (cgv_weight_shape){.name = tensor->name, .dims = tensor->dims};
        memcpy(shapes[i].shape, tensor->shape, sizeof tensor->shape);
    }
    cgv_net *net;
    cgv_status status = cgv_arch_detect(&net, shapes, dict->count, "fuzz");
    expect(!status || (!net && status == CGV_ERROR_UNSUPPORTED));
    if (!status)
        expect(net->param_count == dict->count);
    if (!status && !folded)
        apply(&folds, net);
    cgv_folds_free(&folds);
    cgv_net_destroy(&net);
    free(shapes);
}

void fuzz_listen(void) {
    messages = 0;
    cgv_log_set(count, NULL, CGV_LOG_ERROR);
}

void fuzz_consume(cgv_status status, cgv_state_dict *dict, size_t size) {
    if (status) {
        expect(messages == 1 && !dict->count && !dict->tensors);
    } else {
        expect(messages == 0);
        expect(read_all(dict) <= size);
        check_notes(&dict->notes);
        detect(dict);
    }
    cgv_state_dict_free(dict);
}
