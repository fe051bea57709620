#include "decoder.h"

void begin(Decoder *d, const uint64_t seed[2])
{
    d->pod = d->namespace = d->container = -1;
    memcpy(d->keys.seed, seed, sizeof d->keys.seed);
    d->key_numbers.type = NUMBERS;
    d->lines.type = INTEGERS;
    d->texts.type = BYTES;
    d->places.type = NUMBERS;
}

bool add_column(Decoder *d, ColumnKind kind, int64_t least, int64_t most, bool with_shape,
                bool is_seldom)
{
    if (d->n_columns == MOST_COLUMNS || d->is_laid_out)
        return false;
    Column *column = &d->columns[d->n_columns++];
    column->kind = kind;
    column->least = least;
    column->most = most;
    column->with_shape = with_shape;
    column->is_seldom = is_seldom && kind >= ROW_TEXT;
    d->has_seldom |= column->is_seldom;
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

size_t size_of_batch(const Decoder *d)
{
    size_t size = size_of(&d->key_numbers) + size_of(&d->lines) + size_of(&d->texts)
                  + size_of(&d->places);
    for (size_t i = 0; i < d->n_rows; i++) {
        const Column *column = &d->columns[d->of_rows[i]];
        size += size_of(&column->output) + size_of(&column->shapes);
    }
    return size;
}

bool mark_keys(Decoder *d, const uint8_t *marks, size_t n)
{
    return d->height == 0 && mark_last(&d->keys, marks, n);
}

void next_batch(Decoder *d)
{
    d->has_failed = false;
    begin_batch(&d->keys);
    free_output(&d->key_numbers);
    free_output(&d->lines);
    free_output(&d->texts);
    free_output(&d->places);
    d->height = d->room = d->n_alike = d->n_placed = 0;
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
