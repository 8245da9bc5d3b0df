#include "train/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "train/jpeg.h"

static const char magic[] = "CGVFRM01"; // of which a file has the eight letters

typedef struct header {
    char magic[8];
    uint64_t key;
    uint64_t file_bytes;
    uint64_t count;
    uint64_t index, names; // where they begin
    uint64_t index_hash;   // of both
    uint64_t header_hash;  // of everything above
} header;

typedef struct entry {
    uint64_t offset, bytes;
    uint64_t hash;
    uint64_t name; // from the beginning of the names
    uint32_t width, height;
} entry;

_Static_assert(sizeof(header) == 64 && sizeof(entry) == 40, "the layout of the file");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the layout of the file");

// For finding damage, not for keeping out an adversary: FNV-1a on words.
static uint64_t hash_bytes(const void *data, size_t size) {
    const uint8_t *p = data;
    uint64_t hash = 0xcbf29ce484222325u ^ size, word;
    for (; size >= sizeof word; size -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    for (; size; size--, p++)
        hash = (hash ^ *p) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

struct cgv_cache_writer {
    cgv_fs_writer file;
    uint64_t key, position;
    int side, quality;
    entry *entries;
    char *names;
    size_t count, room, names_bytes, names_room;
};

static cgv_status append(cgv_cache_writer *writer, const void *data, size_t size) {
    writer->position += size;
    if (fwrite(data, 1, size, writer->file.file) == size)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", writer->file.path, strerror(errno));
}

cgv_status cgv_cache_writer_open(cgv_cache_writer **out, const char *path, uint64_t key, int side,
                                 int quality) {
    cgv_cache_writer *writer = *out = calloc(1, sizeof *writer);
    if (!writer)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    writer->key = key;
    writer->side = side;
    writer->quality = quality;
    cgv_status status = cgv_fs_writer_open(&writer->file, path);
    if (!status) // the header is not known before the end
        status = append(writer, &(header){0}, sizeof(header));
    if (status)
        cgv_cache_writer_abort(out);
    return status;
}

static cgv_status make_room(cgv_cache_writer *writer, size_t name_bytes) {
    if (writer->count == writer->room) {
        size_t room = writer->room ? 2 * writer->room : 64;
        entry *grown = realloc(writer->entries, room * sizeof *grown);
        if (!grown)
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", writer->file.path);
        writer->entries = grown;
        writer->room = room;
    }
    if (writer->names_bytes + name_bytes > writer->names_room) {
        size_t room = 2 * writer->names_room + name_bytes;
        char *grown = realloc(writer->names, room);
        if (!grown)
            return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", writer->file.path);
        writer->names = grown;
        writer->names_room = room;
    }
    return CGV_OK;
}

static int scaled(int size, int to, int from) {
    int result = (int)(((int64_t)size * to + from / 2) / from);
    return result < 1 ? 1 : result;
}

cgv_status cgv_cache_writer_compress(const cgv_cache_writer *writer, cgv_cache_picture *out,
                                     const cgv_bitmap *picture) {
    int w = picture->width, h = picture->height, shorter = w < h ? w : h;
    cgv_bitmap small = {0};
    cgv_status status = CGV_OK;
    *out = (cgv_cache_picture){0};
    if (writer->side && shorter > writer->side) {
        status =
            cgv_bitmap_resize(&small, scaled(w, writer->side, shorter),
                              scaled(h, writer->side, shorter), picture, (cgv_box){0, 0, w, h});
        picture = &small;
    }
    if (!status)
        status = cgv_jpeg_encode(&out->jpeg, &out->bytes, picture, writer->quality);
    out->width = picture->width;
    out->height = picture->height;
    cgv_bitmap_free(&small);
    return status;
}

cgv_status cgv_cache_writer_append(cgv_cache_writer *writer, const cgv_cache_picture *picture,
                                   const char *name) {
    size_t name_bytes = strlen(name) + 1;
    cgv_status status = make_room(writer, name_bytes);
    if (status)
        return status;
    writer->entries[writer->count++] = (entry){
        .offset = writer->position,
        .bytes = picture->bytes,
        .hash = hash_bytes(picture->jpeg, picture->bytes),
        .name = writer->names_bytes,
        .width = (uint32_t)picture->width,
        .height = (uint32_t)picture->height,
    };
    memcpy(writer->names + writer->names_bytes, name, name_bytes);
    writer->names_bytes += name_bytes;
    return append(writer, picture->jpeg, picture->bytes);
}

void cgv_cache_picture_free(cgv_cache_picture *picture) {
    free(picture->jpeg);
    *picture = (cgv_cache_picture){0};
}

cgv_status cgv_cache_writer_add(cgv_cache_writer *writer, const cgv_bitmap *picture,
                                const char *name) {
    cgv_cache_picture compressed;
    cgv_status status = cgv_cache_writer_compress(writer, &compressed, picture);
    if (!status)
        status = cgv_cache_writer_append(writer, &compressed, name);
    cgv_cache_picture_free(&compressed);
    return status;
}

// Index and names in one piece, as they will be in the file.
static cgv_status write_index(cgv_cache_writer *writer, header *head) {
    const char padding[8] = {0}; // so that a mapped index is aligned
    cgv_status status = append(writer, padding, -writer->position % sizeof padding);
    if (status)
        return status;
    size_t entries = writer->count * sizeof(entry), all = entries + writer->names_bytes;
    char *block = malloc(all ? all : 1);
    if (!block)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", writer->file.path);
    if (all) {
        memcpy(block, writer->entries, entries);
        memcpy(block + entries, writer->names, writer->names_bytes);
    }
    *head = (header){
        .key = writer->key,
        .count = writer->count,
        .index = writer->position,
        .names = writer->position + entries,
        .index_hash = hash_bytes(block, all),
    };
    memcpy(head->magic, magic, sizeof head->magic);
    status = append(writer, block, all);
    free(block);
    head->file_bytes = writer->position;
    head->header_hash = hash_bytes(head, offsetof(header, header_hash));
    return status;
}

cgv_status cgv_cache_writer_commit(cgv_cache_writer **handle) {
    cgv_cache_writer *writer = *handle;
    header head;
    cgv_status status = write_index(writer, &head);
    if (!status && fseek(writer->file.file, 0, SEEK_SET))
        status = cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", writer->file.path, strerror(errno));
    if (!status)
        status = append(writer, &head, sizeof head);
    if (!status)
        status = cgv_fs_writer_commit(&writer->file);
    cgv_cache_writer_abort(handle);
    return status;
}

void cgv_cache_writer_abort(cgv_cache_writer **handle) {
    cgv_cache_writer *writer = *handle;
    if (!writer)
        return;
    cgv_fs_writer_abort(&writer->file);
    free(writer->entries);
    free(writer->names);
    free(writer);
    *handle = NULL;
}

static bool header_valid(const header *head) {
    return !memcmp(head->magic, magic, sizeof head->magic) &&
           head->header_hash == hash_bytes(head, offsetof(header, header_hash));
}

bool cgv_cache_matches(const char *path, uint64_t key) {
    FILE *file = fopen(path, "rb");
    header head;
    bool matches =
        file && fread(&head, sizeof head, 1, file) == 1 && header_valid(&head) && head.key == key;
    if (file)
        fclose(file);
    return matches;
}

typedef struct cache {
    cgv_frames head;
    char *path;
    const uint8_t *file; // mapped
    size_t bytes;
    const entry *entries;
    const char *names;
} cache;

static cgv_status read_picture(cgv_frames *frames, cgv_bitmap *out, int index) {
    const cache *c = (const cache *)frames;
    const entry *e = &c->entries[index];
    return cgv_jpeg_decode(out, c->file + e->offset, e->bytes, c->path);
}

static char *describe(const cgv_frames *frames, int index) {
    const cache *c = (const cache *)frames;
    return strdup(c->names + c->entries[index].name);
}

static void destroy(cgv_frames *frames) {
    cache *c = (cache *)frames;
    if (c->bytes)
        munmap((void *)c->file, c->bytes);
    free(c->path);
    free(c);
}

static const cgv_frames_class cache_class = {read_picture, describe, destroy};

static cgv_status map(cache *c, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cgv_fail(CGV_ERROR_IO, "%s: cannot open the frame cache: %s", path, strerror(errno));
    struct stat st;
    void *mapped = MAP_FAILED;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size)
        mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        return cgv_fail(CGV_ERROR_FORMAT, "%s: this is no frame cache", path);
    c->file = mapped;
    c->bytes = (size_t)st.st_size;
    return CGV_OK;
}

// What is wrong with the file, or NULL. Sets entries and names.
static const char *find_damage(cache *c) {
    const header *head = (const header *)c->file;
    if (c->bytes < sizeof *head || memcmp(head->magic, magic, sizeof head->magic))
        return "this is no frame cache";
    if (!header_valid(head))
        return "its header is damaged";
    if (head->file_bytes != c->bytes)
        return "it is not as long as it was when written";
    if (head->index < sizeof *head || head->index > c->bytes || head->names > c->bytes ||
        head->index % 8 || head->count > INT32_MAX || head->names < head->index ||
        head->names - head->index != head->count * sizeof(entry) ||
        head->index_hash != hash_bytes(c->file + head->index, c->bytes - head->index))
        return "its index is damaged";
    if (!head->count)
        return "it holds no pictures";
    c->entries = (const entry *)(c->file + head->index);
    c->names = (const char *)c->file + head->names;
    if (c->file[c->bytes - 1])
        return "its index is damaged";
    for (uint64_t i = 0; i < head->count; i++) {
        const entry *e = &c->entries[i];
        if (e->offset < sizeof *head || e->offset > head->index ||
            e->bytes > head->index - e->offset || e->name >= c->bytes - head->names)
            return "its index is damaged";
        if (e->hash != hash_bytes(c->file + e->offset, e->bytes))
            return "a picture in it is damaged";
    }
    c->head.count = (int)head->count;
    return NULL;
}

cgv_status cgv_cache_open(cgv_frames **out, const char *path) {
    *out = NULL;
    cache *c = calloc(1, sizeof *c);
    if (!c || !(c->path = strdup(path))) {
        free(c);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    }
    c->head.class = &cache_class;
    cgv_status status = map(c, path);
    const char *damage = status ? NULL : find_damage(c);
    if (damage)
        status = cgv_fail(CGV_ERROR_FORMAT, "%s: %s; delete it, and it is made anew", path, damage);
    if (status) {
        destroy(&c->head);
        return status;
    }
    *out = &c->head;
    return CGV_OK;
}
