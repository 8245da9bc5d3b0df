#include "model/folds.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"

#define BATCH_NORM_EPSILON 1e-5 // PyTorch's default

static cgv_status out_of_memory(const char *where) {
    return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", where);
}

void cgv_folds_free(cgv_folds *folds) {
    for (int kind = 0; kind < 2; kind++) {
        cgv_fold *list = kind ? folds->spectral : folds->batch;
        int count = kind ? folds->spectral_count : folds->batch_count;
        for (int i = 0; i < count; i++) {
            free(list[i].convolution);
            free(list[i].first);
            free(list[i].second);
        }
        free(list);
    }
    *folds = (cgv_folds){0};
}

// Length of P where name is P followed by suffix; or 0.
static int before(const char *name, const char *suffix) {
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && !strcmp(name + length - end, suffix) ? (int)(length - end) : 0;
}

// Index of the tensor PREFIX + suffix, the prefix being the first `length` bytes of it; or -1.
static int find(const cgv_state_dict *dict, const char *prefix, int length, const char *suffix) {
    for (int i = 0; i < dict->count; i++) {
        const char *name = dict->tensors[i].name;
        if (!strncmp(name, prefix, (size_t)length) && !strcmp(name + length, suffix))
            return i;
    }
    return -1;
}

// Take a tensor's numbers; it leaves the dictionary.
static float *take(cgv_state_dict *dict, int index, size_t *count) {
    float *data = dict->tensors[index].data;
    *count = dict->tensors[index].count;
    dict->tensors[index].data = NULL;
    cgv_state_dict_remove(dict, index);
    return data;
}

static void discard(cgv_state_dict *dict, const char *prefix, int length, const char *suffix) {
    int index = find(dict, prefix, length, suffix);
    if (index >= 0)
        cgv_state_dict_remove(dict, index);
}

static cgv_status rename_tensor(cgv_state_dict *dict, int index, const char *prefix, int length,
                                const char *suffix, const char *where) {
    char *name = cgv_fs_format("%.*s%s", length, prefix, suffix);
    if (!name)
        return out_of_memory(where);
    free(dict->tensors[index].name);
    dict->tensors[index].name = name;
    return CGV_OK;
}

// Where to go on after taking a norm at i: up to five tensors have left the dictionary.
static int step_back(int i) {
    return i < 5 ? -1 : i - 5;
}

static cgv_fold *add(cgv_fold **list, int *count) {
    cgv_fold *grown = realloc(*list, ((size_t)*count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    *list = grown;
    grown[*count] = (cgv_fold){0};
    return &grown[(*count)++];
}

// ---- spectral norm ----

// The names of the weight as it is learned and of the two vectors: torch.nn.utils.spectral_norm,
// and that of torch.nn.utils.parametrizations.
static const char *const spectral_names[][3] = {
    {".weight_orig", ".weight_u", ".weight_v"},
    {".parametrizations.weight.original", ".parametrizations.weight.0._u",
     ".parametrizations.weight.0._v"},
};

static cgv_status take_spectral(cgv_folds *out, cgv_state_dict *dict, int index,
                                const char *const names[3], const char *where) {
    char *prefix = strdup(dict->tensors[index].name);
    cgv_fold *fold = prefix ? add(&out->spectral, &out->spectral_count) : NULL;
    if (!fold) {
        free(prefix);
        return out_of_memory(where);
    }
    int length = before(prefix, names[0]);
    discard(dict, prefix, length, ".weight"); // what old versions kept of the last step
    int weight = find(dict, prefix, length, names[0]), u, v;
    cgv_status status = rename_tensor(dict, weight, prefix, length, ".weight", where);
    u = find(dict, prefix, length, names[1]);
    if (!status && u < 0)
        status = cgv_fail(CGV_ERROR_UNSUPPORTED, "%s: unsupported: '%s' has no '%.*s%s'", where,
                          prefix, length, prefix, names[1]);
    if (!status) {
        fold->first = take(dict, u, &fold->first_count);
        v = find(dict, prefix, length, names[2]);
        if (v >= 0)
            fold->second = take(dict, v, &fold->second_count);
    }
    prefix[length] = 0;
    fold->convolution = prefix;
    return status;
}

static cgv_status take_all_spectral(cgv_folds *out, cgv_state_dict *dict, const char *where) {
    cgv_status status = CGV_OK;
    for (size_t k = 0; k < sizeof spectral_names / sizeof *spectral_names; k++)
        for (int i = 0; i < dict->count && !status; i++)
            if (before(dict->tensors[i].name, spectral_names[k][0])) {
                status = take_spectral(out, dict, i, spectral_names[k], where);
                i = step_back(i);
            }
    return status;
}

// ---- batch norm ----

// The convolution before the norm NAME.N in its nn.Sequential: NAME.(N-1), or the last one of a
// depthwise-separable pair there. `name` [300]. False where there is none.
static bool convolution_before(char *name, const cgv_state_dict *dict, const char *norm) {
    static const char *const places[] = {"", ".conv.2"};
    const char *dot = strrchr(norm, '.');
    char *end;
    long index = dot ? strtol(dot + 1, &end, 10) : 0;
    if (index < 1 || index > 10000 || *end)
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(name, 300, "%.*s.%ld%s", (int)(dot - norm), norm, index - 1, places[i]);
        int weight = find(dict, name, (int)strlen(name), ".weight");
        if (weight >= 0 && dict->tensors[weight].dims == 4)
            return true;
    }
    return false;
}

// The convolution's parameters get the names of folded ones; a bias of zeros where it has none.
static cgv_status rename_convolution(cgv_state_dict *dict, const char *name, int64_t channels,
                                     const char *where) {
    int length = (int)strlen(name);
    int weight = find(dict, name, length, ".weight"), bias = find(dict, name, length, ".bias");
    cgv_status status = rename_tensor(dict, weight, name, length, ".folded.weight", where);
    if (status)
        return status;
    if (bias >= 0)
        return rename_tensor(dict, bias, name, length, ".folded.bias", where);
    cgv_state_tensor *zeros;
    char *text = cgv_fs_format("%s.folded.bias", name);
    if (!text)
        return out_of_memory(where);
    status = cgv_state_dict_add(dict, &zeros, text, 1, &channels, where);
    free(text);
    return status;
}

// From the norm's four tensors what it multiplies with and adds.
static bool compute(cgv_fold *fold, const cgv_state_dict *dict, const char *norm, int length) {
    static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
    const float *values[4];
    for (int i = 0; i < 4; i++) {
        int index = find(dict, norm, length, parts[i]);
        if (index < 0 || dict->tensors[index].dims != 1 ||
            (i && dict->tensors[index].count != fold->first_count))
            return false;
        fold->first_count = fold->second_count = dict->tensors[index].count;
        values[i] = dict->tensors[index].data;
    }
    fold->first = calloc(fold->first_count + 1, sizeof *fold->first);
    fold->second = calloc(fold->first_count + 1, sizeof *fold->second);
    for (size_t c = 0; fold->first && fold->second && c < fold->first_count; c++) {
        double factor = values[0][c] / sqrt((double)values[3][c] + BATCH_NORM_EPSILON);
        fold->first[c] = (float)factor;
        fold->second[c] = (float)(values[1][c] - values[2][c] * factor);
    }
    return true;
}

static cgv_status take_batch(cgv_folds *out, cgv_state_dict *dict, const char *norm,
                             const char *where) {
    static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var",
                                        ".num_batches_tracked"};
    int length = (int)strlen(norm);
    char convolution[300];
    cgv_fold *fold = add(&out->batch, &out->batch_count);
    if (!fold)
        return out_of_memory(where);
    if (!convolution_before(convolution, dict, norm))
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s: unsupported: the batch norm '%s' has no convolution before it", where,
                        norm);
    if (!compute(fold, dict, norm, length))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: the batch norm '%s' is not complete", where,
                        norm);
    fold->convolution = cgv_fs_format("%s.folded", convolution);
    if (!fold->convolution || !fold->first || !fold->second)
        return out_of_memory(where);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        discard(dict, norm, length, parts[i]);
    return rename_convolution(dict, convolution, (int64_t)fold->first_count, where);
}

static cgv_status take_all_batch(cgv_folds *out, cgv_state_dict *dict, const char *where) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < dict->count && !status; i++) {
        int length = before(dict->tensors[i].name, ".running_var");
        int weight = length ? find(dict, dict->tensors[i].name, length, ".weight") : -1;
        if (weight < 0 || dict->tensors[weight].dims != 1)
            continue; // an instance norm's
        char *norm = cgv_fs_format("%.*s", length, dict->tensors[i].name);
        status = norm ? take_batch(out, dict, norm, where) : out_of_memory(where);
        free(norm);
        i = step_back(i);
    }
    return status;
}

cgv_status cgv_folds_take(cgv_folds *out, cgv_state_dict *dict, const char *where) {
    *out = (cgv_folds){0};
    cgv_status status = take_all_spectral(out, dict, where);
    return status ? status : take_all_batch(out, dict, where);
}

// ---- into the weights ----

// A convolution's weight as a matrix of a row for each channel that comes out: element (r, c) is
// number r * row + c / inner * outer + c % inner.
typedef struct matrix {
    float *values, *bias; // bias NULL: none
    size_t rows, columns, row, outer, inner;
} matrix;

// Is param this convolution's, or what it is called once a batch norm is folded into it?
static bool is_weight(const cgv_param *param, const char *convolution) {
    size_t length = strlen(convolution);
    return !strncmp(param->name, convolution, length) &&
           (!strcmp(param->name + length, ".weight") ||
            !strcmp(param->name + length, ".folded.weight"));
}

static bool find_matrix(matrix *out, const cgv_model *model, const char *convolution) {
    const cgv_net *net = model->net;
    for (int i = 1; i < net->node_count; i++) {
        const cgv_node *node = &net->nodes[i];
        if (node->weight < 0 || !is_weight(&net->params[node->weight], convolution))
            continue;
        const cgv_param *weight = &net->params[node->weight];
        size_t taps = (size_t)(weight->shape[2] * weight->shape[3]);
        *out = (matrix){.values = model->params + weight->offset,
                        .rows = (size_t)node->channels,
                        .columns = weight->count / (size_t)node->channels};
        out->row = out->outer = out->inner = out->columns;
        if (node->op == CGV_OP_CONV_TRANSPOSE) { // [in, out, k, k]
            out->row = out->inner = taps;
            out->outer = taps * out->rows;
        }
        if (node->bias >= 0)
            out->bias = model->params + net->params[node->bias].offset;
        return true;
    }
    return false;
}

static float *element(const matrix *m, size_t row, size_t column) {
    return &m->values[row * m->row + column / m->inner * m->outer + column % m->inner];
}

static void scale(const matrix *m, size_t row, double factor) {
    for (size_t c = 0; c < m->columns; c++)
        *element(m, row, c) = (float)(*element(m, row, c) * factor);
}

// u' W v, v being W' u of length 1 where it is not known.
static double spectral_norm(const matrix *m, const cgv_fold *fold) {
    double product = 0, square = 0;
    for (size_t c = 0; c < m->columns; c++) {
        double sum = 0;
        for (size_t r = 0; r < m->rows; r++)
            sum += (double)fold->first[r] * *element(m, r, c);
        product += fold->second ? sum * fold->second[c] : 0;
        square += sum * sum;
    }
    return fold->second ? product : sqrt(square);
}

static cgv_status refuse_shape(const char *where, const cgv_fold *fold, const char *what) {
    return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: the %s of '%s' does not fit it", where, what,
                    fold->convolution);
}

cgv_status cgv_folds_apply(const cgv_folds *folds, cgv_model *model, const char *where) {
    matrix m;
    for (int i = 0; i < folds->spectral_count; i++) {
        const cgv_fold *fold = &folds->spectral[i];
        if (!find_matrix(&m, model, fold->convolution) || fold->first_count != m.rows ||
            (fold->second && fold->second_count != m.columns))
            return refuse_shape(where, fold, "spectral norm");
        double norm = spectral_norm(&m, fold);
        if (!isfinite(norm) || norm == 0)
            return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: the spectral norm of '%s' is %g", where,
                            fold->convolution, norm);
        for (size_t r = 0; r < m.rows; r++)
            scale(&m, r, 1 / norm);
    }
    for (int i = 0; i < folds->batch_count; i++) {
        const cgv_fold *fold = &folds->batch[i];
        if (!find_matrix(&m, model, fold->convolution) || fold->first_count != m.rows || !m.bias)
            return refuse_shape(where, fold, "batch norm");
        for (size_t r = 0; r < m.rows; r++) {
            double factor = fold->first[r];
            m.bias[r] = (float)(m.bias[r] * factor + fold->second[r]);
            if (!isfinite(factor) || !isfinite(m.bias[r]))
                return cgv_fail(CGV_ERROR_FORMAT,
                                "%s: damaged: the batch norm of '%s' holds NaN or infinity; its "
                                "training diverged",
                                where, fold->convolution);
            scale(&m, r, factor);
        }
    }
    return CGV_OK;
}
