#include "train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/fs.h"
#include "base/log.h"
#include "model/safetensors.h"
#include "nn/arch.h"
#include "train/pool.h"

const char *const cgv_net_names[CGV_NETS] = {"G_A", "G_B", "D_A", "D_B"};
static const char kind[] = "cgvideo checkpoint 1";
static const char *const pool_names[] = {"pool_B", "pool_A"}; // of the fakes of G_A, of G_B

enum { PIECE_BYTES = 16 << 20, CHECKSUM_DIGITS = 8, MAX_NOTE = 96 };

// ---- what a checkpoint consists of ----

// A tensor of the file, and where its numbers are on the device.
typedef struct piece {
    char name[128];
    int dims;
    int64_t shape[CGV_MAX_DIMS];
    const cgv_buffer *buffer;
    uint64_t offset, bytes;
} piece;

typedef struct piece_list {
    piece *pieces;
    int count, capacity;
} piece_list;

static piece *add_piece(piece_list *list) {
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 256;
        piece *pieces = realloc(list->pieces, (size_t)capacity * sizeof *pieces);
        if (!pieces)
            return NULL;
        list->pieces = pieces;
        list->capacity = capacity;
    }
    return &list->pieces[list->count++];
}

// The parameters of one network as they lie in `buffer`.
static bool add_net(piece_list *list, const cgv_net *net, const char *prefix, const char *what,
                    const cgv_buffer *buffer) {
    for (int i = 0; i < net->param_count && buffer->size; i++) {
        const cgv_param *param = &net->params[i];
        piece *p = add_piece(list);
        if (!p)
            return false;
        *p = (piece){.dims = param->dims,
                     .buffer = buffer,
                     .offset = param->offset * sizeof(float),
                     .bytes = param->count * sizeof(float)};
        snprintf(p->name, sizeof p->name, "%s%s/%s", prefix, what, param->name);
        memcpy(p->shape, param->shape, sizeof p->shape);
    }
    return true;
}

// filled: pictures in the pool, which has room for more.
static bool add_pool(piece_list *list, const cgv_pool *pool, const char *name, int filled) {
    if (!pool->slots)
        return true;
    piece *p = add_piece(list);
    if (!p)
        return false;
    cgv_tensor pictures = pool->output;
    pictures.n = filled;
    *p = (piece){.dims = 4,
                 .shape = {filled, pictures.c, pictures.h, pictures.w},
                 .buffer = &pool->pictures,
                 .bytes = cgv_tensor_bytes(pictures)};
    snprintf(p->name, sizeof p->name, "%s/pictures", name);
    return true;
}

// Freed with free(list->pieces), also on failure.
static cgv_status list_pieces(piece_list *list, const cgv_trainer *trainer, const int filled[2],
                              const char *path) {
    bool ok = true;
    *list = (piece_list){0};
    for (int n = 0; n < CGV_NETS && ok; n++) {
        const cgv_net_state *state = cgv_trainer_net(trainer, n);
        if (!state->model)
            continue;
        const cgv_net *net = state->model->net;
        ok = add_net(list, net, cgv_net_names[n], "", &state->params.values) &&
             add_net(list, net, cgv_net_names[n], "/adam_m", &state->m) &&
             add_net(list, net, cgv_net_names[n], "/adam_v", &state->v) &&
             add_net(list, net, cgv_net_names[n], "/average", &state->average);
    }
    for (int i = 0; i < 2 && ok; i++)
        ok = add_pool(list, cgv_trainer_pool(trainer, i), pool_names[i], filled[i]);
    return ok ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
}

// What must be the same in a run that goes on. Not the seed: the random numbers' state is saved;
// nor whether it is paired, which the names of its networks say.
static const struct {
    const char *name;
    size_t offset;
    bool integer, later; // later: older checkpoints lack it
} settings[] = {
#define INTEGER(field)                                                                             \
    { #field, offsetof(cgv_trainer_params, field), true, false }
#define NUMBER(field)                                                                              \
    { #field, offsetof(cgv_trainer_params, field), false, false }
    INTEGER(batch),
    INTEGER(accumulate),
    INTEGER(height),
    INTEGER(width),
    INTEGER(gan),
    NUMBER(lambda_a),
    NUMBER(lambda_b),
    NUMBER(identity),
    NUMBER(equivariance),
    INTEGER(pool),
    NUMBER(beta1),
    NUMBER(beta2),
    NUMBER(epsilon),
    NUMBER(average_decay),
    {"histogram", offsetof(cgv_trainer_params, histogram), false, true},
    {"night", offsetof(cgv_trainer_params, night), false, true},
    {"night_light", offsetof(cgv_trainer_params, night_light), false, true},
    {"night_gamma", offsetof(cgv_trainer_params, night_gamma), false, true},
    {"night_most", offsetof(cgv_trainer_params, night_most), false, true},
    {"windows", offsetof(cgv_trainer_params, windows), false, true},
    {"histogram_bands", offsetof(cgv_trainer_params, histogram_bands), true, true},
    {"histogram_chroma", offsetof(cgv_trainer_params, histogram_chroma), false, true},
    {"lambda_l1", offsetof(cgv_trainer_params, lambda_l1), false, true},
    {"frozen", offsetof(cgv_trainer_params, frozen), true, true},
#undef INTEGER
#undef NUMBER
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static void print_setting(char text[MAX_NOTE], const cgv_trainer_params *params, int i) {
    const char *at = (const char *)params + settings[i].offset;
    if (settings[i].integer)
        snprintf(text, MAX_NOTE, "%d", *(const int *)(const void *)at);
    else
        snprintf(text, MAX_NOTE, "%.9g", *(const float *)(const void *)at); // distinguishes floats
}

// ---- saving ----

typedef struct notes {
    cgv_safetensors_note list[SETTINGS + CGV_NETS + 6];
    char values[SETTINGS + CGV_NETS + 6][MAX_NOTE];
    int count;
} notes;

// A note whose value the caller prints into what is returned.
static char *add_note(notes *n, const char *key) {
    n->list[n->count] = (cgv_safetensors_note){key, n->values[n->count]};
    return n->values[n->count++];
}

static const char *architecture(const cgv_trainer *trainer, int net) {
    const cgv_net_state *state = cgv_trainer_net(trainer, net);
    return state->model ? state->model->net->architecture : "none";
}

static void describe(notes *n, const cgv_trainer *trainer, const char *extra) {
    n->count = 0;
    snprintf(add_note(n, "kind"), MAX_NOTE, "%s", kind);
    snprintf(add_note(n, "step"), MAX_NOTE, "%" PRId64, cgv_trainer_steps(trainer));
    for (int i = 0; i < 2; i++) {
        const cgv_pool *pool = cgv_trainer_pool(trainer, i);
        snprintf(add_note(n, pool_names[i]), MAX_NOTE, "%d %" PRIu64 " %" PRIu64, pool->filled,
                 pool->rng.state, pool->rng.stream);
    }
    for (int i = 0; i < CGV_NETS; i++)
        snprintf(add_note(n, cgv_net_names[i]), MAX_NOTE, "%s", architecture(trainer, i));
    for (int i = 0; i < SETTINGS; i++)
        print_setting(add_note(n, settings[i].name), cgv_trainer_settings(trainer), i);
    n->list[n->count++] = (cgv_safetensors_note){"extra", extra ? extra : ""};
}

// A damaged number of the step or of the random numbers would go unnoticed as well as one of the
// tensors: the checksum covers these notes, then the tensors.
static uint32_t checksum_note(uint32_t crc, const char *value) {
    return cgv_crc32c(crc, value, strlen(value) + 1);
}

static bool is_summed(const char *key) {
    return !strcmp(key, "step") || !strcmp(key, pool_names[0]) || !strcmp(key, pool_names[1]) ||
           !strcmp(key, "extra");
}

static cgv_status write_header(FILE *file, const piece_list *list, const notes *n,
                               const char *path) {
    cgv_safetensors_entry *entries = calloc((size_t)list->count, sizeof *entries);
    if (!entries)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    for (int i = 0; i < list->count; i++) {
        const piece *p = &list->pieces[i];
        entries[i] = (cgv_safetensors_entry){.name = p->name, .dims = p->dims};
        memcpy(entries[i].shape, p->shape, sizeof p->shape);
    }
    cgv_status status =
        cgv_safetensors_write_header(file, entries, list->count, n->list, n->count, path);
    free(entries);
    return status;
}

// The step's losses were finite, but they are those before the update. A run cannot go on from such
// numbers, and they must not take the place of good ones.
static cgv_status check_finite(const float *numbers, size_t count, const piece *p,
                               const char *path) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return cgv_fail(CGV_ERROR_NUMERIC,
                            "%s: not written: '%s' holds NaN or infinity; the training diverged",
                            path, p->name);
    return CGV_OK;
}

// From the device to the file through `scratch`, PIECE_BYTES at a time.
static cgv_status write_piece(FILE *file, const piece *p, void *scratch, uint32_t *crc,
                              const char *path) {
    for (uint64_t at = 0; at < p->bytes; at += PIECE_BYTES) {
        uint64_t bytes = p->bytes - at < PIECE_BYTES ? p->bytes - at : PIECE_BYTES;
        cgv_status status = cgv_buffer_read(p->buffer, p->offset + at, scratch, bytes);
        if (!status)
            status = check_finite(scratch, bytes / sizeof(float), p, path);
        if (status)
            return status;
        *crc = cgv_crc32c(*crc, scratch, bytes);
        if (fwrite(scratch, 1, bytes, file) != bytes)
            return cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", path, strerror(errno));
    }
    return CGV_OK;
}

cgv_status cgv_checkpoint_save(const cgv_trainer *trainer, const char *path, const char *extra) {
    const int filled[] = {cgv_trainer_pool(trainer, 0)->filled,
                          cgv_trainer_pool(trainer, 1)->filled};
    piece_list list;
    cgv_fs_writer writer = {0};
    void *scratch = malloc(PIECE_BYTES);
    notes *n = malloc(sizeof *n);
    cgv_status status = list_pieces(&list, trainer, filled, path);
    if (!status && (!scratch || !n))
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    if (!status)
        status = cgv_fs_writer_open(&writer, path);
    if (status)
        goto done;
    describe(n, trainer, extra);
    uint32_t crc = 0;
    for (int i = 0; i < n->count; i++)
        if (is_summed(n->list[i].key))
            crc = checksum_note(crc, n->list[i].value);
    // The checksum is known at the end; the header keeps its length.
    char *sum = add_note(n, "crc32c");
    snprintf(sum, MAX_NOTE, "%0*d", CHECKSUM_DIGITS, 0);
    status = write_header(writer.file, &list, n, path);
    for (int i = 0; i < list.count && !status; i++)
        status = write_piece(writer.file, &list.pieces[i], scratch, &crc, path);
    snprintf(sum, MAX_NOTE, "%0*" PRIx32, CHECKSUM_DIGITS, crc);
    rewind(writer.file);
    if (!status)
        status = write_header(writer.file, &list, n, path);
    if (!status)
        status = cgv_fs_writer_commit(&writer);
done:
    cgv_fs_writer_abort(&writer);
    free(list.pieces);
    free(scratch);
    free(n);
    return status;
}

// ---- loading ----

// A file that was opened and checked as far as it can be without knowing the trainer.
typedef struct checkpoint {
    FILE *file;
    cgv_safetensors table;
    int64_t step;
    int filled[2];
    cgv_rng rng[2];
    const char *extra;
} checkpoint;

static cgv_status damaged(const char *path, const char *why) {
    return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: %s", path, why);
}

static cgv_status read_notes(checkpoint *c, const char *path) {
    const char *found = cgv_safetensors_find_note(&c->table, "kind");
    if (!found || strcmp(found, kind))
        return cgv_fail(CGV_ERROR_FORMAT, "%s: not a checkpoint of cgvideo %s", path,
                        found ? "of this version" : "train");
    const char *step = cgv_safetensors_find_note(&c->table, "step");
    c->extra = cgv_safetensors_find_note(&c->table, "extra");
    if (!step || !c->extra || sscanf(step, "%" SCNd64, &c->step) != 1 || c->step < 0)
        return damaged(path, "its metadata are incomplete");
    for (int i = 0; i < 2; i++) {
        const char *pool = cgv_safetensors_find_note(&c->table, pool_names[i]);
        if (!pool || sscanf(pool, "%d %" SCNu64 " %" SCNu64, &c->filled[i], &c->rng[i].state,
                            &c->rng[i].stream) != 3)
            return damaged(path, "its metadata are incomplete");
    }
    return CGV_OK;
}

static cgv_status read_some(checkpoint *c, void *to, size_t bytes, const char *path) {
    if (fread(to, 1, bytes, c->file) == bytes)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_IO, "%s: cannot read: %s", path,
                    ferror(c->file) ? strerror(errno) : "it shrank");
}

static cgv_status verify(checkpoint *c, const char *path) {
    const char *expected = cgv_safetensors_find_note(&c->table, "crc32c");
    char got[MAX_NOTE];
    // In the order of describe().
    uint32_t crc = checksum_note(0, cgv_safetensors_find_note(&c->table, "step"));
    for (int i = 0; i < 2; i++)
        crc = checksum_note(crc, cgv_safetensors_find_note(&c->table, pool_names[i]));
    crc = checksum_note(crc, c->extra);
    void *scratch = malloc(PIECE_BYTES);
    if (!scratch)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    uint64_t left = c->table.count ? c->table.entries[c->table.count - 1].end : 0;
    cgv_status status = CGV_OK;
    while (left && !status) {
        size_t bytes = left < PIECE_BYTES ? left : PIECE_BYTES;
        status = read_some(c, scratch, bytes, path);
        if (!status)
            crc = cgv_crc32c(crc, scratch, bytes);
        left -= bytes;
    }
    free(scratch);
    snprintf(got, sizeof got, "%0*" PRIx32, CHECKSUM_DIGITS, crc);
    if (!status && (!expected || strcmp(expected, got)))
        status = damaged(path, "its numbers do not give its checksum");
    return status;
}

static void close_checkpoint(checkpoint *c) {
    if (c->file)
        fclose(c->file);
    cgv_safetensors_free(&c->table);
}

// On failure there is nothing to close.
static cgv_status open_checkpoint(checkpoint *c, const char *path) {
    *c = (checkpoint){.file = fopen(path, "rb")};
    if (!c->file)
        return cgv_fail(CGV_ERROR_IO, "%s: %s", path, strerror(errno));
    cgv_status status = cgv_safetensors_read_header(&c->table, c->file, path);
    if (!status)
        status = read_notes(c, path);
    if (!status)
        status = verify(c, path);
    if (status)
        close_checkpoint(c);
    return status;
}

cgv_status cgv_checkpoint_verify(const char *path) {
    checkpoint c;
    cgv_status status = open_checkpoint(&c, path);
    if (!status)
        close_checkpoint(&c);
    return status;
}

static cgv_status check_note(const checkpoint *c, const char *key, const char *own,
                             const char *path) {
    const char *value = cgv_safetensors_find_note(&c->table, key);
    if (value && !strcmp(value, own))
        return CGV_OK;
    return cgv_fail(CGV_ERROR_ARGUMENT, "%s: of another run: its %s is %s, that of this run is %s",
                    path, key, value ? value : "unknown", own);
}

static cgv_status check_settings(const checkpoint *c, const cgv_trainer *trainer,
                                 const char *path) {
    cgv_status status = CGV_OK;
    for (int i = 0; i < CGV_NETS && !status; i++)
        status = check_note(c, cgv_net_names[i], architecture(trainer, i), path);
    for (int i = 0; i < SETTINGS && !status; i++) {
        char own[MAX_NOTE];
        print_setting(own, cgv_trainer_settings(trainer), i);
        if (!settings[i].later || cgv_safetensors_find_note(&c->table, settings[i].name))
            status = check_note(c, settings[i].name, own, path);
    }
    for (int i = 0; i < 2 && !status; i++)
        if (c->filled[i] < 0 || c->filled[i] > cgv_trainer_pool(trainer, i)->slots)
            status = damaged(path, "a pool holds more than it can");
    return status;
}

// Every tensor that the trainer wants is there, in its shape, and no other.
static cgv_status check_pieces(const checkpoint *c, const piece_list *list, const char *path) {
    for (int i = 0; i < list->count; i++) {
        const piece *p = &list->pieces[i];
        const cgv_safetensors_entry *e = cgv_safetensors_find(&c->table, p->name);
        if (!e || e->dtype != CGV_DTYPE_F32 || e->dims != p->dims ||
            memcmp(e->shape, p->shape, (size_t)p->dims * sizeof *p->shape))
            return cgv_fail(CGV_ERROR_ARGUMENT, "%s: of other networks: '%s' %s", path, p->name,
                            e ? "has another shape" : "is missing");
    }
    if (c->table.count != list->count)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: of other networks: it holds %d tensors, not %d",
                        path, c->table.count, list->count);
    return CGV_OK;
}

static cgv_status read_piece(checkpoint *c, const piece *p, void *scratch, const char *path) {
    const cgv_safetensors_entry *e = cgv_safetensors_find(&c->table, p->name);
    if (fseeko(c->file, (off_t)(c->table.start + e->begin), SEEK_SET))
        return cgv_fail(CGV_ERROR_IO, "%s: cannot seek: %s", path, strerror(errno));
    cgv_status status = CGV_OK;
    for (uint64_t at = 0; at < p->bytes && !status; at += PIECE_BYTES) {
        uint64_t bytes = p->bytes - at < PIECE_BYTES ? p->bytes - at : PIECE_BYTES;
        status = read_some(c, scratch, bytes, path);
        if (!status)
            status = cgv_buffer_write(p->buffer, p->offset + at, scratch, bytes);
    }
    return status;
}

cgv_status cgv_checkpoint_load(cgv_trainer *trainer, const char *path, char **extra) {
    checkpoint c;
    piece_list list = {0};
    if (extra)
        *extra = NULL;
    cgv_status status = open_checkpoint(&c, path);
    if (status)
        return status;
    char *own_extra = strdup(c.extra);
    void *scratch = malloc(PIECE_BYTES);
    if (!own_extra || !scratch)
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    if (!status)
        status = check_settings(&c, trainer, path);
    if (!status)
        status = list_pieces(&list, trainer, c.filled, path);
    if (!status)
        status = check_pieces(&c, &list, path);
    for (int i = 0; i < list.count && !status; i++)
        status = read_piece(&c, &list.pieces[i], scratch, path);
    if (status)
        goto done;
    cgv_trainer_set_steps(trainer, c.step);
    for (int i = 0; i < 2; i++) {
        cgv_pool *pool = cgv_trainer_pool(trainer, i);
        pool->filled = c.filled[i];
        pool->rng = c.rng[i];
    }
    if (extra) {
        *extra = own_extra;
        own_extra = NULL;
    }
done:
    free(own_extra);
    free(scratch);
    free(list.pieces);
    close_checkpoint(&c);
    return status;
}

// ---- recognising ----

cgv_status cgv_checkpoint_net(cgv_net **out, const char *path, int net) {
    checkpoint c;
    *out = NULL;
    cgv_status status = open_checkpoint(&c, path);
    if (status)
        return status;
    int count = 0;
    size_t prefix = strlen(cgv_net_names[net]);
    cgv_weight_shape *shapes = calloc((size_t)c.table.count + 1, sizeof *shapes);
    for (int i = 0; i < c.table.count && shapes; i++) {
        const cgv_safetensors_entry *e = &c.table.entries[i];
        // What has one more stroke is Adam's, or an average.
        if (strncmp(e->name, cgv_net_names[net], prefix) || e->name[prefix] != '/' ||
            strchr(e->name + prefix + 1, '/'))
            continue;
        cgv_weight_shape *shape = &shapes[count++];
        *shape = (cgv_weight_shape){.name = e->name + prefix + 1, .dims = e->dims};
        memcpy(shape->shape, e->shape, sizeof shape->shape);
    }
    status = shapes ? cgv_arch_detect(out, shapes, count, path)
                    : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    free(shapes);
    close_checkpoint(&c);
    return status;
}

// ---- export ----

cgv_status cgv_trainer_export(const cgv_trainer *trainer, int net, const char *path,
                              bool averaged) {
    const cgv_net_state *state = cgv_trainer_net(trainer, net);
    const cgv_buffer *values =
        averaged && state->average.size ? &state->average : &state->params.values;
    const cgv_trainer_params *own = cgv_trainer_settings(trainer);
    cgv_model model = *state->model; // with these weights instead of the initial ones
    model.info.description[0] = 0;   // that of a file it started from is no longer true
    int factor = cgv_net_input_factor(model.net);
    model.info.train_width = own->scaled_pictures ? own->width / factor : 0;
    model.info.train_height = own->scaled_pictures ? own->height / factor : 0;
    size_t bytes = model.net->param_floats * sizeof(float);
    model.params = malloc(bytes);
    if (!model.params)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: no memory for the weights", path);
    cgv_status status = cgv_buffer_read(values, 0, model.params, bytes);
    if (!status)
        status = cgv_model_save(&model, path, CGV_MODEL_F32);
    free(model.params);
    return status;
}
