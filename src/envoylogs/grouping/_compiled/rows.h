/* Numbers rows: equal ones have one number, from 0 in the order in which they are met. */
#ifndef ENVOYLOGS_ROWS_H
#define ENVOYLOGS_ROWS_H

#include "column.h"
#include "memory.h"

typedef struct {
    uint64_t hash;
    size_t offset; /* of its bytes */
    size_t length;
} Row;

typedef struct {
    Seed seed;
    uint8_t *bytes; /* of all rows, one behind the other */
    size_t n_bytes, bytes_capacity;
    Row *rows;
    size_t n_rows, rows_capacity;
    uint32_t *slots; /* numbers plus one by hash; 0 is free */
    size_t n_slots;  /* a power of two, or 0 */
} Rows;

/* Numbers some rows.
 *
 * Returns: whether there was memory for it; if not, some of them may be numbered.
 */
bool number_rows(Rows *rows, const Column *columns, size_t n_columns, size_t height, uint32_t *to);

void free_rows(Rows *rows);

#endif
