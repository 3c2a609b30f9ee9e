/* Numbers as a log has them. */
#ifndef NUMBERS_H
#define NUMBERS_H

#include <stddef.h>
#include <stdint.h>

static uint64_t little(const uint8_t *p, unsigned n) {
    uint64_t value = 0;
    while (n--) value = value << 8 | p[n];
    return value;
}

/* A number of one to nine bytes as the protocol packs lengths; 0 if it is not one. */
static int packed(const uint8_t **at, const uint8_t *end, uint64_t *value) {
    const uint8_t *p = *at;
    if (p == end || *p == 251 || *p == 255) return 0;
    unsigned more = *p < 251 ? 0 : *p == 252 ? 2 : *p == 253 ? 3 : 8;
    if ((size_t)(end - p) < 1 + more) return 0;
    *value = more ? little(p + 1, more) : *p;
    *at = p + 1 + more;
    return 1;
}

/* A number whose first byte's lowest bits say how many bytes follow; 0 if it is not one. */
static int varlen(const uint8_t **at, const uint8_t *end, uint64_t *value) {
    const uint8_t *p = *at;
    unsigned more = 0;
    if (p == end) return 0;
    while (more < 8 && *p >> more & 1) more++;
    if ((size_t)(end - p) < 1 + more) return 0;
    *value = more == 8 ? little(p + 1, 8)
             : more    ? (uint64_t)(*p >> (more + 1)) | little(p + 1, more) << (7 - more)
                       : (uint64_t)(*p >> 1);
    *at = p + 1 + more;
    return 1;
}

#endif
