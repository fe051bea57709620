/* What a decoder is told before it reads: columns, keys, formats, sources. */
#include "bindings.h"

PyObject *py_add_column(PyObject *object, PyObject *arguments)
{
    int kind, with_shape, is_seldom;
    long long least, most;
    if (!PyArg_ParseTuple(arguments, "iLLpp", &kind, &least, &most, &with_shape, &is_seldom))
        return NULL;
    Decoder *d = ((PyDecoder *)object)->decoder;
    if (kind < UNWANTED || kind > ROW_TIME
        || !add_column(d, (ColumnKind)kind, least, most, with_shape, is_seldom))
        return too_much("columns");
    Py_RETURN_NONE;
}

PyObject *py_add_trait(PyObject *object, PyObject *arguments)
{
    int column, is_zero;
    if (!PyArg_ParseTuple(arguments, "ip", &column, &is_zero))
        return NULL;
    Decoder *d = ((PyDecoder *)object)->decoder;
    if (d->n_traits == MOST_TRAITS || column < 0 || column >= MOST_COLUMNS)
        return too_much("traits");
    d->traits[d->n_traits++] = (Trait){(uint8_t)column, is_zero};
    Py_RETURN_NONE;
}

PyObject *py_add_head(PyObject *object, PyObject *bytes)
{
    Span head;
    Decoder *d = ((PyDecoder *)object)->decoder;
    if (!span_of(bytes, &head))
        return NULL;
    if (d->n_heads == MOST_HEADS || head.length != HEAD)
        return too_much("heads");
    memcpy(d->heads[d->n_heads++], head.at, HEAD);
    Py_RETURN_NONE;
}

PyObject *py_add_format(PyObject *object, PyObject *arguments)
{
    (void)arguments;
    PyObject *operators;
    Py_buffer last;
    int is_prefix, is_lenient, is_last_free;
    if (!PyArg_ParseTuple(arguments, "Oy*ppp", &operators, &last, &is_prefix, &is_lenient,
                          &is_last_free))
        return NULL;
    Decoder *d = ((PyDecoder *)object)->decoder;
    Py_ssize_t n = PyList_Size(operators);
    if (n < 0 || d->n_formats == MOST_FORMATS || n > MOST_OPERATORS || last.len > MOST_LITERAL) {
        PyBuffer_Release(&last);
        return PyErr_Occurred() != NULL ? NULL : too_much("operators");
    }
    Format *format = &d->formats[d->n_formats];
    *format = (Format){.is_prefix = is_prefix, .is_lenient = is_lenient,
                       .is_last_free = is_last_free, .last_length = (size_t)last.len};
    memcpy(format->last, last.buf, (size_t)last.len);
    PyBuffer_Release(&last);
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_buffer literal, ends;
        int is_number, is_short, column, rank;
        if (!PyArg_ParseTuple(PyList_GetItem(operators, i), "y*py*pii", &literal, &is_number, &ends,
                              &is_short, &column, &rank))
            return NULL;
        Operator *o = &format->operators[format->n_operators++];
        /* Without trying, a value ends where it has to. */
        bool is_fit = literal.len <= MOST_LITERAL && (ends.len > 0 || is_lenient)
                      && ends.len <= MOST_ENDS && column < MOST_COLUMNS && rank >= 0
                      && rank < 256;
        if (is_fit) {
            *o = (Operator){.length = (size_t)literal.len, .is_number = is_number,
                            .is_short = is_short, .has_ends = ends.len != 0,
                            .column = column, .rank = (uint8_t)rank};
            memcpy(o->literal, literal.buf, (size_t)literal.len);
            for (Py_ssize_t end = 0; end < MOST_ENDS && ends.len != 0; end++)
                o->ends[end] = ((const uint8_t *)ends.buf)[end < ends.len ? end : ends.len - 1];
        }
        PyBuffer_Release(&literal);
        PyBuffer_Release(&ends);
        if (!is_fit)
            return too_much("literals");
    }
    d->n_formats++;
    Py_RETURN_NONE;
}

PyObject *py_begin_source(PyObject *object, PyObject *arguments)
{
    Py_buffer names[3];
    if (!PyArg_ParseTuple(arguments, "y*y*y*", &names[0], &names[1], &names[2]))
        return NULL;
    Span spans[3];
    for (size_t i = 0; i < 3; i++)
        spans[i] = (Span){names[i].buf, (size_t)names[i].len};
    Decoder *d = enter(object);
    bool has_memory = d != NULL && begin_source(d, (Origin){spans[0], spans[1], spans[2]});
    if (d != NULL)
        leave(object);
    for (size_t i = 0; i < 3; i++)
        PyBuffer_Release(&names[i]);
    if (d == NULL)
        return NULL;
    if (!has_memory)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

PyObject *py_lay_out(PyObject *object, PyObject *nothing)
{
    (void)nothing;
    if (!lay_out(((PyDecoder *)object)->decoder))
        return too_much("layouts");
    Py_RETURN_NONE;
}

PyObject *py_add_key(PyObject *object, PyObject *arguments)
{
    Py_buffer name;
    int meaning, column, rank, tells_record;
    if (!PyArg_ParseTuple(arguments, "y*iiip", &name, &meaning, &column, &rank, &tells_record))
        return NULL;
    Decoder *d = enter(object);
    bool is_added = false;
    if (d != NULL) {
        is_added = meaning >= OF_COLUMN && meaning <= OF_UNSURE && column >= 0
                   && column < MOST_COLUMNS && rank >= 0 && rank < 256
                   && add_field(d, (Span){name.buf, (size_t)name.len}, (FieldMeaning)meaning,
                                (uint8_t)column, (uint8_t)rank, tells_record);
        leave(object);
    }
    PyBuffer_Release(&name);
    return d == NULL ? NULL : PyBool_FromLong(is_added);
}
