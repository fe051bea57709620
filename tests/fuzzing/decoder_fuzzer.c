/* A libFuzzer target: the compiled decoder without Python, on lines of any kind.
 *
 * It is told what CompiledDecoder tells it, by tables that configuration.py has recorded. The first
 * bytes of an input choose among these, and how the lines behind them are cut. Each block is read
 * from memory that is exactly as long as it is, so that AddressSanitizer sees whoever reads past
 * its end.
 */
#include <stdio.h>

#include "arrow.h"
#include "decoder.h"

#define HOLDS(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            fprintf(stderr, "does not hold, line %d: %s\n", __LINE__, #condition); \
            abort();                                                            \
        }                                                                       \
    } while (0)

/* ---- How decoders are told what they know ---- */

typedef struct {
    Span name;
    FieldMeaning meaning;
    uint8_t column, rank;
    bool tells_record;
} KnownKey;

typedef struct {
    void (*configure)(Decoder *d);
    const KnownKey *keys;
    size_t n_keys;
} Configuration;

#define BYTES_OF(text) {(const uint8_t *)(text), sizeof(text) - 1}

static void add_trait(Decoder *d, uint8_t column, bool is_zero)
{
    HOLDS(d->n_traits < MOST_TRAITS);
    d->traits[d->n_traits++] = (Trait){column, is_zero};
}

static void add_head(Decoder *d, Span head)
{
    HOLDS(d->n_heads < MOST_HEADS && head.length == HEAD);
    memcpy(d->heads[d->n_heads++], head.at, HEAD);
}

static void add_format(Decoder *d, Span last, bool is_prefix, bool is_lenient, bool is_last_free)
{
    HOLDS(d->n_formats < MOST_FORMATS && last.length <= MOST_LITERAL);
    Format *format = &d->formats[d->n_formats++];
    *format = (Format){.is_prefix = is_prefix, .is_lenient = is_lenient,
                       .is_last_free = is_last_free, .last_length = last.length};
    memcpy(format->last, last.at, last.length);
}

static void add_operator(Decoder *d, Span literal, bool is_number, Span ends, bool is_short,
                         int column, uint8_t rank)
{
    Format *format = &d->formats[d->n_formats - 1];
    HOLDS(format->n_operators < MOST_OPERATORS && literal.length <= MOST_LITERAL);
    HOLDS((ends.length != 0 || format->is_lenient) && ends.length <= MOST_ENDS);
    Operator *o = &format->operators[format->n_operators++];
    *o = (Operator){.length = literal.length, .is_number = is_number, .is_short = is_short,
                    .has_ends = ends.length != 0, .column = column, .rank = rank};
    memcpy(o->literal, literal.at, literal.length);
    for (size_t i = 0; i < MOST_ENDS && ends.length != 0; i++)
        o->ends[i] = ends.at[i < ends.length ? i : ends.length - 1];
}

#include "decoder_configurations.h"

/* ---- Memory that runs out ---- */

static size_t n_until_failure; /* 0 for never */

static bool fails(void) { return n_until_failure != 0 && --n_until_failure == 0; }

void *__real_realloc(void *at, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_realloc(void *at, size_t size) { return fails() ? NULL : __real_realloc(at, size); }

void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }

/* ---- What must hold of a batch ---- */

/* Written apart from take_utf8: a character is decoded, and what it may be is asked afterwards. */
static bool is_utf8(Span text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < text.length;) {
        uint8_t first = text.at[i++];
        size_t more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : 3;
        if (more == 3 && first >> 3 != 30)
            return false;
        uint32_t character = more == 0 ? first : first & (0x3Fu >> more);
        for (size_t n = 0; n < more; n++, i++) {
            if (i == text.length || text.at[i] >> 6 != 2)
                return false;
            character = character << 6 | (text.at[i] & 0x3Fu);
        }
        if (character < least[more] || character > 0x10FFFF
            || (character >= 0xD800 && character <= 0xDFFF))
            return false;
    }
    return true;
}

static void check_texts(const Output *column)
{
    size_t in_buffer = 0;
    HOLDS(column->values.size == height_of(column) * sizeof(View));
    for (size_t i = 0; i < height_of(column); i++) {
        View view;
        memcpy(&view, column->values.data + i * sizeof view, sizeof view);
        if (!column->valid.data[i])
            continue;
        HOLDS(view.length >= 0);
        Span text = {view.as.itself, (size_t)view.length};
        if (text.length > sizeof view.as.itself) {
            HOLDS(view.as.elsewhere.buffer == 0 && view.as.elsewhere.offset >= 0);
            HOLDS((size_t)view.as.elsewhere.offset == in_buffer);
            text.at = column->text.data + in_buffer;
            in_buffer += text.length;
            HOLDS(in_buffer <= column->text.size);
            HOLDS(memcmp(text.at, view.as.elsewhere.beginning, 4) == 0);
        }
        HOLDS(column->type == BYTES || is_utf8(text));
    }
    HOLDS(in_buffer == column->text.size);
}

static void check_numbers(const Output *column, size_t n_names)
{
    HOLDS(column->values.size == height_of(column) * sizeof(uint32_t));
    for (size_t i = 0; i < height_of(column); i++) {
        uint32_t number;
        memcpy(&number, column->values.data + i * sizeof number, sizeof number);
        HOLDS(!column->valid.data[i] || number < n_names);
    }
}

static void check_integers(const Output *column, int64_t least, int64_t most)
{
    HOLDS(column->values.size == height_of(column) * sizeof(int64_t));
    for (size_t i = 0; i < height_of(column); i++) {
        int64_t value;
        memcpy(&value, column->values.data + i * sizeof value, sizeof value);
        HOLDS(!column->valid.data[i] || (value >= least && value <= most));
    }
}

static void check_names(const Names *names)
{
    HOLDS(names->n_met <= names->size && names->size <= names->capacity);
    for (uint32_t number = 0; number < names->n_met; number++)
        HOLDS(is_utf8(name_of(names, number)));
}

static void check_keys(const Decoder *d)
{
    for (uint32_t number = 0; number < d->keys.n_met; number++) {
        Key key = key_of(d, number);
        HOLDS((key.logged & ~d->logged) == 0);
        HOLDS(key.traits >> d->n_traits == 0);
        for (size_t i = 0; i < d->n_integers; i++) {
            const Column *column = &d->columns[d->integers_of_key[i]];
            int64_t value;
            memcpy(&value, key.integers + i * sizeof value, sizeof value);
            HOLDS(value == NO_INTEGER || (value >= column->least && value <= column->most));
        }
        const uint8_t *text = key.texts;
        for (size_t i = 0; i < d->n_texts; i++) {
            uint32_t length;
            memcpy(&length, key.lengths + i * sizeof length, sizeof length);
            if (length == NO_TEXT)
                continue;
            HOLDS(length != 0 && is_utf8((Span){text, length}));
            text += length;
        }
        Span bytes = name_of(&d->keys, number);
        HOLDS(text == bytes.at + bytes.length);
    }
}

/* Hands a column over as Python does, and lets it go again. */
static void check_export(Output *column)
{
    size_t height = height_of(column), nulls = 0;
    for (size_t i = 0; i < height; i++)
        nulls += !column->valid.data[i];
    HOLDS(nulls == column->nulls);
    struct ArrowArray array;
    HOLDS(export_array(column, &array));
    HOLDS(array.length == (int64_t)height && array.null_count == (int64_t)nulls);
    HOLDS((array.buffers[0] != NULL) == (nulls != 0) && height_of(column) == 0);
    const uint8_t *is_valid = array.buffers[0];
    for (size_t i = 0; i < height && is_valid != NULL; i++)
        nulls -= !(is_valid[i / 8] >> i % 8 & 1);
    HOLDS(is_valid == NULL || nulls == 0);
    array.release(&array);
}

static void check_batch(Decoder *d, size_t records, uint64_t last_line)
{
    enum { DAYS = (2262 - 1970) * 366 };
    size_t until_failure = n_until_failure;
    n_until_failure = 0;
    settle_counts(d);
    HOLDS(d->height == records);
    HOLDS(height_of(&d->key_numbers) == records && height_of(&d->lines) == records);
    HOLDS(height_of(&d->texts) == (d->keeps_lines ? records : 0));
    check_numbers(&d->key_numbers, d->keys.n_met);
    check_integers(&d->lines, 1, (int64_t)last_line);
    HOLDS(d->n_placed <= records);
    HOLDS(height_of(&d->places) == (d->has_seldom ? records : 0));
    HOLDS(d->places.nulls == (d->has_seldom ? records - d->n_placed : 0));
    check_numbers(&d->places, d->n_placed);
    if (d->keeps_lines)
        check_texts(&d->texts);
    check_keys(d);
    for (size_t i = 0; i < d->n_columns; i++) {
        Column *column = &d->columns[i];
        bool is_row = column->kind >= ROW_TEXT;
        size_t height = column->is_seldom ? d->n_placed : records;
        HOLDS(height_of(&column->output) == (is_row ? height : 0));
        HOLDS(height_of(&column->shapes) == (is_row && column->with_shape ? records : 0));
        HOLDS(column->seen <= records);
        check_names(&column->names);
        check_names(&column->shape_names);
        check_numbers(&column->shapes, column->shape_names.n_met);
        if (column->kind == ROW_TEXT)
            check_texts(&column->output);
        else if (column->kind == ROW_CODE)
            check_numbers(&column->output, column->names.n_met);
        else if (column->kind == ROW_INTEGER)
            check_integers(&column->output, column->least, column->most);
        else if (column->kind == ROW_TIME)
            check_integers(&column->output, 0, (int64_t)DAYS * 86400 * 1000000);
        check_export(&column->output);
        check_export(&column->shapes);
    }
    for (size_t i = 0; i < d->n_fields; i++)
        HOLDS(d->fields[i].seen <= records);
    check_export(&d->key_numbers);
    check_export(&d->lines);
    check_export(&d->texts);
    check_export(&d->places);
    HOLDS(size_of_batch(d) == 0);
    uint8_t marks[64];
    size_t n_keys = d->keys.n_met;
    next_batch(d);
    for (size_t i = 0; i < sizeof marks; i++)
        marks[i] = (last_line + i) % 3 == 0;
    if (n_keys <= sizeof marks)
        mark_keys(d, marks, n_keys);
    n_until_failure = until_failure;
}

/* ---- Reading ---- */

typedef struct {
    Decoder *decoder;
    const Configuration *configuration;
    bool knows_strangers; /* whether keys of strangers may hold columns, as mapped ones do */
    uint64_t number;      /* of the next line */
    size_t records;       /* in the batch */
} Reader;

static void add_new_key(const Reader *r)
{
    Decoder *d = r->decoder;
    if (!d->has_new_key)
        return;
    Span name = {d->new_key.quoted + 1, d->new_key.length};
    HOLDS(name.length <= LONGEST_KEY && is_utf8(name));
    KnownKey key = {.meaning = OF_NO_COLUMN};
    if (r->knows_strangers && name.length != 0) {
        uint8_t last = name.at[name.length - 1];
        key = (KnownKey){.meaning = (FieldMeaning)(last % 3), .rank = last,
                         .column = (uint8_t)(name.at[0] % d->n_columns)};
    }
    for (size_t known = 0; known < r->configuration->n_keys; known++) {
        const KnownKey *one = &r->configuration->keys[known];
        if (one->name.length == name.length && memcmp(one->name.at, name.at, name.length) == 0)
            key = *one;
    }
    /* A key that is refused would be told forever. */
    HOLDS(add_field(d, name, key.meaning, key.column, key.rank, key.tells_record));
}

static size_t lines_of(const uint8_t *at, size_t length)
{
    size_t lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += at[i] == '\n';
    return lines;
}

/* Reads a block of whole lines; false if memory ran out. */
static bool read_block(Reader *r, const uint8_t *bytes, size_t length)
{
    uint8_t *data = malloc(length);
    HOLDS(data != NULL);
    memcpy(data, bytes, length);
    size_t at = 0;
    bool has_memory = true;
    while (at <= length) {
        size_t before = at;
        Progress progress;
        has_memory = read_lines(r->decoder, (Span){data, length}, &at, r->number, &progress);
        if (!has_memory)
            break;
        size_t lines = progress.records + progress.run_lines;
        HOLDS(at >= before && at <= length + 1);
        HOLDS(at > before || r->decoder->has_new_key);
        HOLDS((at > before) == (lines != 0));
        if (at > before)
            HOLDS(lines_of(data + before, at - before - 1) == lines);
        if (at <= length && at > 0)
            HOLDS(data[at - 1] == '\n');
        if (progress.run_lines != 0) {
            HOLDS(before <= progress.run_start && progress.run_start <= progress.run_end);
            HOLDS(progress.run_end + 1 == at);
            HOLDS(lines_of(data + progress.run_start, progress.run_end - progress.run_start)
                  == progress.run_lines);
        }
        r->number += lines;
        r->records += progress.records;
        HOLDS(r->decoder->height == r->records);
        add_new_key(r);
    }
    free(data);
    return has_memory;
}

static bool read_all(Reader *r, const uint8_t *at, const uint8_t *end, size_t lines, size_t blocks)
{
    enum { MOST_BATCHES = 6 }; /* a batch costs more than many lines */
    for (size_t n = 1; at <= end; n++) {
        const uint8_t *behind = end;
        const uint8_t *from = at;
        for (size_t line = 0; line < lines; line++) {
            const uint8_t *feed = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
            behind = feed != NULL ? feed : end;
            if (feed == NULL)
                break;
            from = feed + 1;
        }
        if (!read_block(r, at, (size_t)(behind - at)))
            return false;
        at = behind + 1;
        if (blocks != 0 && n % blocks == 0 && n / blocks < MOST_BATCHES) {
            check_batch(r->decoder, r->records, r->number);
            r->records = 0;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD_BYTES = 5, N = sizeof CONFIGURATIONS / sizeof CONFIGURATIONS[0] };
    static const uint64_t seed[2] = {0x0123456789ABCDEF, 0xFEDCBA9876543210};
    if (size < HEAD_BYTES)
        return 0;
    n_until_failure = 0;
    Decoder *d = calloc(1, sizeof *d);
    HOLDS(d != NULL);
    begin(d, seed);
    Reader reader = {.decoder = d, .configuration = &CONFIGURATIONS[data[0] % N], .number = 1,
                     .knows_strangers = data[1] >> 1 & 1};
    reader.configuration->configure(d);
    Origin nobody = {BYTES_OF(""), BYTES_OF(""), BYTES_OF("")};
    Origin somebody = {BYTES_OF("gateway-7d9c-x2x4z"), BYTES_OF("istio-system"), BYTES_OF("proxy")};
    HOLDS(begin_source(d, data[1] & 1 ? somebody : nobody));
    n_until_failure = data[4];
    bool has_memory = read_all(&reader, data + HEAD_BYTES, data + size, data[2], data[3]);
    bool has_failed = data[4] != 0 && n_until_failure == 0;
    n_until_failure = 0;
    HOLDS(has_memory || has_failed);
    if (has_memory) {
        HOLDS(reader.number - 1 == lines_of(data + HEAD_BYTES, size - HEAD_BYTES));
        check_batch(d, reader.records, reader.number);
    } else {
        /* Whoever goes on all the same begins a batch. */
        Progress progress;
        size_t at = 0;
        HOLDS(!read_lines(d, (Span){data, size}, &at, 1, &progress));
        next_batch(d);
        reader.records = 0;
        if (read_block(&reader, data + HEAD_BYTES, size - HEAD_BYTES))
            check_batch(d, reader.records, reader.number);
    }
    end(d);
    free(d);
    return 0;
}
