/* Integers, bits and decimals. */
#ifndef MYSQL_ARROW_NUMBERS_H
#define MYSQL_ARROW_NUMBERS_H

#include "arrays.h"

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

/* A decimal's text, of at most 38 digits, as an integer of 16 bytes. */
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

#endif
