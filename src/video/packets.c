#include "video/packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/log.h"

typedef struct head {
    char magic[8];
    uint32_t codec, width, height, pixel_format;
    int32_t clock_num, clock_den;
    uint32_t header; // CRC-32C of the codec's header
    uint32_t unused;
} head;

// Then come the data, and as many pieces of side data, each behind its own record.
typedef struct record {
    int64_t pts, dts, duration;
    int32_t flags, size, pieces, unused;
} record;

typedef struct piece {
    int32_t type, size;
} piece;

struct cgv_packets_reader {
    char *path;
    FILE *file;
    cgv_packets_sum left; // to come; crc: of what was read
    uint32_t crc;         // of the whole file
    AVRational clock;
};

static head head_of(const AVCodecContext *encoder) {
    head h = {
        .magic = "cgvpack",
        .codec = encoder->codec_id,
        .width = (uint32_t)encoder->width,
        .height = (uint32_t)encoder->height,
        .pixel_format = (uint32_t)encoder->pix_fmt,
        .clock_num = encoder->time_base.num,
        .clock_den = encoder->time_base.den,
        .header = cgv_crc32c(0, encoder->extradata, (size_t)encoder->extradata_size),
    };
    return h;
}

// ---- write

static cgv_status put(cgv_packets_writer *writer, const void *data, size_t size) {
    if (size && fwrite(data, 1, size, writer->file.file) != size)
        return cgv_fail(CGV_ERROR_IO, "%s: cannot write: %s", writer->file.path, strerror(errno));
    writer->sum.bytes += (int64_t)size;
    writer->sum.crc = cgv_crc32c(writer->sum.crc, data, size);
    return CGV_OK;
}

cgv_status cgv_packets_create(cgv_packets_writer *out, const char *path,
                              const AVCodecContext *encoder) {
    *out = (cgv_packets_writer){0};
    const head h = head_of(encoder);
    cgv_status status = cgv_fs_writer_open(&out->file, path);
    if (status)
        return status;
    status = put(out, &h, sizeof h);
    if (status)
        cgv_packets_abort(out);
    return status;
}

cgv_status cgv_packets_write(cgv_packets_writer *writer, const AVPacket *packet) {
    const record r = {
        .pts = packet->pts,
        .dts = packet->dts,
        .duration = packet->duration,
        .flags = packet->flags,
        .size = packet->size,
        .pieces = packet->side_data_elems,
    };
    cgv_status status = put(writer, &r, sizeof r);
    if (!status)
        status = put(writer, packet->data, (size_t)packet->size);
    for (int i = 0; i < packet->side_data_elems && !status; i++) {
        const AVPacketSideData *side = &packet->side_data[i];
        const piece p = {(int32_t)side->type, (int32_t)side->size};
        status = put(writer, &p, sizeof p);
        if (!status)
            status = put(writer, side->data, side->size);
    }
    writer->sum.packets++;
    return status;
}

cgv_status cgv_packets_commit(cgv_packets_writer *writer) {
    return cgv_fs_writer_commit(&writer->file);
}

void cgv_packets_abort(cgv_packets_writer *writer) {
    cgv_fs_writer_abort(&writer->file);
}

// ---- read

static cgv_status damaged(const cgv_packets_reader *reader) {
    return cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: delete its folder and begin anew",
                    reader->path);
}

static cgv_status get(cgv_packets_reader *reader, void *data, size_t size) {
    if ((int64_t)size > reader->left.bytes || fread(data, 1, size, reader->file) != size)
        return damaged(reader);
    reader->left.bytes -= (int64_t)size;
    reader->left.crc = cgv_crc32c(reader->left.crc, data, size);
    return CGV_OK;
}

static cgv_status check_head(cgv_packets_reader *reader, const AVCodecContext *encoder) {
    const head wanted = head_of(encoder);
    head h;
    cgv_status status = get(reader, &h, sizeof h);
    if (status)
        return status;
    reader->clock = (AVRational){h.clock_num, h.clock_den};
    return memcmp(&h, &wanted, sizeof h)
               ? cgv_fail(CGV_ERROR_FORMAT,
                          "%s: encoded otherwise than %s does now: delete its folder and begin "
                          "anew",
                          reader->path, encoder->codec->name)
               : CGV_OK;
}

cgv_status cgv_packets_open(cgv_packets_reader **out, const char *path, const cgv_packets_sum *sum,
                            const AVCodecContext *encoder) {
    struct stat st;
    cgv_status status = CGV_OK;
    cgv_packets_reader *reader = *out = calloc(1, sizeof *reader);
    if (!reader || !(reader->path = strdup(path))) {
        cgv_packets_close(out);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    }
    reader->left = (cgv_packets_sum){.packets = sum->packets, .bytes = sum->bytes};
    reader->crc = sum->crc;
    reader->file = fopen(path, "rb");
    if (!reader->file)
        status = cgv_fail(CGV_ERROR_IO, "%s: %s: delete its folder and begin anew", path,
                          strerror(errno));
    else if (fstat(fileno(reader->file), &st) || st.st_size != sum->bytes)
        status = damaged(reader);
    if (!status)
        status = check_head(reader, encoder);
    if (status)
        cgv_packets_close(out);
    return status;
}

static cgv_status read_piece(cgv_packets_reader *reader, AVPacket *packet) {
    piece p;
    cgv_status status = get(reader, &p, sizeof p);
    if (status)
        return status;
    if (p.size < 0 || p.size > reader->left.bytes)
        return damaged(reader);
    uint8_t *data =
        av_packet_new_side_data(packet, (enum AVPacketSideDataType)p.type, (size_t)p.size);
    return data ? get(reader, data, (size_t)p.size)
                : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", reader->path);
}

cgv_status cgv_packets_read(cgv_packets_reader *reader, AVPacket *packet) {
    record r;
    if (!reader->left.packets)
        return reader->left.bytes || reader->left.crc != reader->crc ? damaged(reader) : CGV_END;
    cgv_status status = get(reader, &r, sizeof r);
    if (status)
        return status;
    if (r.size < 0 || r.size > reader->left.bytes)
        return damaged(reader);
    if (av_new_packet(packet, r.size) < 0)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", reader->path);
    status = get(reader, packet->data, (size_t)r.size);
    for (int i = 0; i < r.pieces && !status; i++)
        status = read_piece(reader, packet);
    packet->pts = r.pts;
    packet->dts = r.dts;
    packet->duration = r.duration;
    packet->flags = r.flags;
    packet->time_base = reader->clock;
    reader->left.packets--;
    if (status)
        av_packet_unref(packet);
    return status;
}

void cgv_packets_close(cgv_packets_reader **handle) {
    if (!*handle)
        return;
    if ((*handle)->file)
        fclose((*handle)->file);
    free((*handle)->path);
    free(*handle);
    *handle = NULL;
}
