/* The table of what was counted: entries by group and values; see ``Counts``. */
#ifndef ENVOYLOGS_ENTRIES_H
#define ENVOYLOGS_ENTRIES_H

#include "counts.h"

enum {
    NULLS_FROM = 32,
    THERE_FROM = NULLS_FROM + MOST_VALUES,
};

#define KEY ((UINT64_C(1) << THERE_FROM) - 1) /* of the first word */
#define GROUP ((uint64_t)UINT32_MAX)          /* likewise */
#define PLACE ((uint64_t)UINT32_MAX)          /* of a slot */

/* Makes room for as many entries as rows are counted at once; false if there is no memory. */
bool make_room(Counts *counts);

static inline bool is_extreme(Measure measure)
{
    return measure.operation == LEAST || measure.operation == MOST;
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

static inline void take_extreme(uint64_t *entry, Measure measure, int64_t number)
{
    int64_t before = (int64_t)entry[measure.word];
    bool is_new = (entry[0] & measure.there) == 0
        || (measure.operation == LEAST ? number < before : number > before);
    entry[measure.word] = (uint64_t)(is_new ? number : before);
    entry[0] |= measure.there;
}

#endif
