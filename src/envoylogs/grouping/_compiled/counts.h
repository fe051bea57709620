/* Counts rows by a group and a few values, with sums, and the least and the most of a column. */
#ifndef ENVOYLOGS_COUNTS_H
#define ENVOYLOGS_COUNTS_H

#include "column.h"
#include "memory.h"

enum {
    MOST_VALUES = 16,
    MOST_MEASURES = 32,
    MOST_EXTREMES = 16,
    AT_ONCE = 256, /* rows: so few that what is worked out of them stays in the cache */
};

#define NO_GROUP UINT32_MAX /* of keys that are not counted */

typedef enum { ROWS, TRUES, NULLS, SUM, LEAST, MOST } Operation;

typedef struct {
    Operation operation;
    size_t column;  /* of those that are measured; of ROWS any */
    size_t word;    /* where it stands in an entry */
    uint64_t there; /* of an extreme: the bit that says whether there is any */
} Measure;

/* An entry is a row of what was counted: words of 64 bits.
 *
 * The first one has the group in its lower half, above it a bit for each value that is null, and
 * above these a bit for each extreme that there was a value for; then the values, then the
 * measures, of which a sum has two words, so that it never overflows.
 */
typedef struct {
    size_t n_values, n_measures, n_words;
    Measure measures[MOST_MEASURES];
    uint64_t factors[1 + MOST_VALUES]; /* odd, and drawn by chance */
    uint64_t *entries;
    size_t n_entries, capacity;
    uint64_t *slots;    /* half of a hash, and the place of an entry plus one; 0 is free */
    unsigned slot_bits; /* how many slots there are, as a power of two; 0 for none */
} Counts;

/* Begins to count by so many values; operations and columns of the measures have been said, all else
 * is 0. There are no more than MOST_EXTREMES of LEAST and MOST. */
void begin_counts(Counts *counts, Seed seed, size_t n_values, size_t n_measures);

/* Rows to be counted.
 *
 * Attributes:
 *     groups: The group of each key; NO_GROUP leaves its rows out.
 *     keys: That of each row.
 *     valid: Which rows are counted; NULL for all.
 *     values: ``n_values`` of them.
 *     measured: What measures are of.
 */
typedef struct {
    const uint32_t *groups;
    size_t n_groups;
    const Column *keys, *valid, *values, *measured;
    size_t height;
} Batch;

/* Counts some rows.
 *
 * Returns: whether there was memory for it; if not, a part of them may be counted.
 */
bool count_rows(Counts *counts, const Batch *batch);

/* How the group or a value of what was counted changes; it stays as it is without either. */
typedef struct {
    const uint32_t *numbers; /* for each number another one */
    const int64_t *values;   /* for each entry another value; of one that is null any */
} Change;

/* Adds what was counted elsewhere, by as many values with the same measures.
 *
 * changes: Of the group, then of each value; every number that changes has another one.
 *
 * Returns: whether there was memory for it; if not, a part of it may be added.
 */
bool add_counts(Counts *counts, const Counts *more, const Change *changes);

/* Whether all groups (0), or all numbers of a value (1 for the first), are less than some number. */
bool holds_less_than(const Counts *counts, size_t place, size_t n);

/* Puts another value in the place of one, and makes one of entries that are alike then.
 *
 * values: For each entry; one that is null stays so.
 *
 * Returns: whether there was memory for it; if not, nothing has changed.
 */
bool put_value(Counts *counts, size_t value, const int64_t *values);

/* What was counted, entry by entry. */
uint32_t group_of(const Counts *counts, size_t entry);

/* Each returns whether there is such a value, and what it is. */
bool value_of(const Counts *counts, size_t entry, size_t value, int64_t *found);
bool measure_of(const Counts *counts, size_t entry, size_t measure, int64_t *found);

void free_counts(Counts *counts);

#endif
