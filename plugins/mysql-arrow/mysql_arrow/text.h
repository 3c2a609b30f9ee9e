/* Text: UTF-8, each longest invalid part replaced by U+FFFD, as Python does. */
#ifndef MYSQL_ARROW_TEXT_H
#define MYSQL_ARROW_TEXT_H

#include "arrays.h"

/* The length of the character at p, or negative that of the longest part of an invalid one. */
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

#endif
