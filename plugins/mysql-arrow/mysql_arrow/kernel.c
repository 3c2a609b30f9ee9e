/* The rows of a MySQL result set, from the bytes of a socket into the buffers of Arrow arrays.
 *
 * No Python.h: one library serves every Python, and ctypes calls it without Python's lock.
 */
#include "values.h"

#define EXPORT __attribute__((visibility("default")))
#define FULL_PACKET 0xFFFFFFu
/* A row of more bytes than this is more than any array can hold. */
#define LARGEST_ROW ((size_t)LARGEST)
#define FIRST_ROWS 1024
#define KEPT_BYTES (1u << 20)

/* The result of a feed; the numbers are in kernel.py too. BEFORE is internal. */
enum { MORE = 0, BATCH = 1, END = 2, REFUSED = 3, BEFORE = 4 };

typedef struct {
    int64_t rows;
    int64_t columns;
    ma_array *arrays;
} ma_batch;

typedef struct {
    int64_t columns;
    ma_column *spec;
    ma_batch *batch;
    int64_t *rooms;     /* bytes of text that the last batch had, by column */
    int64_t room;       /* rows that the batch has buffers for */
    int64_t max_bytes;
    int64_t row_bytes;  /* what a row takes in arrays without its text */
    int64_t bytes;
    /* the packet under way */
    uint8_t *part;
    size_t part_size, part_room;
    uint32_t missing;
    uint8_t header[4], header_size, sequence, goes_on, waits;
    /* what is reported */
    uint8_t wrong_sequence;
    uint16_t warnings, status;
    int32_t wrong_column;
    int64_t rows;
    uint8_t refusal[1024];
    int64_t refusal_size;
} ma_reader;

EXPORT int ma_abi(void) { return 1; }

EXPORT void ma_free_batch(ma_batch *b) {
    if (!b) return;
    for (int64_t i = 0; b->arrays && i < b->columns; i++) {
        free(b->arrays[i].validity);
        free(b->arrays[i].values);
        free(b->arrays[i].data);
        for (int reason = 0; reason < REASONS; reason++) free(b->arrays[i].changes[reason].shown);
    }
    free(b->arrays);
    free(b);
}

EXPORT void ma_free(ma_reader *r) {
    if (!r) return;
    ma_free_batch(r->batch);
    free(r->spec);
    free(r->rooms);
    free(r->part);
    free(r);
}

/* A reader of the rows, whose first packet has the number `sequence`; NULL if out of memory. */
EXPORT ma_reader *ma_new(const ma_column *spec, int64_t columns, int64_t max_bytes,
                         uint8_t sequence) {
    ma_reader *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->columns = columns;
    r->max_bytes = max_bytes;
    r->sequence = sequence;
    r->spec = calloc((size_t)columns + 1, sizeof *spec);
    r->rooms = calloc((size_t)columns + 1, sizeof *r->rooms);
    if (!r->spec || !r->rooms) {
        ma_free(r);
        return NULL;
    }
    memcpy(r->spec, spec, (size_t)columns * sizeof *spec);
    for (int64_t i = 0; i < columns; i++) r->row_bytes += spec[i].width;
    return r;
}

/* -- batches */

static int widen_array(ma_array *a, const ma_column *c, int64_t before, int64_t rows) {
    size_t bits = (size_t)(rows + 7) / 8, old = (size_t)(before + 7) / 8;
    uint8_t *validity = realloc(a->validity, bits);
    if (!validity) return NO_MEMORY;
    memset(validity + old, 0xFF, bits - old);
    a->validity = validity;
    uint8_t *values = realloc(a->values, ((size_t)rows + 1) * c->width);
    if (!values) return NO_MEMORY;
    if (!before) memset(values, 0, c->width);
    a->values = values;
    return FINE;
}

static int begin_batch(ma_reader *r) {
    ma_batch *b = calloc(1, sizeof *b);
    if (!b) return NO_MEMORY;
    r->batch = b;
    r->room = r->bytes = 0;
    b->columns = r->columns;
    b->arrays = calloc((size_t)r->columns + 1, sizeof *b->arrays);
    if (!b->arrays) return NO_MEMORY;
    for (int64_t i = 0; i < r->columns; i++) {
        int64_t room = r->rooms[i] < r->max_bytes ? r->rooms[i] + r->rooms[i] / 8 : 0;
        int wrong = make_room(&b->arrays[i], (size_t)room);
        if (wrong) return wrong;
    }
    return FINE;
}

/* Makes room for one more row. */
static int make_row(ma_reader *r, int64_t max_rows) {
    int wrong = r->batch ? FINE : begin_batch(r);
    if (wrong || r->batch->rows < r->room) return wrong;
    int64_t rows = r->room ? r->room * 2 : FIRST_ROWS;
    if (rows > max_rows) rows = max_rows;
    for (int64_t i = 0; i < r->columns; i++) {
        wrong = widen_array(&r->batch->arrays[i], &r->spec[i], r->room, rows);
        if (wrong) return wrong;
    }
    r->room = rows;
    return FINE;
}

/* The batch of the rows so far, which the caller frees; NULL if there are none. */
EXPORT ma_batch *ma_take(ma_reader *r) {
    ma_batch *b = r->batch;
    if (!b || !b->rows) return NULL;
    r->batch = NULL;
    for (int64_t i = 0; i < r->columns; i++) {
        ma_array *a = &b->arrays[i];
        r->rooms[i] = a->data_size;
        uint8_t *fitting = a->data ? realloc(a->data, (size_t)a->data_size + 1) : NULL;
        if (fitting) a->data = fitting;
    }
    return b;
}

/* -- packets */

static int put_row(ma_reader *r, const uint8_t *p, size_t n) {
    size_t bitmap = ((size_t)r->columns + 9) / 8;
    const uint8_t *nulls = p + 1;
    if (n < 1 + bitmap) return TOO_SHORT;
    cursor from = {nulls + bitmap, p + n};
    int64_t row = r->batch->rows;
    for (int64_t i = 0; i < r->columns; i++) {
        ma_array *a = &r->batch->arrays[i];
        int64_t bit = i + 2;
        if (nulls[bit >> 3] >> (bit & 7) & 1) {
            set_null(a, &r->spec[i], row);
            continue;
        }
        int wrong = put_value(&from, a, &r->spec[i], row);
        if (wrong) {
            r->wrong_column = (int32_t)i;
            return wrong;
        }
    }
    if (from.at != from.end) return TOO_LONG;
    r->batch->rows++;
    r->rows++;
    return FINE;
}

static int take_row(ma_reader *r, const uint8_t *p, size_t n, int64_t max_rows) {
    int64_t bytes = r->row_bytes + (int64_t)n;
    if (r->batch && r->batch->rows &&
        (r->batch->rows >= max_rows || r->bytes + bytes > r->max_bytes))
        return BEFORE;
    int wrong = make_row(r, max_rows);
    if (!wrong) wrong = put_row(r, p, n);
    if (wrong) return wrong;
    r->bytes += bytes;
    return r->batch->rows >= max_rows || r->bytes >= r->max_bytes ? BATCH : MORE;
}

static int take_packet(ma_reader *r, const uint8_t *p, size_t n, int64_t max_rows) {
    r->wrong_column = -1;
    if (!n) return EMPTY_PACKET;
    if (p[0] == 0) return take_row(r, p, n, max_rows);
    if (p[0] == 0xFE && n == 5) {
        r->warnings = (uint16_t)little(p + 1, 2);
        r->status = (uint16_t)little(p + 3, 2);
        return END;
    }
    if (p[0] != 0xFF || n < 3) return UNKNOWN_PACKET;
    r->refusal_size = (int64_t)(n < sizeof r->refusal ? n : sizeof r->refusal);
    memcpy(r->refusal, p, (size_t)r->refusal_size);
    return REFUSED;
}

static int is_next(ma_reader *r, uint8_t number) {
    if (number == r->sequence) return 1;
    r->wrong_sequence = number;
    return 0;
}

/* Keeps what has come of a packet; its memory grows with what comes, not with what is announced. */
static int keep(ma_reader *r, const uint8_t *p, size_t n) {
    if (n > LARGEST_ROW - r->part_size) return TOO_LARGE;
    if (r->part_size + n > r->part_room) {
        size_t room = r->part_room * 2 > r->part_size + n ? r->part_room * 2 : r->part_size + n;
        uint8_t *grown = realloc(r->part, room);
        if (!grown) return NO_MEMORY;
        r->part = grown;
        r->part_room = room;
    }
    if (n) memcpy(r->part + r->part_size, p, n);
    r->part_size += n;
    r->missing -= (uint32_t)n;
    return FINE;
}

/* The packet that was kept is whole. */
static int take_part(ma_reader *r, int64_t max_rows) {
    int code = take_packet(r, r->part, r->part_size, max_rows);
    r->waits = code == BEFORE;
    if (r->waits) return BATCH;
    r->part_size = 0;
    if (r->part_room > KEPT_BYTES) {
        free(r->part);
        r->part = NULL;
        r->part_room = 0;
    }
    return code;
}

/* Takes a header, or a part of a packet that is incomplete, or continues in another one. */
static int take_some(ma_reader *r, const uint8_t *p, size_t n, size_t *used, int64_t max_rows) {
    if (r->header_size < 4) {
        r->header[r->header_size++] = *p;
        *used = 1;
        if (r->header_size < 4) return MORE;
        if (!is_next(r, r->header[3])) return WRONG_SEQUENCE;
        r->sequence++;
        r->missing = (uint32_t)little(r->header, 3);
        r->goes_on = r->missing == FULL_PACKET;
    } else {
        *used = n < r->missing ? n : r->missing;
        int wrong = keep(r, p, *used);
        if (wrong) return wrong;
    }
    if (r->missing) return MORE;
    r->header_size = 0;
    return r->goes_on ? MORE : take_part(r, max_rows);
}

/* Takes bytes from the server.
 *
 * used: how many were taken; the rest must be given again once the batch is taken.
 * max_rows: rows of the batch, at least 1.
 * Returns MORE: all were taken; BATCH: a batch must be taken; END or REFUSED: the result has ended,
 * there may be a batch to take; or what is wrong, after which the reader must be freed.
 */
EXPORT int ma_feed(ma_reader *r, const uint8_t *data, size_t size, size_t *used,
                   int64_t max_rows) {
    size_t at = 0;
    int code = r->waits ? take_part(r, max_rows) : MORE;
    while (code == MORE && at < size) {
        size_t n = size - at, some = 0;
        uint32_t length = n >= 4 ? (uint32_t)little(data + at, 3) : FULL_PACKET;
        if (r->header_size || r->goes_on || length == FULL_PACKET || n - 4 < length) {
            code = take_some(r, data + at, n, &some, max_rows);
            at += some;
            continue;
        }
        if (!is_next(r, data[at + 3])) {
            code = WRONG_SEQUENCE;
            break;
        }
        code = take_packet(r, data + at + 4, length, max_rows);
        if (code == BEFORE) {
            code = BATCH;
            break;
        }
        r->sequence++;
        at += 4 + (size_t)length;
    }
    *used = at;
    return code;
}

EXPORT uint8_t ma_wrong_sequence(const ma_reader *r) { return r->wrong_sequence; }
EXPORT int32_t ma_wrong_column(const ma_reader *r) { return r->wrong_column; }
EXPORT int64_t ma_rows(const ma_reader *r) { return r->rows; }
EXPORT uint16_t ma_warnings(const ma_reader *r) { return r->warnings; }
EXPORT uint16_t ma_status(const ma_reader *r) { return r->status; }
EXPORT const uint8_t *ma_refusal(const ma_reader *r, int64_t *size) {
    *size = r->refusal_size;
    return r->refusal;
}
