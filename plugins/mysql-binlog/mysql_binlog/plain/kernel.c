/* Plain events of a binary log: the boundaries and the rows of ordinary transactions.
 *
 * It takes what it knows to be plain, and nothing else: at the first packet that is not, in any
 * way, it stops before that packet, which Python then reads and judges. So it has no errors.
 * It owns no memory: all it reads and writes was laid out in Python, where state.py has the same
 * structs. Compressed data is decompressed by the system's libzstd, or there, through a callback.
 * No Python.h: one library serves every Python, and ctypes calls it without Python's lock.
 */
#include "compressed.h"
#include "crc.h"
#include "rows.h"

#define EXPORT __attribute__((visibility("default")))
#define FULL_PACKET 0xFFFFFFu
#define HEADER 19u
#define CHECKSUM 4u
#define ARTIFICIAL 0x20u
/* MariaDB's GTID says that a single statement follows, or that XA PREPARE does. */
#define ALONE_OR_PREPARES 0x41u

/* Why a run ended. */
enum { MORE = 0, ODD = 1, FULL = 2 };
enum { QUERY = 2, XID = 16, TABLE_MAP = 19, WRITE_V1 = 23, DELETE_V1 = 25, ROWS_QUERY = 29,
       WRITE = 30, DELETE = 32, GTID = 33, ANONYMOUS_GTID = 34, PAYLOAD = 40, TAGGED_GTID = 42,
       MARIADB_GTID = 162, COMPRESSED_V1 = 166, COMPRESSED = 169, LAST_COMPRESSED = 171 };
enum { NO_GTID = 0, ANONYMOUS = 1, NUMBERED = 2 };

/* A rows event behind its header. */
static int rows(mb_state *s, unsigned code, const uint8_t *p, const uint8_t *end) {
    int is_compressed = code >= COMPRESSED_V1;
    if (is_compressed) code = code >= COMPRESSED ? code - COMPRESSED + WRITE
                                                 : code - COMPRESSED_V1 + WRITE_V1;
    int is_second = code >= WRITE;
    uint32_t kind = is_second ? code - WRITE : code - WRITE_V1, images = kind == 1 ? 2 : 1;
    if (end - p < (is_second ? 10 : 8)) return 0;
    uint64_t number = little(p, 6);
    const mb_slot *slot = s->slot + number % SLOTS;
    if (!slot->body || slot->number != number) return 0;
    const mb_table *t = slot->table;
    if (!t) return 1;
    p += 8;
    if (is_second) {
        uint64_t extra = little(p, 2);
        if (extra < 2 || (uint64_t)(end - p) < extra) return 0;
        p += extra;
    }
    uint64_t columns;
    size_t size = (t->columns + 7) / 8;
    if (!packed(&p, end, &columns) || columns != t->columns) return 0;
    if ((size_t)(end - p) < size * images) return 0;
    const uint8_t *present[2] = {p, images == 2 ? p + size : p};
    p += size * images;
    if (is_compressed) {
        uint64_t want;
        if (!expand_block(s, p, end, &want)) return 0;
        p = s->expanded;
        end = p + want;
    }
    return begin_record(s, t, kind) && put_rows(s, t, present, images, p, end);
}

/* What has been reported at a moment. */
typedef struct {
    uint32_t records;
    uint64_t keys, out_size;
    mb_record last;
} mb_told;

static mb_told told_now(const mb_state *s) {
    mb_told told = {s->records, s->keys, s->out_size, {0, 0, 0, 0, 0, 0}};
    if (s->records) told.last = s->record[s->records - 1];
    return told;
}

/* Goes back to what was reported before something that is not plain, or has no room: FULL if
 * another try with all the room will show which of the two it is; else it is ODD. */
static int untell(mb_state *s, const mb_told *before) {
    s->records = before->records;
    s->keys = before->keys;
    s->out_size = before->out_size;
    if (s->records) s->record[s->records - 1] = before->last;
    return s->records ? FULL : ODD;
}

static int take_rows(mb_state *s, unsigned code, const uint8_t *p, const uint8_t *end) {
    mb_told before = told_now(s);
    return rows(s, code, p, end) ? MORE : untell(s, &before);
}

static int take_map(const mb_state *s, const uint8_t *p, const uint8_t *end) {
    if (end - p < 8) return ODD;
    uint64_t number = little(p, 6);
    const mb_slot *slot = s->slot + number % SLOTS;
    if (!slot->body || slot->number != number || slot->size != (uint64_t)(end - p) - 8) return ODD;
    return memcmp(slot->body, p + 8, slot->size) ? ODD : MORE;
}

/* Whether a query is BEGIN: behind its header 8 bytes, the schema's length, 2 bytes, the status
 * variables' length, those, the schema, a zero, the text. */
static int is_begin(const uint8_t *p, const uint8_t *end) {
    size_t size = (size_t)(end - p);
    return size >= 18 && !memcmp(end - 5, "BEGIN", 5) &&
           14 + little(p + 11, 2) + p[8] == size - 5;
}

/* MySQL's GTID with a tag: the first four of its numbered fields. */
static int tagged_gtid(const uint8_t *p, const uint8_t *end, mb_gtids *found) {
    uint64_t value, name;
    for (int n = 0; n < 3; n++) { /* the format's version, the size, the last needed field */
        if (!varlen(&p, end, &value)) return 0;
    }
    for (uint64_t wanted = 0; wanted < 4; wanted++) {
        if (!varlen(&p, end, &name) || name != wanted) return 0;
        for (int n = 0; n < (wanted == 1 ? 16 : 1); n++) {
            if (!varlen(&p, end, &value) || (wanted == 1 && value > 255)) return 0;
            if (wanted == 1) found->server[n] = (uint8_t)value;
        }
        if (wanted == 2) found->first = value & 1 ? 0 : value >> 1;
        if (wanted == 3) found->tag_size = value;
    }
    if (found->tag_size > LONGEST_TAG || found->tag_size > (uint64_t)(end - p)) return 0;
    memcpy(found->tag, p, found->tag_size);
    return 1;
}

static int take_gtid(mb_state *s, unsigned code, const uint8_t *event, const uint8_t *end) {
    const uint8_t *p = event + HEADER;
    mb_gtids found = {{0}, {0}, 0, 0, 0};
    if (s->is_open || s->is_mariadb != (code == MARIADB_GTID)) return ODD;
    if (code == GTID) {
        if (end - p < 25) return ODD;
        memcpy(found.server, p + 1, 16);
        found.first = little(p + 17, 8);
    } else if (code == TAGGED_GTID) {
        if (!tagged_gtid(p, end, &found)) return ODD;
    } else if (code == MARIADB_GTID) {
        if (end - p < 13 || p[12] & ALONE_OR_PREPARES) return ODD;
        memcpy(found.server, p + 8, 4);
        memcpy(found.server + 4, event + 5, 4);
        found.first = little(p, 8);
    }
    if (code != ANONYMOUS_GTID && (!found.first || found.first >> 63)) return ODD;
    found.last = found.first;
    s->gtid = found;
    s->begun = code == ANONYMOUS_GTID ? ANONYMOUS : NUMBERED;
    s->is_open = 1;
    return MORE;
}

/* Whether the open transaction continues a run; for MariaDB only the last number counts. */
static int follows(const mb_state *s, const mb_gtids *run) {
    return !memcmp(run->server, s->gtid.server, 16) && run->tag_size == s->gtid.tag_size &&
           !memcmp(run->tag, s->gtid.tag, run->tag_size) &&
           (s->is_mariadb || run->last + 1 == s->gtid.first);
}

/* The end of a transaction, at an offset. */
static int take_end(mb_state *s, uint64_t offset) {
    if (!s->is_open) return ODD;
    if (s->begun == NUMBERED && s->runs && follows(s, &s->run[s->runs - 1])) {
        s->run[s->runs - 1].last = s->gtid.last;
    } else if (s->begun == NUMBERED) {
        if (s->runs == RUNS) return FULL;
        s->run[s->runs++] = s->gtid;
    }
    s->is_open = s->begun = 0;
    s->boundary = offset;
    s->has_passed = 1;
    return MORE;
}

static int is_rows(unsigned code) {
    return (code >= WRITE_V1 && code <= DELETE_V1) || (code >= WRITE && code <= DELETE) ||
           (code >= COMPRESSED_V1 && code <= LAST_COMPRESSED);
}

static int is_gtid(unsigned code) {
    return code == GTID || code == ANONYMOUS_GTID || code == TAGGED_GTID || code == MARIADB_GTID;
}

static int is_known(unsigned code) {
    return code == QUERY || code == XID || code == TABLE_MAP || code == ROWS_QUERY ||
           code == PAYLOAD || is_rows(code) || is_gtid(code);
}

/* An event in the middle of a transaction; XID is left to the caller, which knows where it ends. */
static int take_middle(mb_state *s, unsigned code, const uint8_t *p, const uint8_t *end) {
    if (!s->is_open) return ODD;
    if (code == ROWS_QUERY) return MORE;
    if (code == TABLE_MAP) return take_map(s, p, end);
    return is_rows(code) ? take_rows(s, code, p, end) : ODD;
}

/* The events of a compressed transaction, which ends with them; 0: they are not plain. */
static int inner(mb_state *s, const uint8_t *p, const uint8_t *end) {
    uint64_t want;
    unsigned code = 0;
    if (!expand_payload(s, p, end, &want)) return 0;
    p = s->expanded;
    end = p + want;
    while (p < end) {
        if (code == XID || (size_t)(end - p) < HEADER) return 0;
        uint64_t size = little(p + 9, 4);
        if (size < HEADER || size > (uint64_t)(end - p)) return 0;
        code = p[4];
        if (code > DELETE) return 0; /* nested compressed data has no room of its own */
        const uint8_t *body = p + HEADER;
        p += size;
        if (code == QUERY ? !is_begin(body, p)
                          : code != XID && take_middle(s, code, body, p) != MORE) return 0;
    }
    return code == XID;
}

static int take_payload(mb_state *s, const uint8_t *p, const uint8_t *end) {
    if (!s->is_open || s->is_mariadb) return ODD;
    if (s->runs == RUNS) return FULL; /* so that its end has room */
    mb_told before = told_now(s);
    return inner(s, p, end) ? MORE : untell(s, &before);
}

/* Takes a packet, or stops before it. */
static int take(mb_state *s, const uint8_t *packet, size_t n) {
    if (n < 1 + HEADER + CHECKSUM || packet[0]) return ODD;
    const uint8_t *event = packet + 1, *p = event + HEADER, *end = packet + n;
    unsigned code = event[4];
    uint64_t low = little(event + 13, 4);
    if (!is_known(code) || little(event + 9, 4) != n - 1 || !low) return ODD;
    if (little(event + 17, 2) & ARTIFICIAL) return ODD;
    if (s->has_checksums) {
        end -= CHECKSUM;
        if (crc32_of(event, (size_t)(end - event)) != little(end, 4)) return ODD;
    }
    /* An event has the low 32 bits of the offset where it ends. */
    uint64_t offset = (s->offset & ~(uint64_t)0xFFFFFFFF) + low;
    if (offset < s->offset) offset += (uint64_t)1 << 32;
    if (offset > s->until) return ODD;
    int found = ODD;
    if (code == XID) {
        found = take_end(s, offset);
    } else if (code == PAYLOAD) {
        found = take_payload(s, p, end);
        if (found == MORE) found = take_end(s, offset);
    } else if (code == QUERY) {
        found = is_begin(p, end) ? MORE : ODD;
        if (found == MORE) s->is_open = 1;
    } else if (is_gtid(code)) {
        found = take_gtid(s, code, event, end);
    } else {
        found = take_middle(s, code, p, end);
    }
    if (found == MORE) s->offset = offset;
    return found;
}

EXPORT int mb_abi(void) { return 3; }
EXPORT size_t mb_size(void) { return sizeof(mb_state); }

/* Takes plain packets.
 *
 * used: how many bytes were taken, of whole packets only.
 * Returns MORE if the next packet is incomplete, ODD if it is not plain, FULL if the results must
 * be taken first. Results are added to those that are there already.
 */
EXPORT int mb_run(mb_state *s, const uint8_t *data, size_t size, size_t *used) {
    size_t at = 0;
    int code = MORE;
    s->data = data;
    while (code == MORE && size - at >= 4) {
        size_t n = (size_t)little(data + at, 3);
        int is_over = s->has_passed && !s->is_open && s->boundary >= s->until;
        if (is_over || n == FULL_PACKET || data[at + 3] != s->sequence) {
            code = ODD;
        } else if (s->keys >= s->most_keys) {
            code = FULL;
        } else if (size - at - 4 < n) {
            break;
        } else if ((code = take(s, data + at + 4, n)) == MORE) {
            s->sequence++;
            at += 4 + n;
        }
    }
    *used = at;
    return code;
}
