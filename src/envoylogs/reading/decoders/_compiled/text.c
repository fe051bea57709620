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

static bool take_operator(Decoder *d, Cursor *c, const Operator *o)
{
    if (!take_literal(c, o->literal, o->length))
        return false;
    const uint8_t *start = c->at;
    if (o->is_number && !take(c, '-')) {
        while (is_digit(peek(c)))
            c->at++;
        if (c->at == start)
            return false;
    } else if (!o->is_number)
        skip_to(c, o->ends);
    if (o->column < 0)
        return true;
    bool is_wanted = d->columns[o->column].kind != UNWANTED;
    Span text = {start, (size_t)(c->at - start)};
    if (is_wanted && !take_text_value(d, (size_t)o->column, o->rank, text))
        return false;
    d->has |= (uint64_t)1 << o->column;
    return true;
}

static bool fits(Decoder *d, Cursor c, const Format *format)
{
    d->has = 0;
    for (size_t i = 0; i < format->n_operators; i++)
        if (!take_operator(d, &c, &format->operators[i]))
            return false;
    if (!take_all(&c, format->last, format->last_length))
        return false;
    if (format->is_prefix)
        take(&c, '\r');
    else
        skip_space(&c);
    return left(&c) == 0;
}

bool read_text(Decoder *d, Cursor line)
{
    if (!begins_with_time(line) || !is_text(line))
        return false;
    /* In their order: a line whose values are empty may fit several. */
    for (size_t i = 0; i < d->n_formats; i++)
        if (fits(d, line, &d->formats[i]))
            return true;
    return false;
}
