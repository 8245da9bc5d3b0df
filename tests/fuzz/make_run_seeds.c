// make_run_seeds DIR: tiny files of the kinds that runs and jobs leave behind, for their fuzz
// targets: DIR/checkpoint, DIR/history …
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/journal.h"
#include "app/journal_files.h"
#include "base/crc32c.h"
#include "mutate.h"
#include "model/safetensors.h"
#include "packets_encoder.h"
#include "train/cache.h"
#include "train/history.h"
#include "train/jpeg.h"
#include "train/png.h"

static const char *folder;

static void check(int failed, const char *what) {
    if (failed) {
        fprintf(stderr, "%s: cannot be made\n", what);
        exit(1);
    }
}

// DIR/KIND/NAME, its folders made.
static const char *path_of(const char *kind, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, kind);
    check(mkdir(path, 0777) && errno != EEXIST, path);
    snprintf(path, sizeof path, "%s/%s/%s", folder, kind, name);
    return path;
}

// With a byte in front, which a target takes for itself.
static void prepend(const char *path, uint8_t byte) {
    fuzz_bytes bytes = fuzz_read(path);
    FILE *file = fopen(path, "wb");
    check(!file || fputc(byte, file) == EOF ||
              fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file),
          path);
    free(bytes.data);
}

static cgv_bitmap make_picture(int width, int height) {
    cgv_bitmap picture;
    check(cgv_bitmap_create(&picture, width, height), "picture");
    for (size_t i = 0; i < cgv_bitmap_bytes(width, height); i++)
        picture.rgb[i] = (uint8_t)(i * i / 7);
    return picture;
}

static void make_pictures(void) {
    cgv_bitmap picture = make_picture(24, 17);
    uint8_t *jpeg;
    size_t size;
    check(cgv_png_write(path_of("picture", "png"), picture.rgb, picture.width, picture.height),
          "png");
    check(cgv_jpeg_encode(&jpeg, &size, &picture, 80), "jpeg");
    fuzz_write(path_of("picture", "jpeg"), jpeg, size);
    free(jpeg);
    cgv_bitmap_free(&picture);
}

static void make_cache(void) {
    cgv_cache_writer *writer;
    const char *path = path_of("cache", "two");
    check(cgv_cache_writer_open(&writer, path, 7, 8, 80), path);
    for (int i = 0; i < 2; i++) {
        cgv_bitmap picture = make_picture(8 + 12 * i, 9);
        check(cgv_cache_writer_add(writer, &picture, i ? "b" : "a.png"), path);
        cgv_bitmap_free(&picture);
    }
    check(cgv_cache_writer_commit(&writer), path);
    prepend(path, 1);
}

static void make_history(const char *name, const cgv_history_columns *columns) {
    const char *path = path_of("history", name);
    cgv_history *history;
    check(cgv_history_create(&history, path, columns, 0), path);
    for (int step = 1; step < 4; step++)
        check(cgv_history_append(history, &(cgv_history_row){.step = step * step * 100,
                                                             .epoch = 0.25 * step,
                                                             .losses = {.g_a = 1.f / (float)step}}),
              path);
    cgv_history_destroy(&history);
}

// As cgv_checkpoint_save makes them, of no network.
static void make_checkpoint(void) {
    static const float numbers[6] = {1, 2, 3, 4, 5, 6};
    cgv_safetensors_note notes[] = {{"kind", "cgvideo checkpoint 1"},
                                    {"step", "12"},
                                    {"pool_B", "1 123 5"},
                                    {"pool_A", "0 9 7"},
                                    {"extra", ""},
                                    {"crc32c", NULL}};
    cgv_safetensors_entry entries[] = {
        {.name = "G_A/model.1.weight", .dims = 1, .shape = {4}},
        {.name = "pool_B/pictures", .dims = 4, .shape = {1, 2, 1, 1}},
    };
    char text[9];
    uint32_t crc = 0;
    for (int i = 1; i < 5; i++)
        crc = cgv_crc32c(crc, notes[i].value, strlen(notes[i].value) + 1);
    snprintf(text, sizeof text, "%08x", cgv_crc32c(crc, numbers, sizeof numbers));
    notes[5].value = text;
    const char *path = path_of("checkpoint", "small");
    FILE *file = fopen(path, "wb");
    check(!file || cgv_safetensors_write_header(file, entries, 2, notes, 6, path) ||
              fwrite(numbers, sizeof numbers, 1, file) != 1 || fclose(file),
          path);
}

static void make_config(void) {
    static const char text[] = "{\"flag\": true, \"text\": \"a\", \"integer\": 12, \"choice\": "
                               "\"green\", \"real\": 0.25, \"size\": \"256x128\"}";
    fuzz_write(path_of("config", "all"), text, strlen(text));
}

static void make_journal(void) {
    cgv_journal journal;
    char *own = strdup(path_of("journal", "job"));
    check(
        cgv_journal_open(&journal, own, json_pack("{s:s, s:{s:n}}", "input", "a", "o", "t"), false),
        "journal");
    journal.frames = 25;
    journal.clock = (AVRational){1, 25};
    for (int i = 0; i < 2; i++)
        check(cgv_journal_append(&journal, &(cgv_packets_sum){25, 4000, 77}), "journal");
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/" CGV_JOURNAL_NAME, journal.folder);
    snprintf(to, sizeof to, "%s", path_of("journal", "two"));
    check(rename(from, to), to);
    cgv_journal_close(&journal);
}

static void make_packets(void) {
    AVCodecContext *encoder = fuzz_packets_encoder();
    AVPacket *packet = av_packet_alloc();
    cgv_packets_writer writer;
    const char *path = path_of("packets", "two");
    check(!encoder || !packet || cgv_packets_create(&writer, path, encoder), path);
    for (int i = 0; i < 2; i++) {
        check(av_new_packet(packet, 10 * i), path);
        memset(packet->data, i, (size_t)packet->size);
        packet->pts = packet->dts = i;
        check(i && !av_packet_new_side_data(packet, AV_PKT_DATA_QUALITY_STATS, 3), path);
        check(cgv_packets_write(&writer, packet), path);
        av_packet_unref(packet);
    }
    check(cgv_packets_commit(&writer), path);
    prepend(path, 2);
    av_packet_free(&packet);
    avcodec_free_context(&encoder);
}

// Behind the checksum of FNV-1a.
static void make_programs(void) {
    static const char data[] = "a cache of the driver's";
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < sizeof data; i++)
        sum = (sum ^ (uint8_t)data[i]) * 0x100000001b3;
    uint8_t file[sizeof sum + sizeof data];
    memcpy(file, &sum, sizeof sum);
    memcpy(file + sizeof sum, data, sizeof data);
    fuzz_write(path_of("programs", "whole"), file, sizeof file);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    make_pictures();
    make_cache();
    make_history("unpaired", &cgv_history_unpaired);
    make_history("paired", &cgv_history_paired);
    make_checkpoint();
    make_config();
    make_journal();
    make_packets();
    make_programs();
    return 0;
}
