/* Records of a batch: the key of each, and what it has for itself. */
#include "decoder.h"

const int64_t NO_INTEGER = INT64_MIN;
const uint32_t NO_TEXT = UINT32_MAX;

/* A key is: which columns were logged, its traits, then its integers, the lengths of its texts and
 * these. Nothing in it depends on the order of keys in an object. */
static size_t lengths_at(const Decoder *d)
{
    return sizeof(uint64_t) + sizeof(uint8_t) + d->n_integers * sizeof(int64_t);
}

static size_t texts_at(const Decoder *d) { return lengths_at(d) + d->n_texts * sizeof(uint32_t); }

Key key_of(const Decoder *d, uint32_t number)
{
    Span bytes = name_of(&d->keys, number);
    Key key = {
        .traits = bytes.at[sizeof(uint64_t)],
        .integers = bytes.at + sizeof(uint64_t) + sizeof(uint8_t),
        .lengths = bytes.at + lengths_at(d),
        .texts = bytes.at + texts_at(d),
    };
    memcpy(&key.logged, bytes.at, sizeof key.logged);
    return key;
}

/* What a column has in this record; nothing without a key for it. */
static const Value *value_of(const Decoder *d, size_t column)
{
    static const Value nothing = {.kind = MISSING};
    return d->has >> column & 1 ? &d->values[column] : &nothing;
}

static uint8_t traits_of(const Decoder *d)
{
    unsigned traits = 0;
    for (size_t i = 0; i < d->n_traits; i++) {
        const Value *value = value_of(d, d->traits[i].column);
        bool is_so = value->kind != MISSING;
        if (d->traits[i].is_zero)
            is_so = value->kind == INTEGER && value->as.number == 0;
        traits |= (unsigned)is_so << i;
    }
    return (uint8_t)traits;
}

/* Writes the key of the record; false if there is no memory. */
static bool make_key(Decoder *d, Span line, Origin origin, bool is_enveloped)
{
    enum { SHORT = 16 };
    /* Every text has room, since all are of the line or of its envelope. */
    d->key.size = 0;
    if (!reserve(&d->key, texts_at(d) + 2 * line.length + d->source_names.size + SHORT))
        return false;
    uint64_t logged = d->has & d->logged;
    uint8_t traits = traits_of(d);
    memcpy(d->key.data, &logged, sizeof logged);
    d->key.data[sizeof logged] = traits;
    d->key.size = texts_at(d);
    uint8_t *integers = d->key.data + sizeof logged + sizeof traits;
    for (size_t i = 0; i < d->n_integers; i++) {
        const Value *value = value_of(d, d->integers_of_key[i]);
        int64_t number = value->kind == INTEGER ? value->as.number : NO_INTEGER;
        memcpy(integers + i * sizeof number, &number, sizeof number);
    }
    size_t length_at = lengths_at(d);
    for (size_t i = 0; i < d->n_texts; i++, length_at += sizeof(uint32_t)) {
        int place = d->texts_of_key[i];
        const Value *value = value_of(d, (size_t)place);
        Span text = value->kind == TEXT ? value->as.text : (Span){0};
        uint32_t length = value->kind == TEXT ? (uint32_t)text.length : NO_TEXT;
        if (is_enveloped) {
            Span said = place == d->pod         ? origin.pod
                        : place == d->namespace ? origin.namespace
                        : place == d->container ? origin.container
                                                : (Span){0};
            if (said.length != 0) {
                text = said;
                length = (uint32_t)said.length;
            }
        }
        memcpy(d->key.data + length_at, &length, sizeof length);
        if (length == NO_TEXT)
            continue;
        /* Short ones are copied with what stands behind them, if that is of the line too. */
        uint8_t *to = d->key.data + d->key.size;
        if (length <= SHORT && text.at >= line.at && line.at + line.length - text.at >= SHORT)
            memcpy(to, text.at, SHORT);
        else if (length != 0)
            memcpy(to, text.at, length);
        d->key.size += length;
    }
    return true;
}

/* Writes a path as one that has the same path group: without its query, and with one number, one
 * UUID and one hash in the place of all. Those of more bytes than a group looks at stay. */
static Span shape_of(Span path, uint8_t *to)
{
    enum { LOOKED_AT = 512, UUID = 36, HASH = 16, DIGIT = 1, HEX = 2, END = 4 };
    static const uint8_t class[256] = {
        ['0'] = 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, ['A'] = HEX, HEX, HEX, HEX, HEX, HEX,
        ['a'] = HEX, HEX, HEX, HEX, HEX, HEX, ['/'] = END, ['?'] = END, ['#'] = END,
    };
    static const char uuid[] = "00000000-0000-0000-0000-000000000000";
    if (path.length > LOOKED_AT)
        return path;
    const uint8_t *at = path.at, *end = path.at + path.length;
    uint8_t *out = to;
    while (at < end && *at != '?' && *at != '#') {
        *out++ = *at;
        if (*at++ != '/')
            continue;
        const uint8_t *start = at;
        unsigned all = DIGIT | HEX;
        for (; at < end && class[*at] != END; at++)
            all &= class[*at];
        size_t length = (size_t)(at - start);
        bool is_uuid = length == UUID;
        for (size_t i = 0; i < UUID && is_uuid; i++)
            is_uuid = uuid[i] == '-' ? start[i] == '-' : (class[start[i]] & HEX) != 0;
        if (length != 0 && (all & DIGIT) != 0)
            *out++ = '0';
        else if (is_uuid) {
            memcpy(out, uuid, UUID);
            out += UUID;
        } else if (length >= HASH && (all & HEX) != 0) {
            memset(out, 'a', HASH); /* digits alone would be a number */
            out += HASH;
        } else if (length != 0) {
            memcpy(out, start, length);
            out += length;
        }
    }
    return (Span){to, (size_t)(out - to)};
}

static bool put_code(Output *codes, Names *names, Span name)
{
    uint32_t number = number_of(names, name);
    put_number(codes, number);
    return number != NO_NAME;
}

static bool put_shape(Column *column, const Value *value)
{
    uint8_t shape[512];
    if (value->kind == TEXT)
        return put_code(&column->shapes, &column->shape_names, shape_of(value->as.text, shape));
    put_null(&column->shapes);
    return true;
}

static bool put_row_value(Column *column, const Value *value)
{
    if (value->kind == MISSING)
        put_null(&column->output);
    else if (column->kind == ROW_TEXT)
        return put_text(&column->output, value->as.text);
    else if (column->kind == ROW_CODE)
        return put_code(&column->output, &column->names, value->as.text);
    else
        put_integer(&column->output, value->as.number);
    return true;
}

/* Makes room in all columns of rows for one more record. */
static bool make_room_for_record(Decoder *d)
{
    if (d->height < d->room)
        return true;
    size_t more = d->room != 0 ? d->room : 256;
    bool has_memory = make_room(&d->key_numbers, more) && make_room(&d->lines, more)
                      && make_room(&d->texts, more)
                      && make_room(&d->places, more);
    for (size_t i = 0; i < d->n_rows && has_memory; i++) {
        Column *column = &d->columns[d->of_rows[i]];
        has_memory = make_room(&column->output, more) && make_room(&column->shapes, more);
    }
    d->room += more;
    return has_memory;
}

/* Says where the record stands among those that have their seldom values; returns whether it does. */
static bool put_place(Decoder *d, uint32_t key)
{
    if (is_marked(&d->keys, key)) {
        put_null(&d->places);
        return false;
    }
    put_number(&d->places, d->n_placed++);
    return true;
}

bool put_record(Decoder *d, Span line, size_t number, Origin origin, bool is_enveloped)
{
    if (!make_room_for_record(d) || !make_key(d, line, origin, is_enveloped))
        return false;
    uint32_t key = number_of(&d->keys, (Span){d->key.data, d->key.size});
    if (key == NO_NAME || (d->keeps_lines && !put_text(&d->texts, line)))
        return false;
    put_number(&d->key_numbers, key);
    put_integer(&d->lines, (int64_t)number);
    bool is_placed = d->has_seldom && put_place(d, key);
    for (size_t i = 0; i < d->n_rows; i++) {
        Column *column = &d->columns[d->of_rows[i]];
        const Value *value = value_of(d, d->of_rows[i]);
        if ((column->with_shape && !put_shape(column, value))
            || ((!column->is_seldom || is_placed) && !put_row_value(column, value)))
            return false;
    }
    d->height++;
    return true;
}
