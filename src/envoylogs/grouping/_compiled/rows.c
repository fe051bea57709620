#include "rows.h"

#include <stdlib.h>

enum { FEWEST_SLOTS = 128 };

/* Appends a row as bytes behind those of the others: for each value whether it is there, then
 * itself, a text with its length in front. So two rows have the same bytes if they are equal. */
static bool write_row(Rows *rows, const Column *columns, size_t n_columns, size_t row, size_t *end)
{
    size_t length = 0;
    for (size_t c = 0; c < n_columns; c++)
        length += 1 + sizeof(uint64_t)
            + (columns[c].kind == TEXTS && !is_null(&columns[c], row)
                    ? text_at(&columns[c], row).length
                    : 0);
    uint8_t *bytes = with_room(rows->bytes, &rows->bytes_capacity, rows->n_bytes + length, 1);
    if (bytes == NULL)
        return false;
    rows->bytes = bytes;
    uint8_t *to = bytes + rows->n_bytes;
    for (size_t c = 0; c < n_columns; c++) {
        const Column *column = &columns[c];
        bool is_there = !is_null(column, row);
        *to++ = is_there;
        if (!is_there)
            continue;
        if (column->kind == TEXTS) {
            Span text = text_at(column, row);
            memcpy(to, &text.length, sizeof text.length);
            to += sizeof text.length;
            if (text.length != 0)
                memcpy(to, text.at, text.length);
            to += text.length;
        } else {
            int64_t number = number_at(column, row);
            memcpy(to, &number, sizeof number);
            to += sizeof number;
        }
    }
    *end = (size_t)(to - rows->bytes);
    return true;
}

/* Makes room for one more row. */
static bool make_room(Rows *rows)
{
    Row *all = with_room(rows->rows, &rows->rows_capacity, rows->n_rows + 1, sizeof *all);
    if (all == NULL)
        return false;
    rows->rows = all;
    if (2 * (rows->n_rows + 1) <= rows->n_slots)
        return true;
    if (rows->n_rows >= UINT32_MAX / 4)
        return false;
    size_t n_slots = rows->n_slots == 0 ? FEWEST_SLOTS : 2 * rows->n_slots;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t n = 0; n < rows->n_rows; n++) {
        size_t at = rows->rows[n].hash & (n_slots - 1);
        while (slots[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = (uint32_t)n + 1;
    }
    free(rows->slots);
    rows->slots = slots;
    rows->n_slots = n_slots;
    return true;
}

bool number_rows(Rows *rows, const Column *columns, size_t n_columns, size_t height, uint32_t *to)
{
    for (size_t row = 0; row < height; row++) {
        size_t start = rows->n_bytes, end;
        if (!make_room(rows) || !write_row(rows, columns, n_columns, row, &end))
            return false;
        size_t length = end - start;
        uint64_t hash = hash_of(rows->seed, rows->bytes + start, length);
        size_t at = hash & (rows->n_slots - 1);
        for (; rows->slots[at] != 0; at = (at + 1) & (rows->n_slots - 1)) {
            const Row *met = &rows->rows[rows->slots[at] - 1];
            if (met->hash == hash && met->length == length
                && memcmp(rows->bytes + met->offset, rows->bytes + start, length) == 0)
                break;
        }
        if (rows->slots[at] == 0) {
            rows->rows[rows->n_rows++] = (Row){hash, start, length};
            rows->slots[at] = (uint32_t)rows->n_rows;
            rows->n_bytes = end;
        }
        to[row] = rows->slots[at] - 1;
    }
    return true;
}

void free_rows(Rows *rows)
{
    free(rows->bytes);
    free(rows->rows);
    free(rows->slots);
    *rows = (Rows){0};
}
