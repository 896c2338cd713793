/* CRC-32 as in zlib, PNG and Ethernet (polynomial 0xEDB88320, reflected). */
#ifndef EI_BERT_CRC32_H_
#define EI_BERT_CRC32_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The checksum of what `crc` is that of, followed by `count` bytes; 0 is that of nothing. */
uint32_t ei_bert_crc32(uint32_t crc, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif /* EI_BERT_CRC32_H_ */
