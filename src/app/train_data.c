#include "app/train_data.h"

#include <stdlib.h>
#include <string.h>

#include "app/folder.h"
#include "base/crc32c.h"
#include "base/fs.h"
#include "base/log.h"
#include "train/cache.h"
#include "train/panes.h"
#if CGV_FFMPEG
#include "video/frames.h"
#endif

// Pictures are kept a little larger than the training size, for crops, and as large as windows are
// looked for in; at their own size where crops are of that.
static int cache_side(const cgv_train_options *o, bool scenes) {
    if (o->preprocess == CGV_PREPROCESS_CROP)
        return 0;
    int size = o->crop.width > o->crop.height ? o->crop.width : o->crop.height;
    int side = o->load_size ? o->load_size : size * 286 / 256;
    return scenes && side < CGV_PANES_SIDE ? CGV_PANES_SIDE : side;
}

static cgv_status open_domain(cgv_frames **out, const cgv_train_options *o, char domain,
                              const atomic_bool *stop) {
    char *cache = o->cache ? cgv_fs_format("%s/%c.frames", o->cache, domain) : NULL;
    const char *sources = domain == 'a' ? o->a : o->b;
    if (o->cache && !cache)
        return cgv_fail(CGV_ERROR_MEMORY, "train: out of memory");
#if CGV_FFMPEG
    cgv_frames_params params = CGV_FRAMES_DEFAULTS;
    char label[] = {domain, 0};
    params.target = o->frames;
    params.cache = cache;
    params.cache_side = cache_side(o, domain == 'a' && cgv_train_needs_scenes(o));
    params.stop = stop;
    cgv_status status = cgv_frames_open(out, label, &sources, 1, &params);
#else
    (void)stop;
    (void)cache_side;
    cgv_status status =
        cache ? cgv_cache_open(out, cache)
              : cgv_fail(CGV_ERROR_UNSUPPORTED,
                         "this build has no FFmpeg and cannot read %s: train from a -cache "
                         "made by a build that has it",
                         sources);
#endif
    free(cache);
    return status;
}

// The frames that the generator is to turn, and those that it is to give.
static cgv_status find_pairs(cgv_train_data *data, const cgv_train_options *o,
                             cgv_frames *domains[2]) {
    domains[0] = data->a;
    domains[1] = data->b;
    if (!o->paired)
        return CGV_OK;
    cgv_status status = data->b ? cgv_pairs_match(&data->pairs, data->a, data->b)
                                : cgv_pairs_split(&data->pairs, data->a);
    for (int i = 0; i < 2 && !status; i++)
        domains[i] = cgv_pairs_side(data->pairs, i ^ o->direction);
    return status;
}

cgv_status cgv_train_data_open(cgv_train_data *out, const cgv_train_options *o,
                               const atomic_bool *stop) {
    *out = (cgv_train_data){0};
    cgv_dataset_params params = CGV_DATASET_DEFAULTS;
    params.batch = o->batch * o->accumulate;
    params.width = o->crop.width;
    params.height = o->crop.height;
    params.load_size = o->load_size;
    params.preprocess = (cgv_preprocess)o->preprocess;
    params.flip = !o->no_flip;
    params.paired = o->paired;
    params.min_scale = (float)o->min_scale;
    int a = o->paired ? o->direction : 0; // the side of the dataset that has the pictures of -a
    params.exposure[a] = (float)o->exposure_a;
    params.exposure[!a] = (float)o->exposure_b;
    params.scenes = cgv_train_needs_scenes(o);
    params.seed = (uint64_t)o->seed;
    params.workers = o->workers;
    cgv_status status = o->cache ? cgv_make_folders(o->cache) : CGV_OK;
    if (!status)
        status = open_domain(&out->a, o, 'a', stop);
    if (!status && o->b)
        status = open_domain(&out->b, o, 'b', stop);
    cgv_frames *domains[2];
    if (!status)
        status = find_pairs(out, o, domains);
    if (!status)
        status = cgv_dataset_create(&out->dataset, domains[0], domains[1], &params);
    if (status)
        cgv_train_data_close(out);
    return status;
}

static json_t *describe_domain(const cgv_frames *frames) {
    uint32_t crc = 0;
    for (int i = 0; i < frames->count; i++) {
        char *name = frames->class->describe(frames, i);
        if (!name)
            return NULL;
        crc = cgv_crc32c(crc, name, strlen(name) + 1);
        free(name);
    }
    return json_pack("{s:i, s:o}", "count", frames->count, "names", json_sprintf("%08x", crc));
}

json_t *cgv_train_data_describe(const cgv_train_data *data) {
    json_t *a = describe_domain(data->a);
    return data->b ? json_pack("{s:o, s:o}", "a", a, "b", describe_domain(data->b))
                   : json_pack("{s:o}", "a", a);
}

void cgv_train_data_close(cgv_train_data *data) {
    cgv_dataset_destroy(&data->dataset);
    cgv_pairs_destroy(&data->pairs);
    cgv_frames_destroy(&data->a);
    cgv_frames_destroy(&data->b);
}
