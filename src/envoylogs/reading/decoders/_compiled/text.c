/* Lines of TEXT formats. */
#include "decoder.h"

/* Tells whether a line is text in UTF-8 without a zero byte. */
static bool is_text(Cursor c)
{
    for (skip_ascii(&c); left(&c) != 0; skip_ascii(&c))
        if (!take_utf8(&c))
            return false;
    return true;
}

/* Tells whether a line begins as all default formats do: [2026-11-28T12:30:05.123Z] " */
static bool begins_with_time(Cursor c)
{
    enum { LONGEST = 40 };
    int digits;
    if (!take_all(&c, "[20", 3) || !take_fixed(&c, 2, &digits) || !take(&c, '-'))
        return false;
    const uint8_t *start = c.at;
    while (left(&c) != 0 && *c.at > ' ' && *c.at < 0x7F && *c.at != ']')
        c.at++;
    size_t length = (size_t)(c.at - start);
    return length >= 2 && length <= LONGEST && start[length - 1] == 'Z' && take_all(&c, "] \"", 3);
}

/* Takes a literal, which is a few bytes. */
static inline bool take_literal(Cursor *c, const uint8_t *literal, size_t length)
{
    if (left(c) < length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (c->at[i] != literal[i])
            return false;
    c->at += length;
    return true;
}

/* Takes a value as long as it can be; false if there can be none. */
static inline bool take_longest(Cursor *c, const Operator *o)
{
    const uint8_t *start = c->at;
    if (o->is_number) {
        if (take(c, '-'))
            return true;
        while (is_digit(peek(c)))
            c->at++;
        return c->at != start;
    }
    if (o->has_ends)
        skip_to(c, o->ends);
    else
        c->at = c->end;
    return true;
}

/* Tells whether a line may end behind the last value. */
static bool ends_here(const Format *format, Cursor c)
{
    if (!take_all(&c, format->last, format->last_length))
        return false;
    if (format->is_prefix)
        take(&c, '\r');
    else
        skip_space(&c);
    return left(&c) == 0;
}

/* Each value ends where it has to: at a byte that it can't hold. */
static bool fits(const Format *format, Cursor c, Span *values)
{
    for (size_t i = 0; i < format->n_operators; i++) {
        if (!take_literal(&c, format->operators[i].literal, format->operators[i].length))
            return false;
        values[i].at = c.at;
        if (!take_longest(&c, &format->operators[i]))
            return false;
        values[i].length = (size_t)(c.at - values[i].at);
    }
    return ends_here(format, c);
}

/* Tells whether what stands there may be what follows the values before an operator. */
static inline bool may_go_on(const Format *format, size_t i, Cursor c)
{
    bool is_literal = i + (format->is_last_free ? 1 : 0) < format->n_operators;
    return !is_literal || take_literal(&c, format->operators[i].literal, format->operators[i].length);
}

/* Finds where values end by trying, in the order in which a regular expression does: a short value
 * from nothing on, another one from its longest down. So the first that fits is the same. */
static bool fits_by_trying(const Format *format, size_t i, Cursor c, Span *values, size_t *tries)
{
    if (*tries == 0)
        return false;
    --*tries;
    if (i == format->n_operators)
        return ends_here(format, c);
    const Operator *o = &format->operators[i];
    Cursor before = c;
    if (take_literal(&c, o->literal, o->length)) {
        const uint8_t *start = c.at;
        size_t longest = take_longest(&c, o) ? (size_t)(c.at - start) + 1 : 0;
        /* Nothing that stands behind a number begins with a digit. */
        size_t n = o->is_number && longest != 0 ? 1 : longest;
        for (size_t k = 0; k < n; k++) {
            size_t length = o->is_short ? k : longest - 1 - k;
            Cursor behind = {start + length, c.end};
            values[i] = (Span){start, length};
            if (may_go_on(format, i + 1, behind)
                && fits_by_trying(format, i + 1, behind, values, tries))
                return true;
        }
    }
    values[i] = (Span){before.at, 0};
    return format->is_last_free && i + 1 == format->n_operators && ends_here(format, before);
}

/* Takes the values of a line; false if there is one that can't be taken as it stands. */
static bool take_values(Decoder *d, const Format *format, const Span *values)
{
    d->has = 0;
    for (size_t i = 0; i < format->n_operators; i++) {
        const Operator *o = &format->operators[i];
        if (o->column < 0)
            continue;
        bool is_wanted = d->columns[o->column].kind != UNWANTED;
        if (is_wanted && !take_text_value(d, (size_t)o->column, o->rank, values[i]))
            return false;
        d->has |= (uint64_t)1 << o->column;
    }
    return true;
}

bool read_text(Decoder *d, Cursor line)
{
    /* What takes more tries is read by somebody who needs none. */
    size_t tries = 256;
    Span values[MOST_OPERATORS];
    if (!begins_with_time(line) || !is_text(line))
        return false;
    /* In their order: a line whose values are empty, or hold anything, may fit several. */
    for (size_t i = 0; i < d->n_formats; i++) {
        const Format *format = &d->formats[i];
        if (format->is_lenient ? fits_by_trying(format, 0, line, values, &tries)
                               : fits(format, line, values))
            return take_values(d, format, values);
    }
    return false;
}
