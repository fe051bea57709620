#include "entries.h"

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address, 1)
#else
#define PREFETCH(address) ((void)(address))
#endif

/* Some rows on their way to their entries.
 *
 * What is the same for all of them is copied where they are gone through: the compiler can't know
 * that it does not change with what is written.
 */
typedef struct {
    size_t n, n_words; /* of each of them: group and values, as in an entry */
    size_t rows[AT_ONCE];
    uint64_t words[AT_ONCE * (1 + MOST_VALUES)];
    uint64_t hashes[AT_ONCE];
    uint64_t *entries[AT_ONCE];
} Passing;

/* Finds out which of some rows are counted, and in which group. */
static void choose(const Batch *batch, size_t from, size_t to, Passing *passing)
{
    const Column keys = *batch->keys, valid = batch->valid == NULL ? keys : *batch->valid;
    const bool is_filtered = batch->valid != NULL;
    const uint32_t *groups = batch->groups;
    const size_t n_groups = batch->n_groups, n_words = passing->n_words;
    size_t n = 0;
    for (size_t row = from; row < to; row++) {
        size_t key = (size_t)number_at(&keys, row);
        uint32_t group = key < n_groups ? groups[key] : NO_GROUP;
        passing->rows[n] = row;
        passing->words[n * n_words] = group;
        n += group != NO_GROUP && (!is_filtered || (!is_null(&valid, row) && flag_at(&valid, row)));
    }
    passing->n = n;
}

static void take_values(const Batch *batch, Passing *passing)
{
    const size_t n_rows = passing->n, n_words = passing->n_words;
    for (size_t value = 0; value + 1 < n_words; value++) {
        const Column column = batch->values[value];
        const uint64_t missing = UINT64_C(1) << (NULLS_FROM + value);
        for (size_t n = 0; n < n_rows; n++) {
            uint64_t *words = passing->words + n * n_words;
            size_t row = passing->rows[n];
            if (is_null(&column, row)) {
                words[0] |= missing;
                words[1 + value] = 0;
            } else
                words[1 + value] = (uint64_t)number_at(&column, row);
        }
    }
}

static void find_entries(Counts *counts, Passing *passing)
{
    const size_t n_rows = passing->n, n_words = passing->n_words, size = counts->n_words;
    const uint64_t *slots = counts->slots;
    const unsigned bits = counts->slot_bits;
    uint64_t factors[1 + MOST_VALUES];
    memcpy(factors, counts->factors, sizeof factors);
    for (size_t n = 0; n < n_rows; n++) {
        uint64_t hash = hash_of_words(factors, passing->words + n * n_words, n_words);
        PREFETCH(&slots[slot_of(bits, hash)]);
        passing->hashes[n] = hash;
    }
    /* Nearly always the first slot is the right one: its entry is on its way when it is looked at. */
    for (size_t n = 0; n < n_rows; n++) {
        uint64_t slot = slots[slot_of(bits, passing->hashes[n])];
        if (slot != 0)
            PREFETCH(counts->entries + ((slot & PLACE) - 1) * size);
    }
    for (size_t n = 0; n < n_rows; n++)
        passing->entries[n] = entry_of(counts, passing->words + n * n_words, passing->hashes[n]);
}

/* Adds to a sum of two words. */
static inline void add_to(uint64_t *sum, int64_t number)
{
    sum[0] += (uint64_t)number;
    sum[1] += (number < 0 ? UINT64_MAX : 0) + (sum[0] < (uint64_t)number);
}

static void measure_rows(const Counts *counts, const Batch *batch, const Passing *passing)
{
    const size_t n_rows = passing->n;
    for (size_t m = 0; m < counts->n_measures; m++) {
        const Measure measure = counts->measures[m];
        uint64_t *const *entries = passing->entries;
        if (measure.operation == ROWS) {
            for (size_t n = 0; n < n_rows; n++)
                entries[n][measure.word]++;
            continue;
        }
        const Column column = batch->measured[measure.column];
        for (size_t n = 0; n < n_rows; n++) {
            size_t row = passing->rows[n];
            bool is_missing = is_null(&column, row);
            if (measure.operation == NULLS)
                entries[n][measure.word] += is_missing;
            else if (is_missing)
                continue;
            else if (measure.operation == TRUES)
                entries[n][measure.word] += flag_at(&column, row);
            else if (measure.operation == SUM)
                add_to(entries[n] + measure.word, number_at(&column, row));
            else
                take_extreme(entries[n], measure, number_at(&column, row));
        }
    }
}

bool count_rows(Counts *counts, const Batch *batch)
{
    Passing passing;
    passing.n_words = 1 + counts->n_values;
    for (size_t from = 0; from < batch->height; from += AT_ONCE) {
        size_t left = batch->height - from;
        if (!make_room(counts))
            return false;
        choose(batch, from, from + (left < AT_ONCE ? left : AT_ONCE), &passing);
        take_values(batch, &passing);
        find_entries(counts, &passing);
        measure_rows(counts, batch, &passing);
    }
    return true;
}
