#include "train/dataset.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "train/augment.h"
#include "train/scene.h"

enum {
    DEPTH = 4, // steps prepared ahead
    TRIES = 8, // pictures in a row that may turn out unreadable
    MAX_WORKERS = 64,
};

// A picture at load size, and what it shows (train/scene.h): rgb NULL where nobody asks.
typedef struct loaded {
    cgv_bitmap picture, scene;
} loaded;

typedef struct collection {
    cgv_frames *frames;
    loaded *kept;     // [count]; picture.rgb NULL: not kept (yet). Never taken out again.
    bool *unreadable; // [count]
    bool scenes;      // are asked for
} collection;

// One step being prepared. A ring of them: step s is in slots[s % DEPTH].
typedef struct slot {
    float *pictures[2]; // a, b
    float *scenes;      // of a; NULL: nobody asks
    int missing;        // pictures that are not in it yet
} slot;

struct cgv_dataset {
    cgv_dataset_params params;
    collection domains[2];
    slot slots[DEPTH];
    size_t batch_floats; // of one domain's pictures

    pthread_t threads[MAX_WORKERS];
    int running;
    pthread_mutex_t lock; // of everything below, and of the domains' arrays
    pthread_cond_t filled, freed;
    int64_t step;    // the next to be handed out
    int64_t claimed; // pictures since step 0 that workers have taken up: step, domain, position
    int64_t kept_bytes;
    bool stop;
    cgv_status status; // of a failure
    double waited;
};

static int round_to_4(int size) {
    return size < 4 ? 4 : (size + 2) / 4 * 4;
}

static void free_loaded(loaded *l) {
    cgv_bitmap_free(&l->picture);
    cgv_bitmap_free(&l->scene);
}

static int64_t loaded_bytes(const loaded *l) {
    int64_t bytes = (int64_t)cgv_bitmap_bytes(l->picture.width, l->picture.height);
    return l->scene.rgb ? 2 * bytes : bytes;
}

static cgv_status read_picture(cgv_dataset *dataset, loaded *out, collection *d, int index) {
    cgv_bitmap picture, scene = {0};
    *out = (loaded){0};
    cgv_status status = d->frames->class->read(d->frames, &picture, index);
    if (status)
        return status;
    if (d->scenes && (status = cgv_scene_find(&scene, &picture))) {
        cgv_bitmap_free(&picture);
        return status;
    }
    status = cgv_augment_load(&out->picture, &picture, &dataset->params);
    if (!status && d->scenes)
        status = cgv_bitmap_resize(&out->scene, out->picture.width, out->picture.height, &scene,
                                   (cgv_box){0, 0, scene.width, scene.height});
    cgv_bitmap_free(&scene);
    if (status)
        free_loaded(out);
    return status;
}

// A picture at load size: the kept one, or a new one that the caller frees (*own).
static cgv_status load(cgv_dataset *dataset, loaded *out, bool *own, collection *d, int index) {
    pthread_mutex_lock(&dataset->lock);
    *out = d->kept[index];
    pthread_mutex_unlock(&dataset->lock);
    *own = !out->picture.rgb;
    cgv_status status = *own ? read_picture(dataset, out, d, index) : CGV_OK;
    if (status || !*own)
        return status;
    int64_t bytes = loaded_bytes(out);
    pthread_mutex_lock(&dataset->lock);
    // Another worker may have kept the same one in the meantime.
    if (!d->kept[index].picture.rgb && dataset->kept_bytes + bytes <= dataset->params.memory) {
        d->kept[index] = *out;
        dataset->kept_bytes += bytes;
        *own = false;
    }
    pthread_mutex_unlock(&dataset->lock);
    return CGV_OK;
}

static bool is_unreadable(cgv_dataset *dataset, const collection *d, int index) {
    pthread_mutex_lock(&dataset->lock);
    bool result = d->unreadable[index];
    pthread_mutex_unlock(&dataset->lock);
    return result;
}

// The picture, or the first one after it that can be read. Failures have been reported.
static cgv_status load_near(cgv_dataset *dataset, loaded *out, bool *own, collection *d,
                            int index) {
    cgv_status status = CGV_ERROR_IO;
    const int tries = dataset->params.paired ? 1 : TRIES;
    for (int i = 0; i < tries && i < d->frames->count; i++, index++) {
        index %= d->frames->count;
        if (is_unreadable(dataset, d, index))
            continue;
        status = load(dataset, out, own, d, index);
        if (!status || status == CGV_ERROR_MEMORY)
            return status;
        pthread_mutex_lock(&dataset->lock);
        d->unreadable[index] = true;
        pthread_mutex_unlock(&dataset->lock);
    }
    return status;
}

static int choose(const cgv_dataset *dataset, int domain, int64_t step, int position,
                  cgv_rng *rng) {
    const uint32_t count = (uint32_t)dataset->domains[domain].frames->count;
    uint32_t drawn = cgv_rng_below(rng, count);
    if (domain == 1 && !dataset->params.paired)
        return (int)drawn;
    int64_t place = step * dataset->params.batch + position;
    // The generator of a position that no batch has: one order for each pass over A.
    cgv_rng order = cgv_augment_rng(dataset->params.seed, place / count, -1, 0);
    uint64_t key = (uint64_t)cgv_rng_u32(&order) << 32;
    key |= cgv_rng_u32(&order);
    return (int)cgv_shuffled((uint32_t)(place % count), count, key);
}

static cgv_status prepare(cgv_dataset *dataset, int64_t step, int domain, int position) {
    // The same draws for both pictures of a pair, whose sizes are the same.
    cgv_rng rng =
        cgv_augment_rng(dataset->params.seed, step, position, dataset->params.paired ? 0 : domain);
    int index = choose(dataset, domain, step, position, &rng);
    loaded from = {0};
    bool own = false;
    cgv_status status = load_near(dataset, &from, &own, &dataset->domains[domain], index);
    if (status)
        return status;
    size_t picture = dataset->batch_floats / (size_t)dataset->params.batch;
    const slot *to = &dataset->slots[step % DEPTH];
    cgv_rng same = rng;
    status = cgv_augment(to->pictures[domain] + (size_t)position * picture, &from.picture, &rng,
                         &dataset->params, domain);
    if (!status && from.scene.rgb)
        status = cgv_augment_mask(to->scenes + (size_t)position * picture, &from.scene, &same,
                                  &dataset->params);
    if (own)
        free_loaded(&from);
    return status;
}

static void *work(void *opaque) {
    cgv_dataset *dataset = opaque;
    const int batch = dataset->params.batch;
    pthread_mutex_lock(&dataset->lock);
    while (!dataset->stop) {
        int64_t step = dataset->claimed / (2 * batch);
        if (step >= dataset->step + DEPTH) {
            pthread_cond_wait(&dataset->freed, &dataset->lock);
            continue;
        }
        int which = (int)(dataset->claimed++ % (2 * batch));
        pthread_mutex_unlock(&dataset->lock);
        cgv_status status = prepare(dataset, step, which / batch, which % batch);
        pthread_mutex_lock(&dataset->lock);
        if (status) { // its step stays incomplete
            dataset->status = status;
            dataset->stop = true;
        }
        if (status || !--dataset->slots[step % DEPTH].missing)
            pthread_cond_signal(&dataset->filled);
    }
    pthread_cond_broadcast(&dataset->freed);
    pthread_mutex_unlock(&dataset->lock);
    return NULL;
}

static void stop(cgv_dataset *dataset) {
    pthread_mutex_lock(&dataset->lock);
    dataset->stop = true;
    pthread_cond_broadcast(&dataset->freed);
    pthread_mutex_unlock(&dataset->lock);
    while (dataset->running)
        pthread_join(dataset->threads[--dataset->running], NULL);
}

cgv_status cgv_dataset_start(cgv_dataset *dataset, int64_t step) {
    stop(dataset);
    dataset->stop = false;
    dataset->status = CGV_OK;
    dataset->step = step;
    dataset->claimed = step * 2 * dataset->params.batch;
    for (int i = 0; i < DEPTH; i++)
        dataset->slots[i].missing = 2 * dataset->params.batch;
    for (; dataset->running < dataset->params.workers; dataset->running++)
        if (pthread_create(&dataset->threads[dataset->running], NULL, work, dataset)) {
            if (dataset->running)
                break; // fewer do as well
            return cgv_fail(CGV_ERROR_MEMORY, "cannot start a thread to prepare training data");
        }
    return CGV_OK;
}

cgv_status cgv_dataset_next(cgv_dataset *dataset, float *a, float *b, float *scenes) {
    pthread_mutex_lock(&dataset->lock);
    slot *s = &dataset->slots[dataset->step % DEPTH];
    double start = cgv_clock_seconds();
    while (s->missing && !dataset->status)
        pthread_cond_wait(&dataset->filled, &dataset->lock);
    dataset->waited += cgv_clock_seconds() - start;
    cgv_status status = s->missing ? dataset->status : CGV_OK;
    pthread_mutex_unlock(&dataset->lock);
    if (status)
        return status;
    memcpy(a, s->pictures[0], dataset->batch_floats * sizeof *a);
    memcpy(b, s->pictures[1], dataset->batch_floats * sizeof *b);
    if (scenes && s->scenes)
        memcpy(scenes, s->scenes, dataset->batch_floats * sizeof *scenes);
    pthread_mutex_lock(&dataset->lock);
    s->missing = 2 * dataset->params.batch;
    dataset->step++;
    pthread_cond_broadcast(&dataset->freed);
    pthread_mutex_unlock(&dataset->lock);
    return CGV_OK;
}

// The sizes that the params leave open.
static cgv_status settle_sizes(cgv_dataset_params *p, cgv_frames *frames) {
    bool whole =
        p->preprocess == CGV_PREPROCESS_SCALE_WIDTH || p->preprocess == CGV_PREPROCESS_NONE;
    if (!p->width && !p->height && whole) {
        cgv_bitmap first;
        cgv_status status = frames->class->read(frames, &first, 0);
        if (status)
            return status;
        p->width = p->load_size && p->preprocess == CGV_PREPROCESS_SCALE_WIDTH ? p->load_size
                                                                               : first.width;
        p->height = (int)((int64_t)first.height * p->width / first.width);
        cgv_bitmap_free(&first);
    }
    if (p->batch < 1 || p->width < 1 || p->height < 1 || p->load_size < 0 || p->workers < 0 ||
        !(p->min_scale >= 0 && p->min_scale <= 1) || !(p->exposure[0] >= 0) ||
        !(p->exposure[1] >= 0))
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "training data: batch, width and height must be at least 1, the load size "
                        "and exposures not negative, the smallest crop 0 to 1");
    p->width = round_to_4(p->width);
    p->height = round_to_4(p->height);
    int side = p->preprocess == CGV_PREPROCESS_SCALE_SHORTSIDE && p->height < p->width ? p->height
                                                                                       : p->width;
    if (!p->load_size)
        p->load_size = (side * 286 + 128) / 256;
    if (p->load_size < side)
        p->load_size = side;
    if (!p->workers) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        p->workers = cores < 1 ? 1 : cores > 4 ? 4 : (int)cores;
    }
    p->workers = p->workers > MAX_WORKERS ? MAX_WORKERS : p->workers;
    return CGV_OK;
}

cgv_status cgv_dataset_create(cgv_dataset **out, cgv_frames *frames_a, cgv_frames *frames_b,
                              const cgv_dataset_params *params) {
    *out = NULL;
    cgv_dataset_params settled = params ? *params : CGV_DATASET_DEFAULTS;
    cgv_status status = settle_sizes(&settled, frames_a);
    if (status)
        return status;
    if (settled.paired && frames_a->count != frames_b->count)
        return cgv_fail(CGV_ERROR_ARGUMENT, "%d pictures of A and %d of B are no pairs",
                        frames_a->count, frames_b->count);
    cgv_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset)
        return cgv_fail(CGV_ERROR_MEMORY, "no memory for training data");
    dataset->params = settled;
    dataset->batch_floats = (size_t)settled.batch * cgv_bitmap_bytes(settled.width, settled.height);
    dataset->domains[0].frames = frames_a;
    dataset->domains[1].frames = frames_b;
    pthread_mutex_init(&dataset->lock, NULL);
    pthread_cond_init(&dataset->filled, NULL);
    pthread_cond_init(&dataset->freed, NULL);
    bool enough = true;
    for (int i = 0; i < 2; i++) {
        collection *d = &dataset->domains[i];
        d->kept = calloc((size_t)d->frames->count, sizeof *d->kept);
        d->unreadable = calloc((size_t)d->frames->count, sizeof *d->unreadable);
        enough &= d->kept && d->unreadable;
        for (int k = 0; k < DEPTH; k++) {
            dataset->slots[k].pictures[i] = malloc(dataset->batch_floats * sizeof(float));
            enough &= dataset->slots[k].pictures[i] != NULL;
        }
    }
    dataset->domains[0].scenes = settled.scenes;
    for (int k = 0; k < DEPTH && settled.scenes; k++) {
        dataset->slots[k].scenes = malloc(dataset->batch_floats * sizeof(float));
        enough &= dataset->slots[k].scenes != NULL;
    }
    if (!enough) {
        cgv_dataset_destroy(&dataset);
        return cgv_fail(CGV_ERROR_MEMORY, "no memory for batches of %d pictures of %dx%d",
                        settled.batch, settled.width, settled.height);
    }
    *out = dataset;
    return CGV_OK;
}

void cgv_dataset_destroy(cgv_dataset **handle) {
    cgv_dataset *dataset = *handle;
    if (!dataset)
        return;
    stop(dataset);
    for (int i = 0; i < 2; i++) {
        collection *d = &dataset->domains[i];
        for (int k = 0; d->kept && k < d->frames->count; k++)
            free_loaded(&d->kept[k]);
        free(d->kept);
        free(d->unreadable);
        for (int k = 0; k < DEPTH; k++)
            free(dataset->slots[k].pictures[i]);
    }
    for (int k = 0; k < DEPTH; k++)
        free(dataset->slots[k].scenes);
    pthread_cond_destroy(&dataset->freed);
    pthread_cond_destroy(&dataset->filled);
    pthread_mutex_destroy(&dataset->lock);
    free(dataset);
    *handle = NULL;
}

void cgv_dataset_size(const cgv_dataset *dataset, int *width, int *height) {
    *width = dataset->params.width;
    *height = dataset->params.height;
}

int64_t cgv_dataset_epoch_steps(const cgv_dataset *dataset) {
    int a = dataset->domains[0].frames->count, b = dataset->domains[1].frames->count;
    int64_t steps = (a > b ? a : b) / dataset->params.batch;
    return steps < 1 ? 1 : steps;
}

double cgv_dataset_waited(const cgv_dataset *dataset) {
    return dataset->waited;
}
