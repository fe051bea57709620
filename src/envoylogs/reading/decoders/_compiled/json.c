/* Objects of JSON: keys that are known, and values that can be taken as they stand. */
#include "decoder.h"

/* Told from both ends of a name: no table of a user is large, and its keys are not chosen to clash
 * but by whoever configures the proxy. */
static uint32_t slot_of(Span name)
{
    uint64_t first = 0, last = 0;
    if (name.length >= sizeof first) {
        memcpy(&first, name.at, sizeof first);
        memcpy(&last, name.at + name.length - sizeof last, sizeof last);
    } else if (name.length != 0)
        memcpy(&first, name.at, name.length);
    uint64_t mixed = (first ^ (last << 7 | last >> 57) ^ name.length) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(mixed >> 40) % (2 * MOST_FIELDS);
}

static bool is_named(const Field *field, Span name)
{
    return field->length == name.length && memcmp(field->quoted + 1, name.at, name.length) == 0;
}

/* Returns the place of a field, -1 if there is none of that name. */
static int place_of(const Decoder *d, Span name)
{
    uint32_t slot = slot_of(name);
    for (; d->slots[slot] != 0; slot = (slot + 1) % (2 * MOST_FIELDS))
        if (is_named(&d->fields[d->slots[slot] - 1], name))
            return d->slots[slot] - 1;
    return -1;
}

static void set_field(Field *field, Span name)
{
    *field = (Field){.length = name.length, .quoted = {'"'}};
    memcpy(field->quoted + 1, name.at, name.length);
    memcpy(field->quoted + 1 + name.length, "\":", 2);
}

bool add_field(Decoder *d, Span name, FieldMeaning meaning, uint8_t column, uint8_t rank,
               bool tells_record)
{
    if (d->n_fields == MOST_FIELDS || name.length > LONGEST_KEY || column >= MOST_COLUMNS
        || place_of(d, name) >= 0)
        return false;
    Field *field = &d->fields[d->n_fields];
    set_field(field, name);
    field->meaning = (uint8_t)meaning;
    field->kind = meaning == OF_COLUMN ? (uint8_t)d->columns[column].kind : UNWANTED;
    field->column = column;
    field->rank = rank;
    field->tells_record = tells_record;
    uint32_t slot = slot_of(name);
    while (d->slots[slot] != 0)
        slot = (slot + 1) % (2 * MOST_FIELDS);
    d->slots[slot] = (uint16_t)++d->n_fields;
    return true;
}

/* Notes a key that nothing is known of yet, to be told. */
static void note_new(Decoder *d, Span name)
{
    if (name.length > LONGEST_KEY || d->n_fields == MOST_FIELDS)
        return;
    set_field(&d->new_key, name);
    d->has_new_key = true;
}

/* Takes a key and its colon; returns the place of its field, -1 if it is not known or none. */
static int take_key(Decoder *d, Cursor *c)
{
    Span name;
    bool has_escapes;
    if (!take(c, '"') || !take_string(c, &name, &has_escapes) || has_escapes)
        return -1;
    int place = place_of(d, name);
    if (place < 0)
        note_new(d, name);
    skip_space(c);
    return take(c, ':') ? place : -1;
}

static bool without_escapes(Decoder *d, Span *text)
{
    /* There is room for the whole line, so that no text is moved. */
    size_t length;
    uint8_t *to = d->unescaped.data + d->unescaped.size;
    if (!unescape(*text, to, &length))
        return false;
    d->unescaped.size += length;
    *text = (Span){to, length};
    return true;
}

static inline bool take_value(Decoder *d, Cursor *c, const Field *field)
{
    bool is_wanted = field->kind != UNWANTED;
    if (peek(c) <= ' ')
        skip_space(c);
    if (take(c, '"')) {
        Span text;
        bool has_escapes;
        return take_string(c, &text, &has_escapes) && (!has_escapes || without_escapes(d, &text))
               && (!is_wanted || take_text_value(d, field->column, field->rank, text));
    }
    int first = peek(c);
    if (first == '-' || is_digit(first)) {
        Number number;
        return take_number(c, &number)
               && (!is_wanted || take_number_value(d, field->column, field->rank, number));
    }
    if (take_all(c, "null", 4))
        return !is_wanted || take_missing(d, field->column, field->rank);
    return !is_wanted && (take_all(c, "true", 4) || take_all(c, "false", 5));
}

/* Takes the key that is expected here, or any other; returns its field, null if it is not known. */
static inline Field *take_field(Decoder *d, Cursor *c, uint16_t *expected)
{
    Field *field = &d->fields[*expected];
    if (field->length != 0 && take_padded(c, field->quoted, field->length + 3))
        return field;
    skip_space(c);
    int place = take_key(d, c);
    if (place < 0)
        return NULL;
    *expected = (uint16_t)place;
    return &d->fields[place];
}

/* Notes that there was a key of no column; false if such lines are handed back. */
static bool take_unused(Decoder *d, const Field *field)
{
    size_t place = (size_t)(field - d->fields);
    d->has_unused[place / 64] |= (uint64_t)1 << place % 64;
    return field->meaning == OF_NO_COLUMN && !d->refuses_unused;
}

bool read_object(Decoder *d, Cursor c)
{
    bool tells_record = false;
    skip_space(&c);
    if (!take(&c, '{'))
        return false;
    /* Which key comes next is what came next the last time, if it is there. */
    uint16_t *next = &d->first_field;
    do {
        Field *field = take_field(d, &c, next);
        if (field == NULL)
            return false;
        if (field->line == d->n_line)
            return false; /* of two values of one key the last is meant */
        field->line = d->n_line;
        tells_record |= field->tells_record;
        next = &field->next;
        if (!take_value(d, &c, field))
            return false;
        if (field->meaning == OF_COLUMN)
            d->has |= (uint64_t)1 << field->column;
        else if (!take_unused(d, field))
            return false;
        if (peek(&c) <= ' ')
            skip_space(&c);
    } while (take(&c, ','));
    if (!take(&c, '}'))
        return false;
    skip_space(&c);
    return left(&c) == 0 && tells_record;
}
