/* What was counted: added up, and read. */
#include "entries.h"

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
            else if (change.values != NULL)
                words[1 + value] = (uint64_t)change.values[n];
        }
        add_entry(counts, entry_of(counts, words, hash_of_words(counts->factors, words, n_key)), entry);
    }
    return true;
}

bool put_value(Counts *counts, size_t value, const int64_t *values)
{
    Counts changed = *counts;
    changed.entries = changed.slots = NULL;
    changed.n_entries = changed.capacity = 0;
    changed.slot_bits = 0;
    Change changes[1 + MOST_VALUES] = {0};
    changes[1 + value].values = values;
    if (!add_counts(&changed, counts, changes)) {
        free_counts(&changed);
        return false;
    }
    free_counts(counts);
    *counts = changed;
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
