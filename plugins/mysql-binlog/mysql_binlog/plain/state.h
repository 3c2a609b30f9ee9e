/* What Python and the kernel share; the structs and numbers are in state.py too. */
#ifndef STATE_H
#define STATE_H

#include <stddef.h>
#include <stdint.h>

#define SLOTS 1024u
#define RUNS 1024u
#define RECORDS 4096u
#define KEY_COLUMNS 32u
#define NULL_SIZE 0xFFFFFFFFu
#define LONGEST_TAG 32u

/* A wanted table as its rows are laid out. */
typedef struct {
    uint32_t id;            /* by which its keys are reported */
    uint32_t columns;
    uint32_t keys;          /* columns of the key */
    uint32_t is_packed;     /* its keys are reported without the lengths of their values */
    const uint32_t *fixed;  /* by column: its bytes */
    const uint8_t *prefix;  /* by column: bytes of the length before it, or 0 */
    const uint8_t *place;   /* by column: 1 + its place in the key, or 0 */
} mb_table;

/* What a table's number means. */
typedef struct {
    uint64_t number;
    const uint8_t *body;    /* of its table map; NULL: nothing is known */
    uint64_t size;
    const mb_table *table;  /* NULL: its rows are not wanted */
} mb_slot;

/* Consecutive transactions of one server, which have ended. */
typedef struct {
    uint8_t server[16];     /* MySQL: the UUID; MariaDB: domain and server's id */
    uint8_t tag[LONGEST_TAG];
    uint64_t tag_size, first, last;
} mb_gtids;

/* Keys of one table to which the same happened: `count` of them, in bytes begin to end of `out`. */
typedef struct {
    uint32_t table, kind, count, unused;
    uint64_t begin, end;
} mb_record;

/* How something is compressed. */
enum { ZLIB = 0, ZSTD = 1 };

/* Decompresses `size` bytes at `at` of `data` to `want` bytes of `expanded`; 0 if it cannot. */
typedef int (*mb_expand)(int how, uint64_t at, uint64_t size, uint64_t want);

/* libzstd's ZSTD_decompressDCtx: the size that it made, or an error beyond any size. */
typedef size_t (*mb_zstd)(void *context, void *to, size_t room, const void *from, size_t size);

typedef struct {
    /* where the reading is */
    uint64_t offset, until, boundary;
    uint8_t sequence, is_mariadb, has_checksums, is_open;
    uint8_t has_passed;     /* a transaction has ended, at `boundary` */
    uint8_t begun;          /* the open one began in this run, and how its GTID is */
    uint8_t unused[2];
    mb_gtids gtid;         /* if it is NUMBERED */
    /* what is reported */
    uint32_t runs, records;
    uint64_t keys, most_keys, out_size, out_room;
    uint8_t *out;
    /* what is decompressed */
    const uint8_t *data;    /* the packets that are run */
    uint8_t *expanded;
    uint64_t expanded_room;
    mb_expand expand;
    mb_zstd zstd;           /* NULL: zstd goes through `expand` too */
    void *zstd_context;
    mb_slot slot[SLOTS];
    mb_gtids run[RUNS];
    mb_record record[RECORDS];
} mb_state;

#endif
