/* The arrays of a batch under way, how their columns are read, and what can be wrong with them. */
#ifndef MYSQL_ARROW_ARRAYS_H
#define MYSQL_ARROW_ARRAYS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Arrow's buffers and MySQL's packets are both little-endian"
#endif

/* What is wrong with what the server sent; the numbers are in kernel.py too. */
enum {
    FINE = 0,
    WRONG_SEQUENCE = -1,  /* a packet's number is not the next one */
    EMPTY_PACKET = -2,    /* a packet without a first byte */
    UNKNOWN_PACKET = -3,  /* its first byte may not come here */
    TOO_SHORT = -4,       /* a value extends beyond the end of its packet */
    TOO_LONG = -5,        /* a packet continues after its last value */
    BAD_LENGTH = -6,      /* a length that no value of this kind has */
    BAD_TIME = -7,        /* a field of a date or a time out of its range */
    DOES_NOT_FIT = -8,    /* a number beyond the column's type */
    BAD_DECIMAL = -9,     /* a text that is not a decimal */
    TOO_LARGE = -10,      /* beyond what an Arrow array can hold */
    NO_MEMORY = -11,
};

/* How a column is read; the numbers are in kernel.py too. */
enum { COPY, INTEGER, BIT, WIDEN, DECIMAL, DATE, TIMESTAMP, TIME, TEXT, BYTES };

/* Reasons for which a value is changed. */
enum { ZERO_YEAR, BAD_DATE, BAD_TEXT, REASONS };

#define SHOWN_BYTES 4096
#define LARGEST INT32_MAX

typedef struct {
    uint8_t how;
    uint8_t wire;        /* bytes of a number in the packet */
    uint8_t is_unsigned; /* whether that number is */
    uint8_t width;       /* bytes of a value in the array; 4, of an offset, for text and bytes */
    uint8_t to_unsigned; /* whether the array's integers are */
    uint8_t decimals;    /* digits of a time's fraction of a second */
    uint8_t precision;   /* digits of a decimal; 0: the array's type is an integer */
    uint8_t scale;
} ma_column;

typedef struct {
    int64_t count;
    int64_t row; /* the first one, in the batch */
    uint8_t *shown;
    int64_t shown_size;
} ma_change;

typedef struct {
    uint8_t *validity;
    uint8_t *values; /* or offsets */
    uint8_t *data;
    int64_t data_size;
    int64_t data_room;
    int64_t nulls;
    ma_change changes[REASONS];
} ma_array;

static inline uint64_t little(const uint8_t *p, unsigned bytes) {
    uint64_t value = 0;
    memcpy(&value, p, bytes);
    return value;
}

static inline void set_null(ma_array *a, const ma_column *c, int64_t row) {
    a->validity[row >> 3] &= (uint8_t)~(1u << (row & 7));
    a->nulls++;
    if (c->how < TIME)
        memset(a->values + row * c->width, 0, c->width);
    else
        ((int32_t *)a->values)[row + 1] = (int32_t)a->data_size;
}

static int make_room(ma_array *a, size_t n) {
    if (n > (size_t)(LARGEST - a->data_size)) return TOO_LARGE;
    int64_t needed = a->data_size + (int64_t)n;
    if (needed <= a->data_room) return FINE;
    int64_t room = a->data_room * 2 > needed ? a->data_room * 2 : needed;
    uint8_t *grown = realloc(a->data, (size_t)room);
    if (!grown) return NO_MEMORY;
    a->data = grown;
    a->data_room = room;
    return FINE;
}

static inline int append(ma_array *a, const void *p, size_t n) {
    int wrong = make_room(a, n);
    if (wrong || !n) return wrong;
    memcpy(a->data + a->data_size, p, n);
    a->data_size += (int64_t)n;
    return FINE;
}

static int changed(ma_array *a, int reason, int64_t row, const void *shown, size_t n) {
    ma_change *change = &a->changes[reason];
    if (change->count++) return FINE;
    if (n > SHOWN_BYTES) n = SHOWN_BYTES;
    change->row = row;
    change->shown_size = (int64_t)n;
    change->shown = malloc(n ? n : 1);
    if (!change->shown) return NO_MEMORY;
    memcpy(change->shown, shown, n);
    return FINE;
}

#endif
