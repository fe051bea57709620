/* What Python sees of the decoder: two types of the limited API.
 *
 * A Decoder reads while others have the interpreter. It may be used by one thread at a time, and
 * says so if it is not.
 */
#ifndef ENVOYLOGS_BINDINGS_H
#define ENVOYLOGS_BINDINGS_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>

#include "decoder.h"

typedef struct {
    PyObject_HEAD
    Decoder *decoder;
    int is_used;
} PyDecoder;

/* Begins what only one thread may do at a time; null, with an error, if another one does. */
Decoder *enter(PyObject *object);
void leave(PyObject *object);

/* Reads bytes; false, with an error, if it is something else. */
bool span_of(PyObject *bytes, Span *span);

/* Says that it is more than a decoder takes; returns null. */
PyObject *too_much(const char *what);

/* Makes the type of columns; null, with an error, if that fails. */
PyObject *new_column_type(void);

/* Returns a column that is handed over once, of what is empty from then on. */
PyObject *new_column(Output *output);

/* What a decoder is told before it reads. */
PyObject *py_add_column(PyObject *object, PyObject *arguments);
PyObject *py_add_trait(PyObject *object, PyObject *arguments);
PyObject *py_add_head(PyObject *object, PyObject *bytes);
PyObject *py_add_format(PyObject *object, PyObject *arguments);
PyObject *py_begin_source(PyObject *object, PyObject *arguments);
PyObject *py_lay_out(PyObject *object, PyObject *nothing);
PyObject *py_add_key(PyObject *object, PyObject *arguments);

/* Hands out the batch and begins the next one. */
PyObject *py_take(PyObject *object, PyObject *nothing);

#endif
