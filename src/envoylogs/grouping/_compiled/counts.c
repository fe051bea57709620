#include "counts.h"

#include <stdlib.h>

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address, 1)
#else
#define PREFETCH(address) ((void)(address))
#endif

enum {
    FEWEST_SLOT_BITS = 9, /* twice as many slots as rows at once */
    MOST_SLOT_BITS = 31,
    NULLS_FROM = 32,
    THERE_FROM = NULLS_FROM + MOST_VALUES,
};

static const uint64_t KEY = (UINT64_C(1) << THERE_FROM) - 1; /* of the first word */
static const uint64_t PLACE = UINT32_MAX;                    /* of a slot */

static bool is_extreme(Measure measure)
{
    return measure.operation == LEAST || measure.operation == MOST;
}

void begin_counts(Counts *counts, Seed seed, size_t n_values, size_t n_measures)
{
    counts->n_values = n_values;
    counts->n_measures = n_measures;
    counts->n_words = 1 + n_values;
    uint64_t there = UINT64_C(1) << THERE_FROM;
    for (size_t m = 0; m < n_measures; m++) {
        Measure *measure = &counts->measures[m];
        measure->word = counts->n_words;
        counts->n_words += measure->operation == SUM ? 2 : 1;
        if (is_extreme(*measure)) {
            measure->there = there;
            there <<= 1;
        }
    }
    for (size_t word = 0; word <= n_values; word++)
        counts->factors[word] = next_of(&seed) | 1;
}

/* Multiplied by odd numbers that nobody knows, two keys rarely agree in the upper bits (Dietzfelbinger
 * and others, 1997). */
static inline uint64_t hash_of_entry(const Counts *counts, const uint64_t *entry)
{
    uint64_t hash = counts->factors[0] * (entry[0] & KEY);
    for (size_t word = 1; word <= counts->n_values; word++)
        hash += counts->factors[word] * entry[word];
    return hash;
}

static inline size_t slot_of(const Counts *counts, uint64_t hash)
{
    return (size_t)(hash >> (64 - counts->slot_bits));
}

static inline uint64_t as_slot(uint64_t hash, size_t entry)
{
    return (hash & ~PLACE) | (uint64_t)(entry + 1);
}

/* Makes room for as many entries as rows are counted at once. */
static bool make_room(Counts *counts)
{
    uint64_t *entries = with_room(
        counts->entries, &counts->capacity, counts->n_entries + AT_ONCE,
        counts->n_words * sizeof *entries);
    if (entries == NULL)
        return false;
    counts->entries = entries;
    unsigned bits = counts->slot_bits == 0 ? FEWEST_SLOT_BITS : counts->slot_bits;
    while ((size_t)1 << bits < 2 * (counts->n_entries + AT_ONCE))
        bits++;
    if (bits == counts->slot_bits)
        return true;
    if (bits > MOST_SLOT_BITS)
        return false;
    size_t n_slots = (size_t)1 << bits;
    uint64_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return false;
    free(counts->slots);
    counts->slots = slots;
    counts->slot_bits = bits;
    for (size_t n = 0; n < counts->n_entries; n++) {
        uint64_t hash = hash_of_entry(counts, entries + n * counts->n_words);
        size_t at = slot_of(counts, hash);
        while (slots[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = as_slot(hash, n);
    }
    return true;
}

/* Some rows on their way to their entries. */
typedef struct {
    size_t n, n_words; /* of each of them: group and values, as in an entry */
    size_t rows[AT_ONCE];
    uint64_t words[AT_ONCE * (1 + MOST_VALUES)];
    uint64_t hashes[AT_ONCE];
    uint64_t *entries[AT_ONCE];
} Passing;

static inline uint64_t *words_of(Passing *passing, size_t n)
{
    return passing->words + n * passing->n_words;
}

/* Finds out which of some rows are counted, and in which group. */
static void choose(const Batch *batch, size_t from, size_t to, Passing *passing)
{
    size_t n = 0;
    for (size_t row = from; row < to; row++) {
        size_t key = (size_t)number_at(batch->keys, row);
        uint32_t group = key < batch->n_groups ? batch->groups[key] : NO_GROUP;
        bool is_counted = group != NO_GROUP
            && (batch->valid == NULL
                || (!is_null(batch->valid, row) && flag_at(batch->valid, row)));
        passing->rows[n] = row;
        *words_of(passing, n) = group;
        n += is_counted;
    }
    passing->n = n;
}

static void take_values(const Counts *counts, const Batch *batch, Passing *passing)
{
    for (size_t value = 0; value < counts->n_values; value++) {
        const Column *column = &batch->values[value];
        for (size_t n = 0; n < passing->n; n++) {
            bool is_missing = is_null(column, passing->rows[n]);
            uint64_t *words = words_of(passing, n);
            words[0] |= (uint64_t)is_missing << (NULLS_FROM + value);
            words[1 + value] = is_missing ? 0 : (uint64_t)number_at(column, passing->rows[n]);
        }
    }
}

static inline bool is_entry_of(const Counts *counts, const uint64_t *entry, const uint64_t *words)
{
    bool is_equal = (entry[0] & KEY) == words[0];
    for (size_t word = 1; word <= counts->n_values; word++)
        is_equal &= entry[word] == words[word];
    return is_equal;
}

static void find_entries(Counts *counts, Passing *passing)
{
    for (size_t n = 0; n < passing->n; n++) {
        passing->hashes[n] = hash_of_entry(counts, words_of(passing, n));
        PREFETCH(&counts->slots[slot_of(counts, passing->hashes[n])]);
    }
    /* Nearly always the first slot is the right one: its entry is on its way when it is looked at. */
    for (size_t n = 0; n < passing->n; n++) {
        uint64_t slot = counts->slots[slot_of(counts, passing->hashes[n])];
        if (slot != 0)
            PREFETCH(counts->entries + ((slot & PLACE) - 1) * counts->n_words);
    }
    size_t mask = ((size_t)1 << counts->slot_bits) - 1;
    for (size_t n = 0; n < passing->n; n++) {
        uint64_t hash = passing->hashes[n];
        const uint64_t *words = words_of(passing, n);
        uint64_t *entry;
        for (size_t at = slot_of(counts, hash);; at = (at + 1) & mask) {
            uint64_t slot = counts->slots[at];
            if (slot == 0) {
                entry = counts->entries + counts->n_entries * counts->n_words;
                memset(entry, 0, counts->n_words * sizeof *entry);
                memcpy(entry, words, passing->n_words * sizeof *entry);
                counts->slots[at] = as_slot(hash, counts->n_entries++);
                break;
            }
            if (((slot ^ hash) & ~PLACE) == 0) {
                entry = counts->entries + ((slot & PLACE) - 1) * counts->n_words;
                if (is_entry_of(counts, entry, words))
                    break;
            }
        }
        passing->entries[n] = entry;
    }
}

/* Adds to a sum of two words. */
static inline void add_to(uint64_t *sum, int64_t number)
{
    sum[0] += (uint64_t)number;
    sum[1] += (number < 0 ? UINT64_MAX : 0) + (sum[0] < (uint64_t)number);
}

static inline void take_extreme(uint64_t *entry, Measure measure, int64_t number)
{
    int64_t before = (int64_t)entry[measure.word];
    bool is_new = (entry[0] & measure.there) == 0
        || (measure.operation == LEAST ? number < before : number > before);
    entry[measure.word] = (uint64_t)(is_new ? number : before);
    entry[0] |= measure.there;
}

static void measure_rows(const Counts *counts, const Batch *batch, const Passing *passing)
{
    for (size_t m = 0; m < counts->n_measures; m++) {
        const Measure measure = counts->measures[m];
        const Column *column = &batch->measured[measure.column];
        for (size_t n = 0; n < passing->n; n++) {
            uint64_t *entry = passing->entries[n];
            if (measure.operation == ROWS) {
                entry[measure.word]++;
                continue;
            }
            size_t row = passing->rows[n];
            bool is_missing = is_null(column, row);
            if (measure.operation == NULLS)
                entry[measure.word] += is_missing;
            else if (is_missing)
                continue;
            else if (measure.operation == TRUES)
                entry[measure.word] += flag_at(column, row);
            else if (measure.operation == SUM)
                add_to(entry + measure.word, number_at(column, row));
            else
                take_extreme(entry, measure, number_at(column, row));
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
        take_values(counts, batch, &passing);
        find_entries(counts, &passing);
        measure_rows(counts, batch, &passing);
    }
    return true;
}

uint32_t group_of(const Counts *counts, size_t entry)
{
    return (uint32_t)counts->entries[entry * counts->n_words];
}

bool value_of(const Counts *counts, size_t entry, size_t value, int64_t *found)
{
    const uint64_t *words = counts->entries + entry * counts->n_words;
    *found = (int64_t)words[1 + value];
    return (words[0] >> (NULLS_FROM + value) & 1) == 0;
}

/* What a sum of two words is; what no 64 bits hold is the number that is next to it. */
static int64_t sum_of(const uint64_t *sum)
{
    bool is_negative = sum[1] >> 63;
    uint64_t sign = is_negative ? UINT64_MAX : 0;
    if (sum[1] == sign && sum[0] >> 63 == is_negative)
        return (int64_t)sum[0];
    return is_negative ? INT64_MIN : INT64_MAX;
}

bool measure_of(const Counts *counts, size_t entry, size_t m, int64_t *found)
{
    const uint64_t *words = counts->entries + entry * counts->n_words;
    const Measure measure = counts->measures[m];
    if (measure.operation == SUM) {
        *found = sum_of(words + measure.word);
        return true;
    }
    *found = (int64_t)words[measure.word];
    return !is_extreme(measure) || (words[0] & measure.there) != 0;
}

void free_counts(Counts *counts)
{
    free(counts->entries);
    free(counts->slots);
    counts->entries = counts->slots = NULL;
    counts->n_entries = counts->capacity = 0;
    counts->slot_bits = 0;
}
