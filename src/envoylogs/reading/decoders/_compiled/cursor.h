/* Reading bytes: a cursor whose reads can't pass its end.
 *
 * Everything that looks at a log does it through these functions.
 */
#ifndef ENVOYLOGS_CURSOR_H
#define ENVOYLOGS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} Cursor;

typedef struct {
    const uint8_t *at;
    size_t length;
} Span;

static inline size_t left(const Cursor *c) { return (size_t)(c->end - c->at); }

/* The next byte, -1 at the end. */
static inline int peek(const Cursor *c) { return c->at < c->end ? *c->at : -1; }

/* Takes one byte if it is the next one. */
static inline bool take(Cursor *c, uint8_t byte)
{
    if (c->at < c->end && *c->at == byte) {
        c->at++;
        return true;
    }
    return false;
}

/* Takes some bytes if they are the next ones. */
static inline bool take_all(Cursor *c, const void *bytes, size_t length)
{
    if (left(c) < length || memcmp(c->at, bytes, length) != 0)
        return false;
    c->at += length;
    return true;
}

/* What JSON takes for space within a line. */
static inline void skip_space(Cursor *c)
{
    /* Hardly any log has space between its values. */
    while (c->at < c->end && *c->at <= ' ' && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static inline bool is_digit(int byte) { return byte >= '0' && byte <= '9'; }

/* Goes to the next byte that may not stand for itself in a JSON string: a quote, a backslash, a
 * control character or one that is not ASCII; to the end without any. */
static inline void skip_plain(Cursor *c)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    /* Compared with signs, what is not ASCII is smaller too. */
    const __m128i space = _mm_set1_epi8(' ');
    while (left(c) >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)c->at);
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
            _mm_cmplt_epi8(bytes, space));
        int mask = _mm_movemask_epi8(found);
        if (mask != 0) {
            c->at += __builtin_ctz((unsigned)mask);
            return;
        }
        c->at += 16;
    }
#endif
    while (c->at < c->end && *c->at >= ' ' && *c->at < 0x80 && *c->at != '"' && *c->at != '\\')
        c->at++;
}

/* Goes to the next of four bytes; to the end without any. */
static inline void skip_to(Cursor *c, const uint8_t ends[4])
{
#if defined(__SSE2__)
    const __m128i a = _mm_set1_epi8((char)ends[0]), b = _mm_set1_epi8((char)ends[1]);
    const __m128i d = _mm_set1_epi8((char)ends[2]), e = _mm_set1_epi8((char)ends[3]);
    while (left(c) >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)c->at);
        __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, a), _mm_cmpeq_epi8(bytes, b)),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, d), _mm_cmpeq_epi8(bytes, e)));
        int mask = _mm_movemask_epi8(found);
        if (mask != 0) {
            c->at += __builtin_ctz((unsigned)mask);
            return;
        }
        c->at += 16;
    }
#endif
    while (c->at < c->end && *c->at != ends[0] && *c->at != ends[1] && *c->at != ends[2]
           && *c->at != ends[3])
        c->at++;
}

/* Goes to the next byte that is not ASCII, or zero; to the end without any. */
static inline void skip_ascii(Cursor *c)
{
#if defined(__SSE2__)
    while (left(c) >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)c->at);
        /* Compared with signs, what is not ASCII is smaller than zero. */
        int mask = _mm_movemask_epi8(_mm_cmplt_epi8(bytes, _mm_set1_epi8(1)));
        if (mask != 0) {
            c->at += __builtin_ctz((unsigned)mask);
            return;
        }
        c->at += 16;
    }
#endif
    while (c->at < c->end && *c->at != 0 && *c->at < 0x80)
        c->at++;
}

/* A short text to be looked for, with room behind it so that it can be compared at once. */
enum { AT_ONCE = 32 };

/* Takes a text that has been padded to AT_ONCE bytes or is longer, if it is next. */
static inline bool take_padded(Cursor *c, const uint8_t *text, size_t length)
{
#if defined(__SSE2__)
    if (length <= AT_ONCE && left(c) >= AT_ONCE) {
        __m128i first = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)c->at),
                                       _mm_loadu_si128((const __m128i *)(const void *)text));
        uint64_t alike = (uint64_t)_mm_movemask_epi8(first);
        if (length > 16) {
            __m128i second =
                _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(c->at + 16)),
                               _mm_loadu_si128((const __m128i *)(const void *)(text + 16)));
            alike |= (uint64_t)_mm_movemask_epi8(second) << 16;
        }
        uint64_t wanted = ((uint64_t)1 << length) - 1;
        if ((alike & wanted) != wanted)
            return false;
        c->at += length;
        return true;
    }
#endif
    return take_all(c, text, length);
}

/* Takes one character of UTF-8 that is not ASCII, as the standard has them (RFC 3629). */
bool take_utf8(Cursor *c);

/* Takes the rest of a JSON string that is not all plain, from where it is not. */
bool take_rest(Cursor *c, bool *has_escapes);

/* Takes a JSON string behind its opening quote, with its closing one.
 *
 * Returns: whether it is one. The span holds what is between the quotes as it stands; whether
 * there is an escape in it is told apart.
 */
static inline bool take_string(Cursor *c, Span *found, bool *has_escapes)
{
    const uint8_t *start = c->at;
    *has_escapes = false;
    skip_plain(c);
    if (peek(c) != '"' && !take_rest(c, has_escapes))
        return false;
    *found = (Span){start, (size_t)(c->at - start)};
    c->at++;
    return true;
}

/* Writes a string without its escapes; there must be room for as many bytes as it has with them.
 *
 * Returns: whether all of them mean a character; half a pair of surrogates does not.
 */
bool unescape(Span from, uint8_t *to, size_t *length);

/* A number of JSON. Only a whole one has a value: digits, maybe with a fraction of zeros. */
typedef struct {
    bool is_whole;
    int64_t value;
} Number;

bool take_number(Cursor *c, Number *found);

/* Takes digits alone, at most 18 of them. */
bool take_digits(Cursor *c, int64_t *value);

/* Takes exactly so many digits. */
bool take_fixed(Cursor *c, int digits, int *value);

/* Takes a point in time in Envoy's default form, 2026-11-28T12:30:05.123Z with 3 or 6 decimals, as
 * microseconds since 1970; of the years 1970 to 2261. */
bool take_time(Cursor *c, int64_t *us);

enum { SECOND = 20 }; /* bytes of a time up to its decimals, 2026-11-28T12:30:05. */

#endif
