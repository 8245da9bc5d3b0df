#include "video/frames.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "train/cache.h"
#include "train/listing.h"
#include "video/clip.h"
#include "video/judge.h"

enum { IDLE_READERS = 16 };

typedef struct place {
    int clip, frame;
} place;

typedef struct collection {
    cgv_frames head;
    cgv_clip *clips;
    int clip_count;
    place *places; // [head.count]
    pthread_mutex_t lock;
    cgv_clip_reader *idle[IDLE_READERS]; // open, in use by nobody; the longest unused first
    int idle_count;
} collection;

// What scanning left out.
typedef struct tally {
    int pictures, frames, videos, files;
    int verdicts[CGV_VERDICTS];
    int damaged; // pictures and frames of files that are otherwise of use
} tally;

// An idle reader of this clip, or a new one.
static bool take_reader(collection *c, cgv_clip_reader **out, char reason[CGV_REASON],
                        const cgv_clip *clip) {
    *out = NULL;
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->idle_count && !*out; i++)
        if (cgv_clip_reader_clip(c->idle[i]) == clip) {
            *out = c->idle[i];
            memmove(c->idle + i, c->idle + i + 1, (size_t)(--c->idle_count - i) * sizeof *c->idle);
        }
    pthread_mutex_unlock(&c->lock);
    return *out || cgv_clip_reader_open(out, reason, clip, 1);
}

static void return_reader(collection *c, cgv_clip_reader *reader) {
    cgv_clip_reader *oldest = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->idle_count == IDLE_READERS) {
        oldest = c->idle[0];
        memmove(c->idle, c->idle + 1, (size_t)--c->idle_count * sizeof *c->idle);
    }
    c->idle[c->idle_count++] = reader;
    pthread_mutex_unlock(&c->lock);
    cgv_clip_reader_close(&oldest);
}

static cgv_status read_picture(cgv_frames *frames, cgv_bitmap *out, int index) {
    collection *c = (collection *)frames;
    const place *p = &c->places[index];
    const cgv_clip *clip = &c->clips[p->clip];
    char reason[CGV_REASON];
    cgv_clip_reader *reader;
    bool ok = take_reader(c, &reader, reason, clip);
    ok = ok && cgv_clip_reader_read(reader, out, reason, p->frame);
    if (reader && !clip->picture)
        return_reader(c, reader);
    else
        cgv_clip_reader_close(&reader);
    if (ok)
        return CGV_OK;
    if (clip->picture)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: %s", clip->path, reason);
    return cgv_fail(CGV_ERROR_FORMAT, "%s at %.3f s: %s", clip->path,
                    cgv_clip_seconds(clip, p->frame), reason);
}

static char *name_of(const cgv_clip *clip, int frame) {
    return clip->picture ? strdup(clip->path)
                         : cgv_fs_format("%s at %.3f s", clip->path, cgv_clip_seconds(clip, frame));
}

static char *describe(const cgv_frames *frames, int index) {
    const collection *c = (const collection *)frames;
    return name_of(&c->clips[c->places[index].clip], c->places[index].frame);
}

static void destroy(cgv_frames *frames) {
    collection *c = (collection *)frames;
    while (c->idle_count)
        cgv_clip_reader_close(&c->idle[--c->idle_count]);
    for (int i = 0; i < c->clip_count; i++)
        cgv_clip_close(&c->clips[i]);
    free(c->clips);
    free(c->places);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static const cgv_frames_class collection_class = {read_picture, describe, destroy};

static bool interrupted(const cgv_frames_params *params) {
    return params->stop && atomic_load(params->stop);
}

static cgv_status say_interrupted(const char *label) {
    return cgv_fail(CGV_ERROR_INTERRUPTED, "%s: stopped while looking for pictures", label);
}

static cgv_status open_clips(collection *c, tally *t, const char *label, const cgv_listing *listing,
                             const cgv_frames_params *params) {
    c->clips = calloc((size_t)listing->count, sizeof *c->clips);
    if (!c->clips)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", label);
    for (int i = 0; i < listing->count; i++) {
        char reason[CGV_REASON];
        const cgv_listed *file = &listing->files[i];
        if (interrupted(params))
            return say_interrupted(label);
        if (cgv_clip_open(&c->clips[c->clip_count], reason, file->path, file->picture,
                          params->stop)) {
            t->videos += !file->picture;
            c->clip_count++;
        } else if (interrupted(params)) {
            return say_interrupted(label);
        } else {
            cgv_log(CGV_LOG_WARNING, "%s: %s: left out", file->path, reason);
            t->files++;
        }
    }
    return CGV_OK;
}

static double clip_length(const cgv_clip *clip) {
    double last = cgv_clip_seconds(clip, clip->count - 1);
    return clip->count > 1 ? last * clip->count / (clip->count - 1) : 1e-3;
}

// Which frames of a video are looked at: those shown at evenly spaced times.
typedef struct sampling {
    double interval, next; // seconds; the next one's time, from the beginning of the video
} sampling;

static sampling begin_sampling(const collection *c, int target) {
    int64_t frames = 0;
    double seconds = 0;
    for (int i = 0; i < c->clip_count; i++)
        if (!c->clips[i].picture) {
            frames += c->clips[i].count;
            seconds += clip_length(&c->clips[i]);
        }
    double interval = target && frames > target ? seconds / target : 0;
    return (sampling){interval, interval / 2};
}

static bool is_sample(sampling *s, const cgv_clip *clip, int frame) {
    double end = frame + 1 < clip->count ? cgv_clip_seconds(clip, frame + 1) : clip_length(clip);
    if (s->interval <= 0)
        return true;
    bool shown = s->next < end;
    while (s->next < end)
        s->next += s->interval;
    return shown;
}

static cgv_status keep(collection *c, place p) {
    int count = c->head.count;
    if (!(count & (count - 1))) {
        size_t room = count ? 2 * (size_t)count : 1;
        place *grown = realloc(c->places, room * sizeof *grown);
        if (!grown)
            return cgv_fail(CGV_ERROR_MEMORY, "no memory for a list of %zu pictures", room);
        c->places = grown;
    }
    c->places[c->head.count++] = p;
    return CGV_OK;
}

static cgv_status write_to_cache(cgv_cache_writer *cache, const cgv_cache_picture *picture,
                                 const cgv_clip *clip, int frame) {
    if (!cache)
        return CGV_OK;
    char *name = name_of(clip, frame);
    cgv_status status = name ? cgv_cache_writer_append(cache, picture, name)
                             : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", clip->path);
    free(name);
    return status;
}

// What goes along with the scan of a collection.
typedef struct scan {
    const cgv_frames_params *params;
    const char *label;
    tally *tally;
    sampling sampling;
    cgv_cache_writer *cache; // NULL: none
} scan;

enum { NEIGHBOUR = 1, SAMPLE = 2 }; // why a frame is looked at

// A frame that was looked at.
typedef struct look {
    int frame;
    bool sample, readable;
    cgv_thumb thumb;
    cgv_cache_picture picture; // of samples that are not judged yet, where there is a cache
} look;

// The scan of one clip: samples are judged as soon as their last neighbour was looked at.
typedef struct clip_scan {
    collection *c;
    scan *s;
    int index;
    const cgv_clip *clip;
    uint8_t *wanted; // [clip->count]
    look *looks;     // the latest, ascending
    int look_count, room;
    int next; // of the looks, the first one that may be to be judged
    cgv_thumb kept;
    bool any_kept;
    int damaged;
    char reason[CGV_REASON]; // of the first damage
} clip_scan;

// The frame shown at a time; the first or last one beyond the ends.
static int frame_at(const cgv_clip *clip, double seconds) {
    int low = 0, high = clip->count;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (cgv_clip_seconds(clip, middle) <= seconds + 1e-6)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int neighbour(const cgv_clip *clip, int frame, int place_in_window) {
    double offset = cgv_window_offsets[place_in_window];
    return offset == 0 ? frame : frame_at(clip, cgv_clip_seconds(clip, frame) + offset);
}

static void choose_frames(clip_scan *k) {
    for (int frame = 0; frame < k->clip->count; frame++) {
        if (!k->clip->picture && !is_sample(&k->s->sampling, k->clip, frame))
            continue;
        k->wanted[frame] |= SAMPLE;
        for (int i = 0; i < CGV_WINDOW && !k->clip->picture; i++)
            k->wanted[neighbour(k->clip, frame, i)] |= NEIGHBOUR;
    }
}

static const cgv_thumb *find_thumb(const clip_scan *k, int frame) {
    for (int i = k->look_count - 1; i >= 0 && k->looks[i].frame >= frame; i--)
        if (k->looks[i].frame == frame)
            return k->looks[i].readable ? &k->looks[i].thumb : NULL;
    return NULL;
}

static cgv_verdict judge(const clip_scan *k, const look *sample) {
    const cgv_thumb *window[CGV_WINDOW];
    if (k->clip->picture)
        return CGV_VERDICT_KEEP;
    for (int i = 0; i < CGV_WINDOW; i++)
        window[i] = find_thumb(k, neighbour(k->clip, sample->frame, i));
    return cgv_judge(window, k->any_kept ? &k->kept : NULL);
}

// Judge the samples whose windows end before or at this frame.
static cgv_status settle(clip_scan *k, int frame) {
    cgv_status status = CGV_OK;
    for (; k->next < k->look_count && !status; k->next++) {
        look *sample = &k->looks[k->next];
        if (!sample->sample || !sample->readable)
            continue;
        if (neighbour(k->clip, sample->frame, CGV_WINDOW - 1) > frame)
            break;
        cgv_verdict verdict = judge(k, sample);
        k->s->tally->verdicts[verdict]++;
        if (verdict == CGV_VERDICT_KEEP) {
            k->kept = sample->thumb;
            k->any_kept = true;
            status = keep(k->c, (place){k->index, sample->frame});
            if (!status)
                status = write_to_cache(k->s->cache, &sample->picture, k->clip, sample->frame);
        }
        cgv_cache_picture_free(&sample->picture);
    }
    return status;
}

// Forget what no sample needs that is still to be judged, or to come from `frame` on.
static void forget_looks(clip_scan *k, int frame) {
    int old = 0;
    int first = neighbour(k->clip, k->next < k->look_count ? k->looks[k->next].frame : frame, 0);
    while (old < k->next && k->looks[old].frame < first)
        old++;
    if (old)
        memmove(k->looks, k->looks + old, (size_t)(k->look_count - old) * sizeof *k->looks);
    k->look_count -= old;
    k->next -= old;
}

static look *add_look(clip_scan *k, int frame) {
    if (k->look_count == k->room)
        forget_looks(k, frame);
    if (k->look_count == k->room) {
        int room = k->room ? 2 * k->room : 64;
        look *grown = realloc(k->looks, (size_t)room * sizeof *grown);
        if (!grown)
            return NULL;
        k->looks = grown;
        k->room = room;
    }
    look *added = &k->looks[k->look_count++];
    *added = (look){.frame = frame, .sample = k->wanted[frame] & SAMPLE};
    return added;
}

static void note_damage(clip_scan *k, const char reason[CGV_REASON]) {
    if (!k->damaged++)
        memcpy(k->reason, reason, CGV_REASON);
}

static cgv_status look_at(clip_scan *k, cgv_clip_reader *reader, int frame) {
    char reason[CGV_REASON];
    cgv_bitmap picture;
    look *l = add_look(k, frame);
    if (!l)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", k->clip->path);
    l->readable = cgv_clip_reader_read(reader, &picture, reason, frame);
    if (!l->readable) {
        if (l->sample)
            note_damage(k, reason);
        return CGV_OK;
    }
    cgv_thumb_make(&l->thumb, &picture);
    cgv_status status = CGV_OK;
    if (l->sample && k->s->cache)
        status = cgv_cache_writer_compress(k->s->cache, &l->picture, &picture);
    cgv_bitmap_free(&picture);
    return status ? status : settle(k, frame);
}

static cgv_status look_through(clip_scan *k) {
    char reason[CGV_REASON];
    cgv_clip_reader *reader;
    // All cores when a video is decoded from its beginning to its end.
    if (!cgv_clip_reader_open(&reader, reason, k->clip, k->clip->picture ? 1 : 0)) {
        note_damage(k, reason);
        return CGV_OK;
    }
    cgv_status status = CGV_OK;
    for (int frame = 0; !status && frame < k->clip->count; frame++) {
        if (interrupted(k->s->params))
            status = say_interrupted(k->s->label);
        else if (k->wanted[frame])
            status = look_at(k, reader, frame);
    }
    cgv_clip_reader_close(&reader);
    return status ? status : settle(k, k->clip->count - 1);
}

// Look at the samples of one clip and keep the good ones.
static cgv_status scan_clip(collection *c, scan *s, int index) {
    const cgv_clip *clip = &c->clips[index];
    const int before = c->head.count;
    clip_scan k = {.c = c, .s = s, .index = index, .clip = clip};
    k.wanted = calloc((size_t)clip->count + 1, 1); // one more: never none
    if (!k.wanted)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", clip->path);
    choose_frames(&k);
    cgv_status status = look_through(&k);
    for (int i = 0; i < k.look_count; i++)
        cgv_cache_picture_free(&k.looks[i].picture);
    free(k.looks);
    free(k.wanted);
    s->sampling.next -= s->sampling.interval > 0 && !clip->picture ? clip_length(clip) : 0;
    if (k.damaged && c->head.count == before) {
        cgv_log(CGV_LOG_WARNING, "%s: %s: left out", clip->path, k.reason);
        s->tally->files++;
    } else if (k.damaged) {
        cgv_log(CGV_LOG_VERBOSE, "%s: %d frames left out: %s", clip->path, k.damaged, k.reason);
        s->tally->damaged += k.damaged;
    }
    s->tally->pictures += clip->picture && c->head.count > before;
    return status;
}

static void report(const collection *c, const tally *t, const char *label) {
    char skipped[256] = "";
    const struct {
        int count;
        const char *what;
    } items[] = {{t->verdicts[CGV_VERDICT_DUPLICATE], "near-duplicates"},
                 {t->verdicts[CGV_VERDICT_BLACK], "black"},
                 {t->verdicts[CGV_VERDICT_FLAT], "flat"},
                 {t->verdicts[CGV_VERDICT_TRANSITION], "in transitions"},
                 {t->damaged, "damaged"},
                 {t->files, "unusable files"}};
    for (size_t i = 0, used = 0; i < sizeof items / sizeof *items; i++)
        if (items[i].count)
            used += (size_t)snprintf(skipped + used, sizeof skipped - used, "%s%d %s",
                                     used ? ", " : "; left out: ", items[i].count, items[i].what);
    cgv_log(CGV_LOG_INFO, "%s: %d pictures, %d frames of %d videos%s", label, t->pictures,
            c->head.count - t->pictures, t->videos, skipped);
}

static cgv_status scan_all(collection *c, tally *t, const char *label, cgv_cache_writer *cache,
                           const cgv_frames_params *params) {
    scan s = {params, label, t, begin_sampling(c, params->target), cache};
    for (int i = 0; i < c->clip_count; i++) {
        cgv_status status = scan_clip(c, &s, i);
        if (status)
            return status;
    }
    report(c, t, label);
    if (c->head.count)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_FORMAT, "%s: none of its pictures can be used", label);
}

// Decides the contents of a cache: where its pictures come from, and how they were made smaller.
static uint64_t cache_key(const cgv_listing *listing, const cgv_frames_params *params) {
    uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
    for (int i = -1; i < listing->count; i++) {
        char *text = NULL, *path = i < 0 ? NULL : realpath(listing->files[i].path, NULL);
        struct stat st = {0};
        if (i < 0)
            text = cgv_fs_format("3 %d %d %d", params->target, params->cache_side,
                                 params->cache_quality);
        else if (path && !stat(path, &st))
            text = cgv_fs_format("%s %jd %jd %ld", path, (intmax_t)st.st_size,
                                 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        // A file that is not there, or no memory: a key that no cache has been made with.
        for (const char *p = text ? text : "?"; *p; p++)
            hash = (hash ^ (uint8_t)*p) * 0x100000001b3u;
        hash = (hash ^ 0xff) * 0x100000001b3u;
        free(text);
        free(path);
    }
    return hash;
}

static cgv_status open_listing(cgv_frames **out, const char *label, const cgv_listing *listing,
                               cgv_cache_writer *cache, const cgv_frames_params *params) {
    tally t = {0};
    collection *c = calloc(1, sizeof *c);
    if (!c)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", label);
    c->head.class = &collection_class;
    pthread_mutex_init(&c->lock, NULL);
    cgv_status status = open_clips(c, &t, label, listing, params);
    if (!status)
        status = scan_all(c, &t, label, cache, params);
    if (status)
        destroy(&c->head);
    else
        *out = &c->head;
    return status;
}

static cgv_status open_cached(cgv_frames **out, const char *label, const cgv_listing *listing,
                              const cgv_frames_params *params) {
    uint64_t key = cache_key(listing, params);
    if (cgv_cache_matches(params->cache, key)) {
        cgv_status status = cgv_cache_open(out, params->cache);
        if (!status)
            cgv_log(CGV_LOG_INFO, "%s: %d pictures from %s", label, (*out)->count, params->cache);
        return status;
    }
    cgv_cache_writer *writer = NULL;
    cgv_frames *originals = NULL;
    cgv_status status = cgv_cache_writer_open(&writer, params->cache, key, params->cache_side,
                                              params->cache_quality);
    if (!status)
        status = open_listing(&originals, label, listing, writer, params);
    if (!status)
        status = cgv_cache_writer_commit(&writer);
    cgv_cache_writer_abort(&writer);
    cgv_frames_destroy(&originals);
    // The run that makes a cache trains on what later runs will find in it.
    return status ? status : cgv_cache_open(out, params->cache);
}

cgv_status cgv_frames_open(cgv_frames **out, const char *label, const char *const *specs, int count,
                           const cgv_frames_params *params) {
    *out = NULL;
    cgv_frames_params settled = params ? *params : CGV_FRAMES_DEFAULTS;
    cgv_listing listing;
    cgv_status status = cgv_listing_create(&listing, specs, count);
    if (status)
        return status;
    status = settled.cache ? open_cached(out, label, &listing, &settled)
                           : open_listing(out, label, &listing, NULL, &settled);
    cgv_listing_free(&listing);
    return status;
}
