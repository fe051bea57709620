/* From lines to keys and rows. Knows nothing of Python, and nothing of Envoy but what it is told. */
#ifndef ENVOYLOGS_DECODER_H
#define ENVOYLOGS_DECODER_H

#include "cursor.h"
#include "names.h"
#include "output.h"

enum {
    MOST_COLUMNS = 64, /* so that a set of them is 64 bits */
    MOST_FIELDS = 256,
    MOST_LITERAL = 32,
    MOST_OPERATORS = 40,
    MOST_ENDS = 4,
    MOST_FORMATS = 32,
    MOST_TRAITS = 8,
    MOST_HEADS = 8,
    HEAD = 7, /* bytes by which an object is told that may have a line inside */
    LONGEST_KEY = 200,
    QUOTED = LONGEST_KEY + 3,
};

/* What becomes of the values of a column. */
typedef enum {
    UNWANTED,   /* nothing: nobody asks for it */
    KEY_TEXT,   /* text that repeats: a part of the key */
    KEY_WORD,   /* likewise; but a line with a space in it is handed back */
    KEY_INTEGER,
    ROW_TEXT,   /* text of a record */
    ROW_CODE,   /* likewise, numbered */
    ROW_INTEGER,
    ROW_TIME,
} ColumnKind;

typedef struct {
    ColumnKind kind;
    int64_t least, most; /* of integers: others are handed back */
    bool with_shape;     /* whether its shape as a path is numbered too */
    bool is_seldom;      /* whether values are kept of records only whose key is not marked */
    uint64_t seen;       /* records that had a key for it */
    size_t place;        /* among the texts or the integers of a key */
    Output output;
    Names names;
    Output shapes;
    Names shape_names;
} Column;

typedef enum { MISSING, TEXT, INTEGER } ValueKind;

typedef struct {
    uint8_t kind; /* a ValueKind */
    uint8_t rank; /* of the key that it is from: the smallest comes first */
    union {
        Span text;
        int64_t number;
    } as;
} Value;

/* What a key of an object holds. */
typedef enum { OF_COLUMN, OF_NO_COLUMN, OF_UNSURE } FieldMeaning;

typedef struct {
    uint32_t length; /* of its name */
    uint16_t next;   /* which field stood behind it the last time: a hint */
    uint8_t meaning; /* a FieldMeaning */
    uint8_t kind;    /* the ColumnKind of its column; UNWANTED for none */
    uint8_t column, rank;
    uint32_t line; /* in which it was met last */
    bool tells_record;      /* it alone shows that an object is a record */
    uint8_t quoted[QUOTED]; /* its name with quotes and a colon, as it mostly stands in logs */
    uint64_t seen;
} Field;

/* A TEXT format: literals and values in turn, each value up to one of the bytes it can't have. */
typedef struct {
    uint8_t literal[MOST_LITERAL];
    size_t length;
    bool is_number;
    bool is_short; /* whether it is as short as the rest of a line lets it be, and else as long */
    bool has_ends;
    uint8_t ends[MOST_ENDS]; /* the last of them again where there are fewer */
    int column;              /* -1 for none */
    uint8_t rank;
} Operator;

typedef struct {
    Operator operators[MOST_OPERATORS];
    size_t n_operators;
    uint8_t last[MOST_LITERAL];
    size_t last_length;
    bool is_prefix;   /* of another format: a space at its end is the last value of that */
    bool is_lenient;  /* whether values may hold the literal behind them: ends are found by trying */
    bool is_last_free; /* whether the last value may be missing with the literal before it */
} Format;

/* A fact about a record that belongs to its key: whether a column has a value, or is 0. */
typedef struct {
    uint8_t column;
    bool is_zero;
} Trait;

/* What an envelope says of who wrote a line; without a length for what it does not say. */
typedef struct {
    Span pod, namespace, container;
} Origin;

typedef enum { BARE, KUBECTL, CRI, N_ENVELOPES } Envelope;

/* What was read of some lines: records, then lines that are handed back, one run of either. */
typedef struct {
    size_t records;
    size_t run_start, run_end, run_lines; /* the end is before the line feed */
} Progress;

typedef struct {
    /* What it was told. */
    Column columns[MOST_COLUMNS];
    size_t n_columns;
    Field fields[MOST_FIELDS];
    size_t n_fields;
    uint16_t slots[2 * MOST_FIELDS]; /* places of fields by name, plus one; 0 is free */
    Format formats[MOST_FORMATS];
    size_t n_formats;
    Trait traits[MOST_TRAITS];
    size_t n_traits;
    int pod, namespace, container; /* the columns of what an envelope says; -1 for none */
    Buffer source_names;
    Origin of_source; /* who writes the file of a runtime, as its name says */
    uint8_t heads[MOST_HEADS][HEAD];
    size_t n_heads;
    bool keeps_lines;        /* whether the bytes of records are wanted */
    bool refuses_unused;     /* whether lines with keys of no column are handed back */
    uint64_t logged;         /* the columns of which keys say whether they were logged */

    /* Which columns are texts and integers of keys, and which are rows. */
    uint8_t texts_of_key[MOST_COLUMNS], integers_of_key[MOST_COLUMNS], of_rows[MOST_COLUMNS];
    size_t n_texts, n_integers, n_rows;
    bool has_seldom, is_laid_out;

    /* Of the line that is read. */
    Value values[MOST_COLUMNS];
    uint64_t has;                           /* columns for which there was a key */
    uint64_t has_unused[MOST_FIELDS / 64];  /* fields of no column that were there */
    uint32_t n_line; /* tells lines apart */
    Buffer unescaped;
    uint8_t second[SECOND]; /* the last time that was read, and what it is */
    int64_t second_us;

    /* Of the batch. */
    Names keys;
    Buffer key; /* of the record that is read */
    Output key_numbers, lines, texts;
    Output places; /* of the values of seldom columns; null for a record without them */
    size_t height, room;
    uint32_t n_placed;
    bool has_failed; /* for want of memory: its columns may be of different heights */
    uint64_t alike_has, alike_unused[MOST_FIELDS / 64]; /* keys of records that follow each other */
    uint64_t n_alike;
    uint64_t enveloped[N_ENVELOPES];

    /* Since the last call. */
    bool has_new_key;
    Field new_key; /* of which nothing is known yet: reading stops where it stands */
    uint16_t first_field; /* of an object, as the last one had it: a hint */
} Decoder;

/* Begins with nothing known; the seed is secret. */
void begin(Decoder *d, const uint64_t seed[2]);

/* Adds a column; false if there are too many, or keys are laid out. */
bool add_column(Decoder *d, ColumnKind kind, int64_t least, int64_t most, bool with_shape,
                bool is_seldom);

/* Says what a key holds; false if there are too many keys, or it is too long. */
bool add_field(Decoder *d, Span name, FieldMeaning meaning, uint8_t column, uint8_t rank,
               bool tells_record);

/* Says who writes the source that is read next; false if there is no memory. */
bool begin_source(Decoder *d, Origin origin);

/* Lays out keys, once all columns are there, before anything is read; false if they are. */
bool lay_out(Decoder *d);

/* Reads lines, separated by line feeds; false if there is no memory, and so until the next batch.
 *
 * Records are added to the batch. Reading stops behind a run of lines that are handed back, since
 * what is made of them may be the beginning of something, and before a line with a key that is
 * new, which is to be added or not before it is read again.
 *
 * at: where it begins in the data, and where it is to go on; past the data at the end.
 * number: of the line there.
 */
bool read_lines(Decoder *d, Span data, size_t *at, size_t number, Progress *progress);

/* How many bytes the batch has, about. */
size_t size_of_batch(const Decoder *d);

/* Marks keys of the batch that was handed out last, of which values of seldom columns are not asked.
 *
 * marks: one for each of these keys, by its number.
 *
 * Returns: whether they are marked; not if the next batch has begun.
 */
bool mark_keys(Decoder *d, const uint8_t *marks, size_t n);

/* Reads one object of JSON, or one line of TEXT; false if it is not surely a record. */
bool read_object(Decoder *d, Cursor line);
bool read_text(Decoder *d, Cursor line);

/* Takes off what stands in front of a record; false if that is unsure. */
bool take_envelope(Decoder *d, Cursor *line, Envelope *kind, Origin *origin);

/* Takes a value as that of a column that is wanted, if it is one that can be taken as it stands. */
bool take_text_value(Decoder *d, size_t column, uint8_t rank, Span text);
bool take_number_value(Decoder *d, size_t column, uint8_t rank, Number number);
bool take_missing(Decoder *d, size_t column, uint8_t rank);

/* Adds the record that was read to the batch; false if there is no memory. */
bool put_record(Decoder *d, Span line, size_t number, Origin origin, bool is_enveloped);

/* What the integers and texts of a key of the batch are, by its number. */
typedef struct {
    uint64_t logged;
    uint8_t traits;
    const uint8_t *integers, *lengths, *texts; /* unaligned */
} Key;

Key key_of(const Decoder *d, uint32_t number);

extern const int64_t NO_INTEGER;
extern const uint32_t NO_TEXT;

/* Adds up which keys the records of the batch had; before that is asked. */
void settle_counts(Decoder *d);

/* Begins the next batch; outputs were handed over or are freed. */
void next_batch(Decoder *d);

void end(Decoder *d);

#endif
