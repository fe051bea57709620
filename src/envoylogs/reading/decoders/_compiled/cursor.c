#include "cursor.h"

bool take_utf8(Cursor *c)
{
    int first = peek(c);
    size_t more;
    uint8_t least = 0x80, most = 0xBF; /* of the second byte */
    if (first >= 0xC2 && first <= 0xDF)
        more = 1;
    else if (first >= 0xE0 && first <= 0xEF) {
        more = 2;
        if (first == 0xE0)
            least = 0xA0; /* shorter ones would do */
        if (first == 0xED)
            most = 0x9F; /* surrogates */
    } else if (first >= 0xF0 && first <= 0xF4) {
        more = 3;
        if (first == 0xF0)
            least = 0x90;
        if (first == 0xF4)
            most = 0x8F; /* past U+10FFFF */
    } else
        return false;
    if (left(c) <= more || c->at[1] < least || c->at[1] > most)
        return false;
    for (size_t i = 2; i <= more; i++)
        if (c->at[i] < 0x80 || c->at[i] > 0xBF)
            return false;
    c->at += more + 1;
    return true;
}

static int hex(int byte)
{
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* Takes the four digits of \uXXXX. */
static bool take_unit(Cursor *c, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex(peek(c));
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
        c->at++;
    }
    return true;
}

bool take_rest(Cursor *c, bool *has_escapes)
{
    for (;; skip_plain(c)) {
        int byte = peek(c);
        if (byte == '"')
            return true;
        if (byte >= 0x80) {
            if (!take_utf8(c))
                return false;
        } else if (byte == '\\') {
            *has_escapes = true;
            c->at++;
            int escape = peek(c);
            uint32_t unit;
            c->at += escape >= 0;
            if (escape == 'u') {
                if (!take_unit(c, &unit))
                    return false;
            } else if (escape <= 0 || strchr("\"\\/bfnrt", escape) == NULL)
                return false;
        } else
            return false; /* a control character, or the end */
    }
}

static uint8_t *put_utf8(uint8_t *to, uint32_t character)
{
    if (character < 0x80)
        *to++ = (uint8_t)character;
    else if (character < 0x800) {
        *to++ = (uint8_t)(0xC0 | character >> 6);
        *to++ = (uint8_t)(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        *to++ = (uint8_t)(0xE0 | character >> 12);
        *to++ = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (character & 0x3F));
    } else {
        *to++ = (uint8_t)(0xF0 | character >> 18);
        *to++ = (uint8_t)(0x80 | (character >> 12 & 0x3F));
        *to++ = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (character & 0x3F));
    }
    return to;
}

bool unescape(Span from, uint8_t *to, size_t *length)
{
    Cursor c = {from.at, from.at + from.length};
    uint8_t *out = to;
    while (c.at < c.end) {
        if (!take(&c, '\\')) {
            *out++ = *c.at++;
            continue;
        }
        int escape = peek(&c);
        c.at += escape >= 0;
        switch (escape) {
        case 'b': *out++ = '\b'; break;
        case 'f': *out++ = '\f'; break;
        case 'n': *out++ = '\n'; break;
        case 'r': *out++ = '\r'; break;
        case 't': *out++ = '\t'; break;
        case 'u': {
            uint32_t unit, low;
            if (!take_unit(&c, &unit) || (unit >= 0xDC00 && unit <= 0xDFFF))
                return false;
            if (unit >= 0xD800 && unit <= 0xDBFF) {
                if (!take_all(&c, "\\u", 2) || !take_unit(&c, &low) || low < 0xDC00 || low > 0xDFFF)
                    return false;
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            }
            out = put_utf8(out, unit);
            break;
        }
        case '"': case '\\': case '/': *out++ = (uint8_t)escape; break;
        default: return false;
        }
    }
    *length = (size_t)(out - to);
    return true;
}

enum { MOST_DIGITS = 18 }; /* which 64 bits hold; what is beyond 2^53 is no value of a column */

bool take_digits(Cursor *c, int64_t *value)
{
    const uint8_t *start = c->at;
    int64_t found = 0;
    while (is_digit(peek(c))) {
        if (c->at - start == MOST_DIGITS)
            return false;
        found = found * 10 + (*c->at++ - '0');
    }
    *value = found;
    return c->at > start;
}

bool take_number(Cursor *c, Number *found)
{
    bool is_negative = take(c, '-');
    const uint8_t *digits = c->at;
    if (!take_digits(c, &found->value))
        return false; /* longer ones may be valid, and are nobody's duration */
    if (*digits == '0' && c->at - digits > 1)
        return false;
    if (is_negative && found->value == 0)
        return false; /* -0 is its own thing as a float */
    found->is_whole = true;
    if (take(c, '.')) {
        if (!is_digit(peek(c)))
            return false;
        while (is_digit(peek(c)))
            found->is_whole &= *c->at++ == '0';
    }
    if (peek(c) == 'e' || peek(c) == 'E')
        return false;
    if (is_negative)
        found->value = -found->value;
    return true;
}

bool take_fixed(Cursor *c, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit(peek(c)))
            return false;
        *value = *value * 10 + (*c->at++ - '0');
    }
    return true;
}

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int64_t days_since_1970(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = year - 1;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 - 719162; /* of the years before 1970 */
    return days + before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
}

bool take_time(Cursor *c, int64_t *us)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second, decimals = 0;
    if (!(take_fixed(c, 4, &year) && take(c, '-') && take_fixed(c, 2, &month) && take(c, '-')
          && take_fixed(c, 2, &day) && take(c, 'T') && take_fixed(c, 2, &hour) && take(c, ':')
          && take_fixed(c, 2, &minute) && take(c, ':') && take_fixed(c, 2, &second)
          && take(c, '.') && take_fixed(c, 3, &decimals)))
        return false;
    if (is_digit(peek(c))) {
        int more;
        if (!take_fixed(c, 3, &more))
            return false;
        decimals = decimals * 1000 + more;
    } else
        decimals *= 1000;
    if (!take(c, 'Z') || year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1
        || day > days[month - 1] + (month == 2 && is_leap(year)) || hour > 23 || minute > 59
        || second > 59)
        return false;
    int64_t seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *us = seconds * 1000000 + decimals;
    return true;
}
