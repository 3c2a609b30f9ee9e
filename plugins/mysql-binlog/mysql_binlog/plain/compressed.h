/* Compressed rows and transactions; libzstd, or Python, decompresses them. */
#ifndef COMPRESSED_H
#define COMPRESSED_H

#include "numbers.h"
#include "state.h"

/* Whether a zstd frame's window is one that Python takes (RFC 8878, 3.1.1.1): below 128 MB. */
static int has_window(const uint8_t *p, const uint8_t *end) {
    enum { DESCRIPTOR = 4, SINGLE_SEGMENT = 0x20, WINDOW = 5, MOST_LOG = 26 };
    if (end - p <= WINDOW) return 0;
    return p[DESCRIPTOR] & SINGLE_SEGMENT || 10 + (p[WINDOW] >> 3) <= MOST_LOG;
}

/* Decompresses from p to end; 0: it cannot be, or is not worth a try. */
static int expand(mb_state *s, int how, const uint8_t *p, const uint8_t *end, uint64_t want) {
    if (!want || want > s->expanded_room) return 0;
    if (how == ZSTD && s->zstd) {
        if (!has_window(p, end)) return 0;
        return s->zstd(s->zstd_context, s->expanded, want, p, (size_t)(end - p)) == want;
    }
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
