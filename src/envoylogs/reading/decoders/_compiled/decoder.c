#include "decoder.h"

const int64_t NO_INTEGER = INT64_MIN;
const uint32_t NO_TEXT = UINT32_MAX;

void begin(Decoder *d, const uint64_t seed[2])
{
    d->pod = d->namespace = d->container = -1;
    memcpy(d->keys.seed, seed, sizeof d->keys.seed);
    d->key_numbers.type = NUMBERS;
    d->lines.type = INTEGERS;
    d->texts.type = BYTES;
}

bool add_column(Decoder *d, ColumnKind kind, int64_t least, int64_t most, bool with_shape)
{
    if (d->n_columns == MOST_COLUMNS || d->is_laid_out)
        return false;
    Column *column = &d->columns[d->n_columns++];
    column->kind = kind;
    column->least = least;
    column->most = most;
    column->with_shape = with_shape;
    column->output.type = kind == ROW_TIME      ? TIMES
                          : kind == ROW_INTEGER ? INTEGERS
                          : kind == ROW_CODE    ? NUMBERS
                                                : TEXTS;
    column->shapes.type = NUMBERS;
    memcpy(column->names.seed, d->keys.seed, sizeof d->keys.seed);
    memcpy(column->shape_names.seed, d->keys.seed, sizeof d->keys.seed);
    return true;
}

bool begin_source(Decoder *d, Origin origin)
{
    Span *spans[] = {&origin.pod, &origin.namespace, &origin.container};
    d->source_names.size = 0;
    d->of_source = (Origin){0};
    if (!reserve(&d->source_names,
                 origin.pod.length + origin.namespace.length + origin.container.length))
        return false;
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *copy = d->source_names.data + d->source_names.size;
        append(&d->source_names, spans[i]->at, spans[i]->length);
        spans[i]->at = copy;
    }
    d->of_source = origin;
    return true;
}

static bool is_text_of_key(const Column *column)
{
    return column->kind == KEY_TEXT || column->kind == KEY_WORD;
}

/* A key is: which columns were logged, its traits, then its integers, the lengths of its texts and
 * these. Nothing in it depends on the order of keys in an object. */
bool lay_out(Decoder *d)
{
    if (d->is_laid_out)
        return false;
    d->is_laid_out = true;
    for (size_t i = 0; i < d->n_columns; i++) {
        Column *column = &d->columns[i];
        if (is_text_of_key(column)) {
            d->texts_of_key[d->n_texts] = (uint8_t)i;
            column->place = d->n_texts++;
        } else if (column->kind == KEY_INTEGER) {
            d->integers_of_key[d->n_integers] = (uint8_t)i;
            column->place = d->n_integers++;
        } else if (column->kind >= ROW_TEXT)
            d->of_rows[d->n_rows++] = (uint8_t)i;
    }
    next_batch(d);
    return true;
}

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

/* Reads a time; within a second of a log only its decimals differ. */
static bool take_cached_time(Decoder *d, Span text, int64_t *us)
{
    enum { USUAL = SECOND + 4 }; /* with three decimals and Z */
    Cursor c = {text.at, text.at + text.length};
    int decimals;
    if (text.length == USUAL && memcmp(text.at, d->second, SECOND) == 0) {
        c.at += SECOND;
        *us = d->second_us;
        if (!take_fixed(&c, 3, &decimals) || !take(&c, 'Z'))
            return false;
        *us += decimals * 1000;
        return true;
    }
    if (!take_time(&c, us) || left(&c) != 0)
        return false;
    memcpy(d->second, text.at, SECOND);
    d->second_us = *us - *us % 1000000;
    return true;
}

/* Takes the value of another key of a column: the first that has any counts.
 *
 * Returns: whether it is known which of the two comes first.
 */
static bool take_another(Value *before, Value value)
{
    if (before->rank == value.rank)
        return false;
    if (value.kind != MISSING && (before->kind == MISSING || value.rank < before->rank))
        *before = value;
    return true;
}

static inline bool take_as(Decoder *d, size_t column, Value value)
{
    if (d->has >> column & 1)
        return take_another(&d->values[column], value);
    d->values[column] = value;
    return true;
}

bool take_missing(Decoder *d, size_t column, uint8_t rank)
{
    return take_as(d, column, (Value){.kind = MISSING, .rank = rank});
}

static bool take_integer(Decoder *d, size_t column, uint8_t rank, int64_t number)
{
    const Column *of = &d->columns[column];
    return number >= of->least && number <= of->most
           && take_as(d, column, (Value){.kind = INTEGER, .rank = rank, .as.number = number});
}

bool take_number_value(Decoder *d, size_t column, uint8_t rank, Number number)
{
    ColumnKind kind = d->columns[column].kind;
    return (kind == KEY_INTEGER || kind == ROW_INTEGER) && number.is_whole
           && take_integer(d, column, rank, number.value);
}

bool take_text_value(Decoder *d, size_t column, uint8_t rank, Span text)
{
    if (text.length == 0 || (text.length == 1 && *text.at == '-'))
        return take_missing(d, column, rank);
    ColumnKind kind = d->columns[column].kind;
    if (kind == KEY_TEXT || kind == ROW_TEXT || kind == ROW_CODE)
        return take_as(d, column, (Value){.kind = TEXT, .rank = rank, .as.text = text});
    if (kind == KEY_WORD)
        return memchr(text.at, ' ', text.length) == NULL
               && take_as(d, column, (Value){.kind = TEXT, .rank = rank, .as.text = text});
    int64_t number;
    if (kind == ROW_TIME)
        return take_cached_time(d, text, &number)
               && take_as(d, column, (Value){.kind = INTEGER, .rank = rank, .as.number = number});
    Cursor c = {text.at, text.at + text.length};
    return take_digits(&c, &number) && left(&c) == 0 && take_integer(d, column, rank, number);
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
    if (column->with_shape && !put_shape(column, value))
        return false;
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
                      && make_room(&d->texts, more);
    for (size_t i = 0; i < d->n_rows && has_memory; i++) {
        Column *column = &d->columns[d->of_rows[i]];
        has_memory = make_room(&column->output, more) && make_room(&column->shapes, more);
    }
    d->room += more;
    return has_memory;
}

/* Adds the record to the batch; false if there is no memory. */
static bool put_record(Decoder *d, Span line, size_t number, Origin origin, bool is_enveloped)
{
    if (!make_room_for_record(d) || !make_key(d, line, origin, is_enveloped)
        || !put_code(&d->key_numbers, &d->keys, (Span){d->key.data, d->key.size})
        || (d->keeps_lines && !put_text(&d->texts, line)))
        return false;
    put_integer(&d->lines, (int64_t)number);
    for (size_t i = 0; i < d->n_rows; i++)
        if (!put_row_value(&d->columns[d->of_rows[i]], value_of(d, d->of_rows[i])))
            return false;
    d->height++;
    return true;
}

void settle_counts(Decoder *d)
{
    for (size_t i = 0; i < d->n_columns; i++)
        if (d->alike_has >> i & 1)
            d->columns[i].seen += d->n_alike;
    for (size_t i = 0; i < d->n_fields; i++)
        if (d->alike_unused[i / 64] >> i % 64 & 1)
            d->fields[i].seen += d->n_alike;
    d->n_alike = 0;
}

/* Counts the keys of the record; mostly they are those of the one before. */
static void count_keys(Decoder *d)
{
    if (d->has != d->alike_has
        || memcmp(d->has_unused, d->alike_unused, sizeof d->has_unused) != 0) {
        settle_counts(d);
        d->alike_has = d->has;
        memcpy(d->alike_unused, d->has_unused, sizeof d->has_unused);
    }
    d->n_alike++;
}

/* Reads a line, which is in no record of the batch yet; false if it is not surely a record. */
static bool read_line(Decoder *d, Cursor line, Envelope *envelope, Origin *origin)
{
    d->has = 0;
    d->n_line++;
    memset(d->has_unused, 0, sizeof d->has_unused);
    d->unescaped.size = 0;
    *envelope = BARE;
    *origin = (Origin){0};
    if (peek(&line) != '{' && !take_envelope(d, &line, envelope, origin))
        return false;
    if (*envelope == BARE)
        for (size_t i = 0; i < d->n_heads; i++) {
            Cursor c = line;
            if (take_all(&c, d->heads[i], HEAD))
                return false; /* there may be another line inside */
        }
    return peek(&line) == '[' ? read_text(d, line) : read_object(d, line);
}

static bool read_run(Decoder *d, Span data, size_t *at, size_t number, Progress *progress)
{
    *progress = (Progress){0};
    d->has_new_key = false;
    Cursor rest = {data.at + *at, data.at + data.length};
    for (bool is_last = false; !is_last;) {
        const uint8_t *feed = left(&rest) ? memchr(rest.at, '\n', left(&rest)) : NULL;
        Span line = {rest.at, feed != NULL ? (size_t)(feed - rest.at) : left(&rest)};
        is_last = feed == NULL;
        Envelope envelope;
        Origin origin;
        if (!reserve(&d->unescaped, line.length))
            return false;
        bool is_record = read_line(d, (Cursor){line.at, line.at + line.length}, &envelope, &origin);
        if (d->has_new_key || (is_record && progress->run_lines != 0))
            return true; /* this line is read again, later */
        if (is_record) {
            if (!put_record(d, line, number + progress->records, origin, envelope != BARE))
                return false;
            count_keys(d);
            d->enveloped[envelope]++;
            progress->records++;
        } else {
            if (progress->run_lines++ == 0)
                progress->run_start = *at;
            progress->run_end = *at + line.length;
        }
        *at += line.length + 1;
        rest.at = is_last ? rest.end : feed + 1;
    }
    return true;
}

bool read_lines(Decoder *d, Span data, size_t *at, size_t number, Progress *progress)
{
    d->has_failed = d->has_failed || !read_run(d, data, at, number, progress);
    return !d->has_failed;
}

void next_batch(Decoder *d)
{
    d->has_failed = false;
    begin_batch(&d->keys);
    free_output(&d->key_numbers);
    free_output(&d->lines);
    free_output(&d->texts);
    d->height = d->room = d->n_alike = 0;
    for (size_t i = 0; i < d->n_columns; i++) {
        Column *column = &d->columns[i];
        begin_batch(&column->names);
        begin_batch(&column->shape_names);
        free_output(&column->output);
        free_output(&column->shapes);
        column->seen = 0;
    }
    for (size_t i = 0; i < d->n_fields; i++)
        d->fields[i].seen = 0;
}

void end(Decoder *d)
{
    next_batch(d);
    free_names(&d->keys);
    release(&d->key);
    release(&d->unescaped);
    release(&d->source_names);
    for (size_t i = 0; i < d->n_columns; i++) {
        free_names(&d->columns[i].names);
        free_names(&d->columns[i].shape_names);
    }
}
