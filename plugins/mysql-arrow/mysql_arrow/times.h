/* Dates, moments and times of day. */
#ifndef MYSQL_ARROW_TIMES_H
#define MYSQL_ARROW_TIMES_H

#include <stdio.h>

#include "arrays.h"

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

/* Writes ".123" of a time's microseconds; 31 decimals mean as many as there are. */
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

#endif
