// A file of encoded video packets, to be muxed later: exact times, side data and all. For one
// machine and one version of the program, between two of its runs.
#ifndef CGV_VIDEO_PACKETS_H
#define CGV_VIDEO_PACKETS_H

#include <libavcodec/avcodec.h>

#include "base/fs.h"

// How the file must be found again.
typedef struct cgv_packets_sum {
    int64_t packets, bytes;
    uint32_t crc; // CRC-32C of the file
} cgv_packets_sum;

typedef struct cgv_packets_writer {
    cgv_fs_writer file; // file.file NULL: not open
    cgv_packets_sum sum;
} cgv_packets_writer;

// What the packets are encoded with is noted, so that they go into no other stream.
CGV_NODISCARD cgv_status cgv_packets_create(cgv_packets_writer *out, const char *path,
                                            const AVCodecContext *encoder);
// Times are in encoder->time_base.
CGV_NODISCARD cgv_status cgv_packets_write(cgv_packets_writer *writer, const AVPacket *packet);
// The file is whole, and on the disk; or it is not there.
CGV_NODISCARD cgv_status cgv_packets_commit(cgv_packets_writer *writer);
void cgv_packets_abort(cgv_packets_writer *writer); // NULL-safe, harmless after commit

typedef struct cgv_packets_reader cgv_packets_reader;

// CGV_ERROR_FORMAT: the file is not what `sum` says, or was made with another encoder.
CGV_NODISCARD cgv_status cgv_packets_open(cgv_packets_reader **out, const char *path,
                                          const cgv_packets_sum *sum,
                                          const AVCodecContext *encoder);
// The next one, its time_base set. CGV_END behind the last, when the checksum was right.
CGV_NODISCARD cgv_status cgv_packets_read(cgv_packets_reader *reader, AVPacket *packet);
void cgv_packets_close(cgv_packets_reader **reader);

#endif
