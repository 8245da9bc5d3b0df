// Frame caches. Their hashes are set right, so that what lies behind them is reached; the source is
// included for that.
#include "train/cache.c"

#include "consume.h"
#include "memory_file.h"

static uint64_t at_most(uint64_t offset, size_t size) {
    return offset < size ? offset : size;
}

static void seal(uint8_t *file, size_t size) {
    header *head = (header *)file;
    uint64_t index = at_most(head->index, size);
    for (uint64_t i = 0; !(index % 8) && i < head->count && index + (i + 1) * sizeof(entry) <= size;
         i++) {
        entry *e = (entry *)(file + index) + i;
        uint64_t begin = at_most(e->offset, size);
        e->hash = hash_bytes(file + begin, e->bytes < size - begin ? e->bytes : size - begin);
    }
    head->index_hash = hash_bytes(file + index, size - index);
    head->file_bytes = size;
    head->header_hash = hash_bytes(head, offsetof(header, header_hash));
}

static void read_all(cgv_frames *frames) {
    for (int i = 0; i < frames->count && i < 50; i++) {
        cgv_bitmap picture;
        char *name = frames->class->describe(frames, i);
        fuzz_expect(name != NULL);
        free(name);
        if (!frames->class->read(frames, &picture, i))
            cgv_bitmap_free(&picture);
    }
}

// The first byte says whether to seal.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cgv_frames *frames;
    if (!size)
        return 0;
    uint8_t *file = malloc(size);
    if (!file)
        return 0;
    memcpy(file, data + 1, --size);
    if (data[0] & 1 && size >= sizeof(header))
        seal(file, size);
    const char *path = fuzz_file(file, size);
    free(file);
    fuzz_listen();
    cgv_status status = cgv_cache_open(&frames, path);
    fuzz_expect_messages(status ? 1 : 0);
    if (!status)
        read_all(frames);
    cgv_frames_destroy(&frames);
    return 0;
}
