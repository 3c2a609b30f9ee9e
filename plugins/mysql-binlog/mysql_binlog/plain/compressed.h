/* Compressed rows and transactions, and numbers as they are packed; Python decompresses them. */
#ifndef COMPRESSED_H
#define COMPRESSED_H

#include "state.h"

/* A number of one to nine bytes as the protocol packs lengths; 0: it is none. */
static int packed(const uint8_t **at, const uint8_t *end, uint64_t *value) {
    const uint8_t *p = *at;
    if (p == end || *p == 251 || *p == 255) return 0;
    unsigned more = *p < 251 ? 0 : *p == 252 ? 2 : *p == 253 ? 3 : 8;
    if ((size_t)(end - p) < 1 + more) return 0;
    *value = more ? little(p + 1, more) : *p;
    *at = p + 1 + more;
    return 1;
}

/* A number whose first byte's lowest bits say how many bytes follow; 0: it is none. */
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

/* Decompresses from p to end; 0: it cannot be, or is not worth a try. */
static int expand(mb_state *s, int how, const uint8_t *p, const uint8_t *end, uint64_t want) {
    if (!want || want > s->expanded_room) return 0;
    return s->expand(how, (uint64_t)(p - s->data), (uint64_t)(end - p), want);
}

/* MariaDB's compressed block: a byte that says how, the length, and zlib's stream. */
static int expand_block(mb_state *s, const uint8_t *p, const uint8_t *end, uint64_t *want) {
    unsigned size = p < end ? *p & 7 : 0;
    if (!size || size > 4 || (*p & 0xF8) != 0x80 || (size_t)(end - p) < 1 + size) return 0;
    *want = 0;
    for (unsigned n = 1; n <= size; n++) *want = *want << 8 | p[n];
    return expand(s, ZLIB, p + 1 + size, end, *want);
}

/* The events of MySQL's compressed transaction: numbered fields, and zstd's stream. */
static int expand_payload(mb_state *s, const uint8_t *p, const uint8_t *end, uint64_t *want) {
    enum { LENGTH = 1, HOW = 2, WHOLE = 3, FIELDS = 4 };
    uint64_t kind, size, value, field[FIELDS] = {0, 0, 0, 0};
    int has_length = 0;
    while (packed(&p, end, &kind) && kind) {
        const uint8_t *there;
        if (!packed(&p, end, &size) || size > (uint64_t)(end - p)) return 0;
        there = p;
        p += size;
        if (kind >= FIELDS || !packed(&there, p, &value)) return 0;
        field[kind] = value;
        has_length |= kind == LENGTH;
    }
    if (!has_length || field[LENGTH] != (uint64_t)(end - p) || field[HOW]) return 0;
    *want = field[WHOLE];
    return expand(s, ZSTD, p, end, *want);
}

#endif
