/* A column of values, as Arrow lays them out in memory (Columnar Format 1.4). */
#ifndef ENVOYLOGS_COLUMN_H
#define ENVOYLOGS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum { TEXTS, INT64, UINT32, UINT8, BITS } Kind;

typedef struct {
    Kind kind;
    size_t offset;        /* of the first value, in all that follows */
    const uint8_t *valid; /* bits: which values are not null; NULL for all */
    const void *values;
    const void *const *texts; /* of TEXTS: where the longer ones are */
} Column;

typedef struct {
    const uint8_t *at;
    size_t length;
} Span;

static inline bool bit_at(const void *bits, size_t place)
{
    return ((const uint8_t *)bits)[place / 8] >> place % 8 & 1;
}

static inline bool is_null(const Column *column, size_t row)
{
    return column->valid != NULL && !bit_at(column->valid, column->offset + row);
}

static inline bool flag_at(const Column *column, size_t row)
{
    return bit_at(column->values, column->offset + row);
}

/* A number of any kind, as 64 bits; what stands in the place of a null is any. */
static inline int64_t number_at(const Column *column, size_t row)
{
    size_t place = column->offset + row;
    switch (column->kind) {
    case INT64:
        return ((const int64_t *)column->values)[place];
    case UINT32:
        return ((const uint32_t *)column->values)[place];
    case UINT8:
        return ((const uint8_t *)column->values)[place];
    default:
        return bit_at(column->values, place);
    }
}

/* A view has four bytes of length; then all of a text of up to twelve bytes, or its first four
 * ones, which buffer the rest is in, and where. */
static inline Span text_at(const Column *column, size_t row)
{
    const uint8_t *view = (const uint8_t *)column->values + 16 * (column->offset + row);
    int32_t length, buffer, start;
    memcpy(&length, view, 4);
    if (length <= 12)
        return (Span){view + 4, (size_t)length};
    memcpy(&buffer, view + 8, 4);
    memcpy(&start, view + 12, 4);
    return (Span){(const uint8_t *)column->texts[buffer] + start, (size_t)length};
}

#endif
