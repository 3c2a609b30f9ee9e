/* One value of a row, from MySQL's binary protocol into the buffers of an Arrow array.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 *
 * Nothing that a server says is believed: every length is held against the end of the packet, every
 * field of a date against its range, and every offset against an int32.
 */
#ifndef MYSQL_ARROW_VALUES_H
#define MYSQL_ARROW_VALUES_H

#include <stdint.h>
#include <stdio.h>
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
    UNKNOWN_PACKET = -3,  /* its first byte is none that may come here */
    TOO_SHORT = -4,       /* a value goes on behind the end of its packet */
    TOO_LONG = -5,        /* a packet goes on behind its last value */
    BAD_LENGTH = -6,      /* a length that no value of this kind has */
    BAD_TIME = -7,        /* a field of a date or a time out of its range */
    DOES_NOT_FIT = -8,    /* a number beyond the column's type */
    BAD_DECIMAL = -9,     /* a decimal's text that is none */
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
    uint8_t decimals;    /* digits of a time behind the second */
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

typedef struct {
    const uint8_t *at, *end;
} cursor;

static inline size_t left_of(const cursor *c) { return (size_t)(c->end - c->at); }

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

/* -- integers */

static inline int put_integer(ma_array *a, const ma_column *c, int64_t row, int negative,
                              uint64_t magnitude) {
    static const uint64_t LEAST[] = {0, 1ull << 7, 1ull << 15, 0, 1ull << 31, 0, 0, 0, 1ull << 63};
    if (c->precision) {
        uint64_t limit = 1;
        for (int i = 0; i < c->precision && i < 19; i++) limit *= 10;
        if (c->precision < 20 && magnitude >= limit) return DOES_NOT_FIT;
        __int128 wide = negative ? -(__int128)magnitude : (__int128)magnitude;
        memcpy(a->values + row * 16, &wide, 16);
        return FINE;
    }
    uint64_t least = LEAST[c->width];
    uint64_t most = c->to_unsigned ? least - 1 + least : least - 1;
    if (negative ? (c->to_unsigned || magnitude > least) : magnitude > most) return DOES_NOT_FIT;
    uint64_t value = negative ? 0 - magnitude : magnitude;
    memcpy(a->values + row * c->width, &value, c->width);
    return FINE;
}

static int put_wire_integer(ma_array *a, const ma_column *c, int64_t row, const uint8_t *p) {
    uint64_t value = little(p, c->wire);
    unsigned shift = 64 - 8u * c->wire;
    int negative = !c->is_unsigned && (value << shift) >> 63;
    if (negative) value = 0 - (uint64_t)((int64_t)(value << shift) >> shift);
    return put_integer(a, c, row, negative, value);
}

static int put_bits(ma_array *a, const ma_column *c, int64_t row, const uint8_t *p, size_t n) {
    uint64_t value = 0;
    if (n > 8) return BAD_LENGTH;
    for (size_t i = 0; i < n; i++) value = value << 8 | p[i];
    return put_integer(a, c, row, 0, value);
}

/* -- decimals: their text, of at most 38 digits, as an integer of 16 bytes */

static int put_decimal(ma_array *a, const ma_column *c, int64_t row, const uint8_t *p, size_t n) {
    const uint64_t CHUNK = 1000000000000000000ull;
    unsigned __int128 high = 0;
    uint64_t low = 0, power = 1;
    int digits = 0, fraction = -1, seen = 0, negative = 0;
    size_t i = 0;
    if (n && (p[0] == '-' || p[0] == '+')) negative = p[i++] == '-';
    for (; i < n; i++) {
        if (p[i] == '.') {
            if (fraction >= 0) return BAD_DECIMAL;
            fraction = 0;
            continue;
        }
        unsigned digit = (unsigned)p[i] - '0';
        if (digit > 9) return BAD_DECIMAL;
        seen = 1;
        if (fraction == c->scale) {
            if (digit) return DOES_NOT_FIT;
            continue;
        }
        if (fraction >= 0) fraction++;
        if ((digits || digit) && ++digits > c->precision) return DOES_NOT_FIT;
        if (power == CHUNK) {
            high = high * CHUNK + low;
            low = 0;
            power = 1;
        }
        low = low * 10 + digit;
        power *= 10;
    }
    if (!seen) return BAD_DECIMAL;
    unsigned __int128 magnitude = high * power + low;
    for (int f = fraction < 0 ? 0 : fraction; f < c->scale; f++) {
        if (digits && ++digits > c->precision) return DOES_NOT_FIT;
        magnitude *= 10;
    }
    __int128 value = negative ? -(__int128)magnitude : (__int128)magnitude;
    memcpy(a->values + row * 16, &value, 16);
    return FINE;
}

/* -- bytes and text */

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

/* The length of the character at p, or of the longest part of one if it is none (then negative). */
static int character(const uint8_t *p, const uint8_t *end) {
    static const uint8_t LOWEST[] = {0xA0, 0x90}, HIGHEST[] = {0x9F, 0x8F};
    uint8_t first = *p, low = 0x80, high = 0xBF;
    int length;
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return -1;
    length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == 0xE0 || first == 0xF0) low = LOWEST[first == 0xF0];
    if (first == 0xED || first == 0xF4) high = HIGHEST[first == 0xF4];
    for (int i = 1; i < length; i++) {
        if (end - p <= i || p[i] < low || p[i] > high) return -i;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

static size_t valid_part(const uint8_t *p, size_t n) {
    const uint8_t *at = p, *end = p + n;
    while (at < end) {
        if (end - at >= 8 && !(little(at, 8) & 0x8080808080808080ull)) {
            at += 8;
            continue;
        }
        int length = character(at, end);
        if (length < 0) break;
        at += length;
    }
    return (size_t)(at - p);
}

static int put_text(ma_array *a, int64_t row, const uint8_t *p, size_t n) {
    size_t valid = valid_part(p, n);
    int wrong = append(a, p, valid);
    if (!wrong && valid < n) wrong = changed(a, BAD_TEXT, row, p, n);
    for (const uint8_t *end = p + n; !wrong && valid < n;) {
        p += valid;
        p += -character(p, end);
        n = (size_t)(end - p);
        wrong = append(a, "\xEF\xBF\xBD", 3);
        valid = valid_part(p, n);
        if (!wrong) wrong = append(a, p, valid);
    }
    return wrong;
}

/* -- dates and times */

typedef struct {
    unsigned year, month, day, hour, minute, second, micro;
} moment;

static int read_moment(moment *m, const uint8_t *p, size_t n) {
    memset(m, 0, sizeof *m);
    if (n != 0 && n != 4 && n != 7 && n != 11) return BAD_LENGTH;
    if (n >= 4) {
        m->year = (unsigned)little(p, 2);
        m->month = p[2];
        m->day = p[3];
    }
    if (n >= 7) {
        m->hour = p[4];
        m->minute = p[5];
        m->second = p[6];
    }
    if (n == 11) m->micro = (unsigned)little(p + 7, 4);
    if (m->year > 9999 || m->month > 12 || m->day > 31 || m->hour > 23 || m->minute > 59 ||
        m->second > 59 || m->micro > 999999)
        return BAD_TIME;
    return FINE;
}

static int is_day(const moment *m) {
    static const uint8_t DAYS[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned leap = m->month == 2 && m->year % 4 == 0 && (m->year % 100 || m->year % 400 == 0);
    return m->year && m->day && m->day <= DAYS[m->month] + leap;
}

/* Days since 1970-01-01. The year begins in March, so that a leap day is its last. */
static int64_t day_number(const moment *m) {
    int64_t year = (int64_t)m->year - (m->month <= 2);
    int64_t month = m->month > 2 ? m->month - 3 : m->month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + m->day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

/* Writes ".123" of a time's microseconds; 31 decimals are as many as there are. */
static int fraction_text(char *out, unsigned micro, unsigned decimals) {
    char digits[8];
    if (decimals > 6) decimals = micro ? 6 : 0;
    if (!decimals) return 0;
    snprintf(digits, sizeof digits, "%06u", micro % 1000000);
    return snprintf(out, 8, ".%.*s", (int)decimals, digits);
}

static int no_day(ma_array *a, const ma_column *c, int64_t row, const moment *m) {
    char shown[64];
    int n = snprintf(shown, sizeof shown, "%04u-%02u-%02u", m->year, m->month, m->day);
    if (c->how == TIMESTAMP) {
        n += snprintf(shown + n, 16, " %02u:%02u:%02u", m->hour, m->minute, m->second);
        n += fraction_text(shown + n, m->micro, c->decimals);
    }
    set_null(a, c, row);
    return changed(a, m->year ? BAD_DATE : ZERO_YEAR, row, shown, (size_t)n);
}

static int put_moment(ma_array *a, const ma_column *c, int64_t row, const uint8_t *p, size_t n) {
    moment m;
    int wrong = read_moment(&m, p, n);
    if (wrong) return wrong;
    if (!is_day(&m)) return no_day(a, c, row, &m);
    int64_t day = day_number(&m);
    if (c->how == TIMESTAMP) {
        int64_t second = day * 86400 + m.hour * 3600 + m.minute * 60 + m.second;
        ((int64_t *)a->values)[row] = second * 1000000 + m.micro;
        return FINE;
    }
    if (m.hour || m.minute || m.second || m.micro) return DOES_NOT_FIT;
    ((int32_t *)a->values)[row] = (int32_t)day;
    return FINE;
}

static int put_time(ma_array *a, const ma_column *c, const uint8_t *p, size_t n) {
    uint64_t days = 0;
    unsigned hour = 0, minute = 0, second = 0, micro = 0, negative = 0;
    char text[64];
    if (n != 0 && n != 8 && n != 12) return BAD_LENGTH;
    if (n) {
        negative = p[0];
        days = little(p + 1, 4);
        hour = p[5];
        minute = p[6];
        second = p[7];
    }
    if (n == 12) micro = (unsigned)little(p + 8, 4);
    if (negative > 1 || days > 34 || hour > 23 || minute > 59 || second > 59 || micro > 999999)
        return BAD_TIME;
    int size = snprintf(text, 32, "%s%02u:%02u:%02u", negative ? "-" : "",
                        (unsigned)days * 24 + hour, minute, second);
    size += fraction_text(text + size, micro, c->decimals);
    return append(a, text, (size_t)size);
}

/* -- any value */

/* The bytes of a value that says its own length. */
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
