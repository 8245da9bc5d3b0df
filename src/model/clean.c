#include "model/clean.h"

#include <stdbool.h>
#include <string.h>

static bool starts_with(const char *text, const char *start) {
    return !strncmp(text, start, strlen(start));
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && !strcmp(text + length - end_length, end);
}

static void strip(char *name, size_t length) {
    memmove(name, name + length, strlen(name) - length + 1);
}

// DataParallel and torch.compile wrap a network so.
static bool strip_wrapper(cgv_state_dict *dict, const char *prefix) {
    for (int i = 0; i < dict->count; i++)
        if (!starts_with(dict->tensors[i].name, prefix))
            return false;
    for (int i = 0; i < dict->count; i++)
        strip(dict->tensors[i].name, strlen(prefix));
    return dict->count > 0;
}

static bool keep_generator(cgv_state_dict *dict, const char *prefix) {
    bool any = false;
    for (int i = 0; i < dict->count; i++)
        any |= starts_with(dict->tensors[i].name, prefix);
    for (int i = 0; any && i < dict->count;) {
        if (starts_with(dict->tensors[i].name, prefix))
            strip(dict->tensors[i++].name, strlen(prefix));
        else
            cgv_state_dict_remove(dict, i);
    }
    return any;
}

void cgv_clean_names(cgv_state_dict *dict) {
    static const char *const wrappers[] = {"module.", "_orig_mod."};
    static const char *const generators[] = {"netG.", "G.", "generator."};
    bool changed = true;
    while (changed) { // wrappers within wrappers; every turn makes names shorter
        changed = false;
        for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
            changed |= strip_wrapper(dict, wrappers[i]);
        for (size_t i = 0; i < sizeof generators / sizeof *generators; i++)
            changed |= keep_generator(dict, generators[i]);
    }
}

void cgv_clean_statistics(cgv_state_dict *dict) {
    static const char *const suffixes[] = {".running_mean", ".running_var", ".num_batches_tracked"};
    for (int i = 0; i < dict->count;) {
        bool statistic = false;
        for (size_t s = 0; s < sizeof suffixes / sizeof *suffixes; s++)
            statistic |= ends_with(dict->tensors[i].name, suffixes[s]);
        if (statistic)
            cgv_state_dict_remove(dict, i);
        else
            i++;
    }
}
