// The packets of a segment. The first byte says how many there should be; the sum is right.
#include "base/crc32c.h"
#include "consume.h"
#include "memory_file.h"
#include "packets_encoder.h"
#include "video/packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static AVCodecContext *encoder;
    if (!encoder)
        encoder = fuzz_packets_encoder();
    if (!size)
        return 0;
    const cgv_packets_sum sum = {data[0], (int64_t)size - 1, cgv_crc32c(0, data + 1, size - 1)};
    const char *path = fuzz_file(data + 1, size - 1);
    cgv_packets_reader *reader;
    AVPacket *packet = av_packet_alloc();
    fuzz_listen();
    cgv_status status = cgv_packets_open(&reader, path, &sum, encoder);
    int count = 0;
    while (!status && !(status = cgv_packets_read(reader, packet))) {
        fuzz_expect(packet->size >= 0 && (size_t)packet->size <= size);
        av_packet_unref(packet);
        count++;
    }
    fuzz_expect_messages(status == CGV_END ? 0 : 1);
    fuzz_expect(status != CGV_END || count == data[0]);
    cgv_packets_close(&reader);
    av_packet_free(&packet);
    return 0;
}
