#include "train/pairs.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

// A side's own frames: what the dataset reads.
typedef struct side {
    cgv_frames head;
    cgv_pairs *pairs;
    int which;
} side;

typedef struct extent {
    int width, height; // 0: not known yet
} extent;

struct cgv_pairs {
    side sides[2];
    cgv_frames *source[2];
    int *index[2]; // matched: picture of the source; NULL: side by side
    pthread_mutex_t lock;
    extent *sizes; // matched: of the pictures of A
};

// ---- side by side ----

static cgv_status read_half(cgv_pairs *pairs, cgv_bitmap *out, int which, int index) {
    cgv_bitmap whole;
    cgv_status status = pairs->source[0]->class->read(pairs->source[0], &whole, index);
    if (status)
        return status;
    int width = whole.width / 2;
    if (width < 1)
        status = cgv_fail(CGV_ERROR_FORMAT, "a picture one pixel wide shows no two side by side");
    else
        status = cgv_bitmap_create(out, width, whole.height);
    for (int y = 0; y < whole.height && !status; y++) {
        size_t from = (size_t)y * (size_t)whole.width + (size_t)(which ? whole.width - width : 0);
        memcpy(out->rgb + cgv_bitmap_bytes(width, y), whole.rgb + 3 * from,
               cgv_bitmap_bytes(width, 1));
    }
    cgv_bitmap_free(&whole);
    return status;
}

// ---- matched ----

static cgv_status read_of(cgv_pairs *pairs, cgv_bitmap *out, int which, int index) {
    cgv_frames *source = pairs->source[which];
    return source->class->read(source, out, pairs->index[which][index]);
}

static void note_size(cgv_pairs *pairs, int index, const cgv_bitmap *picture) {
    pthread_mutex_lock(&pairs->lock);
    pairs->sizes[index] = (extent){picture->width, picture->height};
    pthread_mutex_unlock(&pairs->lock);
}

// Of the picture of A, which is read where nobody has yet.
static cgv_status size_of(cgv_pairs *pairs, extent *out, int index) {
    pthread_mutex_lock(&pairs->lock);
    *out = pairs->sizes[index];
    pthread_mutex_unlock(&pairs->lock);
    if (out->width)
        return CGV_OK;
    cgv_bitmap picture;
    cgv_status status = read_of(pairs, &picture, 0, index);
    if (status)
        return status;
    *out = (extent){picture.width, picture.height};
    note_size(pairs, index, &picture);
    cgv_bitmap_free(&picture);
    return CGV_OK;
}

static cgv_status read_matched(cgv_pairs *pairs, cgv_bitmap *out, int which, int index) {
    extent size = {0};
    cgv_status status = which ? size_of(pairs, &size, index) : CGV_OK;
    if (!status)
        status = read_of(pairs, out, which, index);
    if (status)
        return status;
    if (!which)
        note_size(pairs, index, out);
    if (!which || (out->width == size.width && out->height == size.height))
        return CGV_OK;
    cgv_bitmap read = *out;
    status = cgv_bitmap_resize(out, size.width, size.height, &read,
                               (cgv_box){0, 0, read.width, read.height});
    cgv_bitmap_free(&read);
    return status;
}

// ---- frames ----

static cgv_status read_side(cgv_frames *frames, cgv_bitmap *out, int index) {
    side *s = (side *)frames;
    return s->pairs->index[0] ? read_matched(s->pairs, out, s->which, index)
                              : read_half(s->pairs, out, s->which, index);
}

static char *describe(const cgv_frames *frames, int index) {
    const side *s = (const side *)frames;
    bool matched = s->pairs->index[0];
    const cgv_frames *source = s->pairs->source[matched ? s->which : 0];
    return source->class->describe(source, matched ? s->pairs->index[s->which][index] : index);
}

static void leave(cgv_frames *frames) {
    (void)frames; // the pairs own it
}

static const cgv_frames_class side_class = {read_side, describe, leave};

cgv_frames *cgv_pairs_side(cgv_pairs *pairs, int which) {
    return &pairs->sides[which].head;
}

static cgv_pairs *create(cgv_frames *a, cgv_frames *b, int count) {
    cgv_pairs *pairs = calloc(1, sizeof *pairs);
    if (!pairs)
        return NULL;
    pthread_mutex_init(&pairs->lock, NULL);
    for (int i = 0; i < 2; i++) {
        pairs->sides[i] = (side){.head = {&side_class, count}, .pairs = pairs, .which = i};
        pairs->source[i] = i ? b : a;
    }
    return pairs;
}

void cgv_pairs_destroy(cgv_pairs **out) {
    cgv_pairs *pairs = *out;
    *out = NULL;
    if (!pairs)
        return;
    pthread_mutex_destroy(&pairs->lock);
    free(pairs->index[0]);
    free(pairs->index[1]);
    free(pairs->sizes);
    free(pairs);
}

cgv_status cgv_pairs_split(cgv_pairs **out, cgv_frames *side_by_side) {
    *out = create(side_by_side, side_by_side, side_by_side->count);
    return *out ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "pairs of pictures: out of memory");
}

// ---- matching ----

typedef struct entry {
    char *name;
    int index;
} entry;

// Without its folder, and its ending where that is one: "x.mp4 at 12.400 s" stays as it is.
static void shorten(char *name) {
    char *slash = strrchr(name, '/');
    if (slash)
        memmove(name, slash + 1, strlen(slash + 1) + 1);
    char *dot = strrchr(name, '.');
    if (!dot || dot == name)
        return;
    for (const char *c = dot + 1; *c; c++)
        if (!isalnum((unsigned char)*c))
            return;
    *dot = 0;
}

static int compare(const void *x, const void *y) {
    const entry *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void free_entries(entry *entries, int count) {
    for (int i = 0; entries && i < count; i++)
        free(entries[i].name);
    free(entries);
}

// The names of all pictures, sorted; NULL when out of memory.
static entry *list_names(const cgv_frames *frames) {
    entry *entries = calloc((size_t)frames->count, sizeof *entries);
    for (int i = 0; entries && i < frames->count; i++) {
        entries[i] = (entry){frames->class->describe(frames, i), i};
        if (!entries[i].name) {
            free_entries(entries, i);
            return NULL;
        }
        shorten(entries[i].name);
    }
    if (entries)
        qsort(entries, (size_t)frames->count, sizeof *entries, compare);
    return entries;
}

// Both lists are sorted: walk them together. Of several that are called the same the first ones.
static int match(cgv_pairs *pairs, const entry *a, int a_count, const entry *b, int b_count) {
    int found = 0;
    for (int i = 0, k = 0; i < a_count && k < b_count;) {
        int order = strcmp(a[i].name, b[k].name);
        if (order < 0) {
            i++;
        } else if (order > 0) {
            k++;
        } else {
            pairs->index[0][found] = a[i].index;
            pairs->index[1][found++] = b[k].index;
            for (const char *name = a[i].name; i < a_count && !strcmp(a[i].name, name);)
                i++;
            for (const char *name = b[k].name; k < b_count && !strcmp(b[k].name, name);)
                k++;
        }
    }
    return found;
}

cgv_status cgv_pairs_match(cgv_pairs **out, cgv_frames *a, cgv_frames *b) {
    cgv_pairs *pairs = *out = create(a, b, 0);
    entry *names_a = list_names(a), *names_b = list_names(b);
    if (pairs) {
        pairs->index[0] = calloc((size_t)a->count, sizeof *pairs->index[0]);
        pairs->index[1] = calloc((size_t)a->count, sizeof *pairs->index[1]);
        pairs->sizes = calloc((size_t)a->count, sizeof *pairs->sizes);
    }
    cgv_status status = CGV_OK;
    if (!pairs || !names_a || !names_b || !pairs->index[0] || !pairs->index[1] || !pairs->sizes)
        status = cgv_fail(CGV_ERROR_MEMORY, "pairs of pictures: out of memory");
    int found = status ? 0 : match(pairs, names_a, a->count, names_b, b->count);
    if (!status && !found)
        status = cgv_fail(CGV_ERROR_ARGUMENT,
                          "no picture of A is called as one of B (%s, %s): pairs are matched by "
                          "the names of their files without endings",
                          names_a[0].name, names_b[0].name);
    free_entries(names_a, a->count);
    free_entries(names_b, b->count);
    if (status) {
        cgv_pairs_destroy(out);
        return status;
    }
    for (int i = 0; i < 2; i++)
        pairs->sides[i].head.count = found;
    if (found < a->count || found < b->count)
        cgv_log(CGV_LOG_INFO, "%d pairs; %d pictures of A and %d of B have no partner", found,
                a->count - found, b->count - found);
    return CGV_OK;
}
