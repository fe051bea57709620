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
static const uint64_t GROUP = UINT32_MAX;                    /* of the first word */
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
static inline uint64_t hash_of_words(const uint64_t *factors, const uint64_t *words, size_t n)
{
    uint64_t hash = factors[0] * (words[0] & KEY);
    for (size_t word = 1; word < n; word++)
        hash += factors[word] * words[word];
    return hash;
}

static inline size_t slot_of(unsigned slot_bits, uint64_t hash)
{
    return (size_t)(hash >> (64 - slot_bits));
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
        const uint64_t *entry = entries + n * counts->n_words;
        uint64_t hash = hash_of_words(counts->factors, entry, 1 + counts->n_values);
        size_t at = slot_of(bits, hash);
        while (slots[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = as_slot(hash, n);
    }
    return true;
}

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

static inline bool is_entry_of(const uint64_t *entry, const uint64_t *words, size_t n_words)
{
    bool is_equal = (entry[0] & KEY) == words[0];
    for (size_t word = 1; word < n_words; word++)
        is_equal &= entry[word] == words[word];
    return is_equal;
}

/* Returns the entry of a group and values, which is a new one if they were not met before. */
static inline uint64_t *entry_of(Counts *counts, const uint64_t *words, uint64_t hash)
{
    const size_t n_key = 1 + counts->n_values;
    const size_t mask = ((size_t)1 << counts->slot_bits) - 1;
    for (size_t at = slot_of(counts->slot_bits, hash);; at = (at + 1) & mask) {
        uint64_t slot = counts->slots[at];
        if (slot == 0) {
            uint64_t *entry = counts->entries + counts->n_entries * counts->n_words;
            memset(entry, 0, counts->n_words * sizeof *entry);
            memcpy(entry, words, n_key * sizeof *entry);
            counts->slots[at] = as_slot(hash, counts->n_entries++);
            return entry;
        }
        if (((slot ^ hash) & ~PLACE) == 0) {
            uint64_t *entry = counts->entries + ((slot & PLACE) - 1) * counts->n_words;
            if (is_entry_of(entry, words, n_key))
                return entry;
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

/* Adds what one entry has measured to another one. */
static void add_entry(const Counts *counts, uint64_t *to, const uint64_t *from)
{
    for (size_t m = 0; m < counts->n_measures; m++) {
        const Measure measure = counts->measures[m];
        const uint64_t *found = from + measure.word;
        if (measure.operation == SUM) {
            uint64_t *sum = to + measure.word;
            sum[0] += found[0];
            sum[1] += found[1] + (sum[0] < found[0]);
        } else if (!is_extreme(measure))
            to[measure.word] += *found;
        else if (from[0] & measure.there)
            take_extreme(to, measure, (int64_t)*found);
    }
}

/* Brings a number down to the next multiple of a width. */
static uint64_t floored(uint64_t word, int64_t width)
{
    int64_t rest = (int64_t)word % width;
    return word - (uint64_t)(rest < 0 ? rest + width : rest);
}

bool add_counts(Counts *counts, const Counts *more, const Change *changes)
{
    const size_t n_key = 1 + counts->n_values;
    uint64_t words[1 + MOST_VALUES];
    for (size_t n = 0; n < more->n_entries; n++) {
        const uint64_t *entry = more->entries + n * more->n_words;
        if (n % AT_ONCE == 0 && !make_room(counts))
            return false;
        memcpy(words, entry, n_key * sizeof *words);
        words[0] &= KEY;
        uint64_t missing = words[0] & ~GROUP;
        if (changes[0].numbers != NULL)
            words[0] = missing | changes[0].numbers[words[0] & GROUP];
        for (size_t value = 0; value < counts->n_values; value++) {
            const Change change = changes[1 + value];
            if ((missing >> (NULLS_FROM + value) & 1) != 0)
                continue;
            if (change.numbers != NULL)
                words[1 + value] = change.numbers[words[1 + value]];
            else if (change.width != 0)
                words[1 + value] = floored(words[1 + value], change.width);
        }
        add_entry(counts, entry_of(counts, words, hash_of_words(counts->factors, words, n_key)), entry);
    }
    return true;
}

bool floor_value(Counts *counts, size_t value, int64_t width)
{
    Counts wider = *counts;
    wider.entries = wider.slots = NULL;
    wider.n_entries = wider.capacity = 0;
    wider.slot_bits = 0;
    Change changes[1 + MOST_VALUES] = {0};
    changes[1 + value].width = width;
    if (!add_counts(&wider, counts, changes)) {
        free_counts(&wider);
        return false;
    }
    free_counts(counts);
    *counts = wider;
    return true;
}

bool holds_less_than(const Counts *counts, size_t place, size_t n)
{
    for (size_t entry = 0; entry < counts->n_entries; entry++) {
        const uint64_t *words = counts->entries + entry * counts->n_words;
        bool is_missing = place != 0 && (words[0] >> (NULLS_FROM + place - 1) & 1) != 0;
        if (!is_missing && (place == 0 ? words[0] & GROUP : words[place]) >= n)
            return false;
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
