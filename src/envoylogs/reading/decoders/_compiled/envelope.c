/* What Kubernetes puts in front of a line: a prefix, a time, a stream. */
#include "decoder.h"

static bool is_of_name(int byte) { return (byte >= 'a' && byte <= 'z') || is_digit(byte); }

/* Takes the name of a pod or a container up to a byte, with that. */
static bool take_name(Cursor *c, uint8_t end, Span *name)
{
    const uint8_t *start = c->at;
    while (is_of_name(peek(c)) || peek(c) == '-' || peek(c) == '.')
        c->at++;
    *name = (Span){start, (size_t)(c->at - start)};
    return name->length != 0 && is_of_name(start[0]) && is_of_name(c->at[-1]) && take(c, end);
}

/* Takes an RFC 3339 time and the space behind it. */
static bool take_time_in_front(Cursor *c)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    for (const char *p = form; *p != '\0'; p++) {
        if (*p == 'd' ? !is_digit(peek(c)) : peek(c) != *p)
            return false;
        c->at++;
    }
    if (take(c, '.')) {
        if (!is_digit(peek(c)))
            return false;
        while (is_digit(peek(c)))
            c->at++;
    }
    if (!take(c, 'Z')) {
        int number;
        if (!(take(c, '+') || take(c, '-')) || !take_fixed(c, 2, &number) || !take(c, ':')
            || !take_fixed(c, 2, &number))
            return false;
    }
    return take(c, ' ');
}

bool take_envelope(Decoder *d, Cursor *line, Envelope *kind, Origin *origin)
{
    int first = peek(line);
    if (first == ' ' || first == '\t')
        skip_space(line);
    else if (is_digit(first) || take_all(line, "[pod/", 5)) {
        if (first == '[' && !(take_name(line, '/', &origin->pod)
                              && take_name(line, ']', &origin->container) && take(line, ' ')))
            return false;
        *kind = KUBECTL;
        if (is_digit(peek(line))) {
            if (!take_time_in_front(line))
                return false;
            /* A line of which this is a part only, or one with more tags, is handed back. */
            if (take_all(line, "stdout F ", 9) || take_all(line, "stderr F ", 9))
                *kind = CRI;
            if (*kind == CRI && first != '[')
                *origin = d->of_source;
        }
    }
    return peek(line) == '{' || (peek(line) == '[' && first != ' ' && first != '\t');
}
