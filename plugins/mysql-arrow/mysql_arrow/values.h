/* One value of a row, from MySQL's binary protocol into the buffers of an Arrow array.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 *
 * Nothing that a server sends is trusted: every length is checked against the end of the packet,
 * every field of a date against its range, and every offset against an int32.
 */
#ifndef MYSQL_ARROW_VALUES_H
#define MYSQL_ARROW_VALUES_H

#include "numbers.h"
#include "text.h"
#include "times.h"

typedef struct {
    const uint8_t *at, *end;
} cursor;

static inline size_t left_of(const cursor *c) { return (size_t)(c->end - c->at); }

/* The bytes of a value that starts with its own length. */
static int take(cursor *c, const uint8_t **p, size_t *n) {
    if (c->at == c->end) return TOO_SHORT;
    uint64_t length = *c->at++;
    if (length >= 0xFB) {
        unsigned bytes = length == 0xFC ? 2 : length == 0xFD ? 3 : length == 0xFE ? 8 : 0;
        if (!bytes) return BAD_LENGTH;
        if (left_of(c) < bytes) return TOO_SHORT;
        length = little(c->at, bytes);
        c->at += bytes;
    }
    if (length > left_of(c)) return TOO_SHORT;
    *p = c->at;
    *n = (size_t)length;
    c->at += length;
    return FINE;
}

static int put_number(cursor *from, ma_array *a, const ma_column *c, int64_t row) {
    const uint8_t *p = from->at;
    if (left_of(from) < c->wire) return TOO_SHORT;
    from->at += c->wire;
    if (c->how == INTEGER) return put_wire_integer(a, c, row, p);
    if (c->how == COPY) {
        memcpy(a->values + row * c->width, p, c->width);
    } else {
        float narrow;
        memcpy(&narrow, p, 4);
        ((double *)a->values)[row] = narrow;
    }
    return FINE;
}

static int put_value(cursor *from, ma_array *a, const ma_column *c, int64_t row) {
    const uint8_t *p;
    size_t n;
    if (c->how == COPY || c->how == INTEGER || c->how == WIDEN) return put_number(from, a, c, row);
    int wrong = take(from, &p, &n);
    if (wrong) return wrong;
    switch (c->how) {
    case BIT: return put_bits(a, c, row, p, n);
    case DECIMAL: return put_decimal(a, c, row, p, n);
    case DATE:
    case TIMESTAMP: return put_moment(a, c, row, p, n);
    case TIME: wrong = put_time(a, c, p, n); break;
    case TEXT: wrong = put_text(a, row, p, n); break;
    default: wrong = append(a, p, n);
    }
    ((int32_t *)a->values)[row + 1] = (int32_t)a->data_size;
    return wrong;
}

#endif
