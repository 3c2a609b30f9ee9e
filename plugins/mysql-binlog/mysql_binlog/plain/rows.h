/* From the rows of an event to the keys in them, skipping all else by its length. */
#ifndef ROWS_H
#define ROWS_H

#include <string.h>

#include "numbers.h"
#include "state.h"

typedef struct {
    const uint8_t *data;    /* NULL: it is NULL */
    uint32_t size;
} part;

static int bit(const uint8_t *bits, uint32_t at) { return bits[at >> 3] >> (at & 7) & 1; }

/* The end of the image at p, in which `there` columns are present; NULL if it is not one. */
static const uint8_t *walk(const mb_table *t, const uint8_t *present, uint32_t there,
                           const uint8_t *p, const uint8_t *end, part *key) {
    const uint8_t *nulls = p;
    uint32_t at = 0;
    if ((size_t)(end - p) < (there + 7) / 8) return NULL;
    p += (there + 7) / 8;
    for (uint32_t c = 0; c < t->columns; c++) {
        if (!bit(present, c)) continue;
        int is_null = bit(nulls, at++);
        uint64_t n = 0;
        if (!is_null) {
            unsigned prefix = t->prefix[c];
            if ((size_t)(end - p) < prefix) return NULL;
            n = prefix ? little(p, prefix) : t->fixed[c];
            p += prefix;
            if ((uint64_t)(end - p) < n) return NULL;
        }
        if (t->place[c]) {
            part *value = key + t->place[c] - 1;
            value->data = is_null ? NULL : p;
            value->size = (uint32_t)n;
        }
        p += n;
    }
    return p;
}

/* Reports a key; 0 if there is no room, or no way to report it. */
static int put(mb_state *s, const mb_table *t, const part *key) {
    for (uint32_t k = 0; k < t->keys; k++) {
        uint32_t size = key[k].data ? key[k].size : NULL_SIZE;
        uint64_t room = s->out_room - s->out_size;
        if (t->is_packed && !key[k].data) return 0;
        if (room < 4 || room - 4 < key[k].size) return 0;
        if (!t->is_packed) {
            for (unsigned n = 0; n < 4; n++) s->out[s->out_size++] = (uint8_t)(size >> 8 * n);
        }
        if (key[k].data) {
            memcpy(s->out + s->out_size, key[k].data, key[k].size);
            s->out_size += key[k].size;
        }
    }
    s->record[s->records - 1].count++;
    s->record[s->records - 1].end = s->out_size;
    s->keys++;
    return 1;
}

static int same(const part *a, const part *b, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        if (!a[k].data != !b[k].data) return 0;
        if (a[k].data && (a[k].size != b[k].size || memcmp(a[k].data, b[k].data, a[k].size)))
            return 0;
    }
    return 1;
}

/* Begins the record for a table's keys, or continues the last one if it is of the same. */
static int begin_record(mb_state *s, const mb_table *t, uint32_t kind) {
    if (s->records) {
        const mb_record *last = &s->record[s->records - 1];
        if (last->table == t->id && last->kind == kind) return 1;
    }
    if (s->records == RECORDS) return 0;
    s->record[s->records++] = (mb_record){t->id, kind, 0, 0, s->out_size, s->out_size};
    return 1;
}

/* Reports the keys of the rows from p to end; their images have these columns. */
static int put_rows(mb_state *s, const mb_table *t, const uint8_t *const present[2],
                    uint32_t images, const uint8_t *p, const uint8_t *end) {
    uint32_t there[2] = {0, 0};
    for (uint32_t i = 0; i < images; i++) {
        for (uint32_t c = 0; c < t->columns; c++) {
            there[i] += (uint32_t)bit(present[i], c);
            if (i == 0 && t->place[c] && !bit(present[0], c)) return 0;
        }
    }
    while (p < end) {
        part before[KEY_COLUMNS], after[KEY_COLUMNS];
        p = walk(t, present[0], there[0], p, end, before);
        if (!p || !put(s, t, before)) return 0;
        if (images == 1) continue;
        /* What did not change may be missing in the second image. */
        memcpy(after, before, sizeof(part) * t->keys);
        p = walk(t, present[1], there[1], p, end, after);
        if (!p || (!same(before, after, t->keys) && !put(s, t, after))) return 0;
    }
    return 1;
}

#endif
