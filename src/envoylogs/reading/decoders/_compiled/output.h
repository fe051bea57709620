/* Columns of a batch, as Arrow lays them out in memory (Columnar Format 1.4). */
#ifndef ENVOYLOGS_OUTPUT_H
#define ENVOYLOGS_OUTPUT_H

#include "buffer.h"
#include "cursor.h"

typedef enum { TEXTS, BYTES, INTEGERS, TIMES, NUMBERS, FLAGS, BITS } OutputType;

typedef struct {
    OutputType type;
    Buffer values; /* views, integers, numbers of 32 bits, or bytes; flags are bytes too */
    Buffer text;   /* what views show */
    Buffer valid;  /* a byte a value: whether it is not null */
    size_t nulls;
} Output;

/* A view of a text: itself if it is short, else its beginning and where it stands. */
typedef struct {
    int32_t length;
    union {
        uint8_t itself[12];
        struct {
            uint8_t beginning[4];
            int32_t buffer, offset;
        } elsewhere;
    } as;
} View;

static inline size_t height_of(const Output *column) { return column->valid.size; }

/* How many bytes it has. */
static inline size_t size_of(const Output *column)
{
    return column->values.size + column->text.size + column->valid.size;
}

/* Makes room for more values, without which none may be put; false if there is no memory. */
static inline bool make_room(Output *column, size_t values)
{
    size_t widest = sizeof(View);
    return reserve(&column->valid, values) && reserve(&column->values, values * widest);
}

static inline void put_valid(Output *column, uint8_t is_valid)
{
    column->valid.data[column->valid.size++] = is_valid;
    column->nulls += !is_valid;
}

static inline void put_null(Output *column)
{
    static const uint8_t width[] = {
        [TEXTS] = sizeof(View), [BYTES] = sizeof(View), [INTEGERS] = 8, [TIMES] = 8,
        [NUMBERS] = 4,          [FLAGS] = 1,            [BITS] = 1,
    };
    memset(column->values.data + column->values.size, 0, sizeof(View));
    column->values.size += width[column->type];
    put_valid(column, 0);
}

/* Of TEXTS and BYTES; false if there is no memory for it. */
static inline bool put_text(Output *column, Span text)
{
    View view = {.length = (int32_t)text.length};
    if (text.length <= sizeof view.as.itself) {
        for (size_t i = 0; i < text.length; i++)
            view.as.itself[i] = text.at[i];
    } else {
        if (text.length > INT32_MAX - column->text.size || !reserve(&column->text, text.length))
            return false;
        memcpy(view.as.elsewhere.beginning, text.at, 4);
        view.as.elsewhere.offset = (int32_t)column->text.size;
        append(&column->text, text.at, text.length);
    }
    append(&column->values, &view, sizeof view);
    put_valid(column, 1);
    return true;
}

static inline void put_integer(Output *column, int64_t value) /* of INTEGERS and TIMES */
{
    append(&column->values, &value, sizeof value);
    put_valid(column, 1);
}

static inline void put_number(Output *column, uint32_t value) /* of NUMBERS */
{
    append(&column->values, &value, sizeof value);
    put_valid(column, 1);
}

static inline void put_byte(Output *column, uint8_t value) /* of FLAGS and BITS */
{
    append(&column->values, &value, sizeof value);
    put_valid(column, 1);
}

/* Makes bits of the bytes of flags, or of which values are valid; false if there is no memory. */
bool pack(Buffer *bytes);

void free_output(Output *column);

#endif
