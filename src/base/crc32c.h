// CRC-32C (Castagnoli), the checksum of iSCSI (RFC 3720) and of TensorFlow's record files.
#ifndef CGV_BASE_CRC32C_H
#define CGV_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

// Of the bytes so far, then these: start with crc 0.
uint32_t cgv_crc32c(uint32_t crc, const void *data, size_t size);

#endif
