/* What Python sees of the decoder: two types of the limited API.
 *
 * A Decoder reads while others have the interpreter. It may be used by one thread at a time, and
 * says so if it is not.
 */
#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>

#include "arrow.h"
#include "decoder.h"

/* ---- Columns ---- */

typedef struct {
    PyObject_HEAD
    Output output;
} PyColumn;

static PyTypeObject *column_type, *decoder_type;

static PyObject *new_column(Output *output)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(column_type, Py_tp_alloc);
    PyColumn *self = (PyColumn *)allocate(column_type, 0);
    if (self == NULL)
        return NULL;
    self->output = *output;
    output->values = output->text = output->valid = (Buffer){0};
    output->nulls = 0;
    return (PyObject *)self;
}

static void free_column(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    free_output(&((PyColumn *)object)->output);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static void free_schema_capsule(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release != NULL)
        schema->release(schema);
    free(schema);
}

static void free_array_capsule(PyObject *capsule)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release != NULL)
        array->release(array);
    free(array);
}

static PyObject *column_to_arrow(PyObject *object, PyObject *arguments)
{
    (void)arguments; /* a schema that is asked for may be passed over */
    Output *output = &((PyColumn *)object)->output;
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    struct ArrowArray *array = calloc(1, sizeof *array);
    PyObject *of_schema = NULL, *of_array = NULL;
    if (schema == NULL || array == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    export_schema(output, schema);
    of_schema = PyCapsule_New(schema, "arrow_schema", free_schema_capsule);
    if (of_schema == NULL)
        goto failed;
    schema = NULL;
    if (!export_array(output, array)) {
        PyErr_NoMemory();
        goto failed;
    }
    of_array = PyCapsule_New(array, "arrow_array", free_array_capsule);
    if (of_array == NULL) {
        array->release(array);
        goto failed;
    }
    array = NULL;
    PyObject *both = PyTuple_Pack(2, of_schema, of_array);
    Py_DECREF(of_schema);
    Py_DECREF(of_array);
    return both;
failed:
    free(schema);
    free(array);
    Py_XDECREF(of_schema);
    return NULL;
}

static PyMethodDef column_methods[] = {
    {"__arrow_c_array__", column_to_arrow, METH_VARARGS,
     "Hand the column over, once, as the Arrow PyCapsule interface has it."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot column_slots[] = {
    {Py_tp_doc, "A column that was read."},
    {Py_tp_dealloc, free_column},
    {Py_tp_methods, column_methods},
    {0, NULL},
};

static PyType_Spec column_spec = {
    .name = "envoylogs.reading.decoders._compiled_decoder.Column",
    .basicsize = sizeof(PyColumn),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = column_slots,
};

/* ---- The decoder ---- */

typedef struct {
    PyObject_HEAD
    Decoder *decoder;
    int is_used;
} PyDecoder;

static bool span_of(PyObject *bytes, Span *span)
{
    char *at;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(bytes, &at, &length) < 0)
        return false;
    *span = (Span){(const uint8_t *)at, (size_t)length};
    return true;
}

/* Begins what only one thread may do at a time. */
static Decoder *enter(PyObject *object)
{
    PyDecoder *self = (PyDecoder *)object;
    if (self->is_used) {
        PyErr_SetString(PyExc_RuntimeError, "a decoder is used by one thread at a time");
        return NULL;
    }
    self->is_used = 1;
    return self->decoder;
}

static void leave(PyObject *object) { ((PyDecoder *)object)->is_used = 0; }

static PyObject *new_decoder(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)names;
    Py_buffer seed;
    int keeps_lines, refuses_unused, pod, namespace, container;
    unsigned long long logged;
    if (!PyArg_ParseTuple(arguments, "y*ppKiii", &seed, &keeps_lines, &refuses_unused, &logged, &pod,
                          &namespace, &container))
        return NULL;
    uint64_t secret[2];
    if (seed.len != (Py_ssize_t)sizeof secret) {
        PyBuffer_Release(&seed);
        PyErr_SetString(PyExc_ValueError, "a seed has 16 bytes");
        return NULL;
    }
    memcpy(secret, seed.buf, sizeof secret);
    PyBuffer_Release(&seed);
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyDecoder *self = (PyDecoder *)allocate(type, 0);
    if (self == NULL)
        return NULL;
    self->decoder = calloc(1, sizeof *self->decoder);
    if (self->decoder == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    begin(self->decoder, secret);
    self->decoder->keeps_lines = keeps_lines;
    self->decoder->refuses_unused = refuses_unused;
    self->decoder->logged = logged;
    self->decoder->pod = pod;
    self->decoder->namespace = namespace;
    self->decoder->container = container;
    return (PyObject *)self;
}

static void free_decoder(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Decoder *decoder = ((PyDecoder *)object)->decoder;
    if (decoder != NULL) {
        end(decoder);
        free(decoder);
    }
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *too_much(const char *what)
{
    PyErr_Format(PyExc_ValueError, "more or longer %s than a decoder takes", what);
    return NULL;
}

static PyObject *py_add_column(PyObject *object, PyObject *arguments)
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

static PyObject *py_add_trait(PyObject *object, PyObject *arguments)
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

static PyObject *py_add_head(PyObject *object, PyObject *bytes)
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

static PyObject *py_add_format(PyObject *object, PyObject *arguments)
{
    (void)arguments;
    PyObject *operators;
    Py_buffer last;
    int is_prefix;
    if (!PyArg_ParseTuple(arguments, "Oy*p", &operators, &last, &is_prefix))
        return NULL;
    Decoder *d = ((PyDecoder *)object)->decoder;
    Py_ssize_t n = PyList_Size(operators);
    if (n < 0 || d->n_formats == MOST_FORMATS || n > MOST_OPERATORS || last.len > MOST_LITERAL) {
        PyBuffer_Release(&last);
        return PyErr_Occurred() != NULL ? NULL : too_much("operators");
    }
    Format *format = &d->formats[d->n_formats];
    *format = (Format){.is_prefix = is_prefix, .last_length = (size_t)last.len};
    memcpy(format->last, last.buf, (size_t)last.len);
    PyBuffer_Release(&last);
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_buffer literal, ends;
        int is_number, column, rank;
        if (!PyArg_ParseTuple(PyList_GetItem(operators, i), "y*py*ii", &literal, &is_number, &ends,
                              &column, &rank))
            return NULL;
        Operator *o = &format->operators[format->n_operators++];
        bool is_fit = literal.len <= MOST_LITERAL && ends.len > 0
                      && ends.len <= MOST_ENDS && column < MOST_COLUMNS && rank >= 0
                      && rank < 256;
        if (is_fit) {
            *o = (Operator){.length = (size_t)literal.len, .is_number = is_number,
                            .column = column, .rank = (uint8_t)rank};
            memcpy(o->literal, literal.buf, (size_t)literal.len);
            for (Py_ssize_t end = 0; end < MOST_ENDS; end++)
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

static PyObject *py_begin_source(PyObject *object, PyObject *arguments)
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

static PyObject *py_lay_out(PyObject *object, PyObject *nothing)
{
    (void)nothing;
    if (!lay_out(((PyDecoder *)object)->decoder))
        return too_much("layouts");
    Py_RETURN_NONE;
}

static PyObject *py_add_key(PyObject *object, PyObject *arguments)
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

static PyObject *new_key(const Decoder *d)
{
    if (!d->has_new_key)
        Py_RETURN_NONE;
    const Field *key = &d->new_key;
    return PyBytes_FromStringAndSize((const char *)key->quoted + 1, (Py_ssize_t)key->length);
}

static PyObject *py_read(PyObject *object, PyObject *arguments)
{
    Py_buffer data;
    Py_ssize_t at, number;
    if (!PyArg_ParseTuple(arguments, "y*nn", &data, &at, &number))
        return NULL;
    bool is_laid_out = ((PyDecoder *)object)->decoder->is_laid_out;
    Decoder *d = at < 0 || at > data.len || !is_laid_out ? NULL : enter(object);
    if (d == NULL) {
        PyBuffer_Release(&data);
        return PyErr_Occurred() != NULL ? NULL : too_much("places");
    }
    size_t place = (size_t)at;
    Progress progress;
    bool has_memory;
    Py_BEGIN_ALLOW_THREADS
    has_memory = read_lines(d, (Span){data.buf, (size_t)data.len}, &place, (size_t)number, &progress);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&data);
    PyObject *found = NULL, *key = has_memory ? new_key(d) : PyErr_NoMemory();
    leave(object);
    if (key != NULL)
        found = Py_BuildValue("nnnnnO", (Py_ssize_t)place, (Py_ssize_t)progress.records,
                              (Py_ssize_t)progress.run_start, (Py_ssize_t)progress.run_end,
                              (Py_ssize_t)progress.run_lines, key);
    Py_XDECREF(key);
    return found;
}

/* ---- What a batch is handed out as ---- */

static bool put_key_values(const Decoder *d, size_t i, Output *output)
{
    const Column *column = &d->columns[i];
    if (!make_room(output, d->keys.n_met))
        return false;
    for (uint32_t number = 0; number < d->keys.n_met; number++) {
        Key key = key_of(d, number);
        if (column->kind == KEY_INTEGER) {
            int64_t value;
            memcpy(&value, key.integers + column->place * sizeof value, sizeof value);
            if (value == NO_INTEGER)
                put_null(output);
            else
                put_integer(output, value);
            continue;
        }
        const uint8_t *text = key.texts;
        uint32_t length = NO_TEXT;
        for (size_t place = 0; place <= column->place; place++) {
            if (length != NO_TEXT)
                text += length;
            memcpy(&length, key.lengths + place * sizeof length, sizeof length);
        }
        if (length == NO_TEXT)
            put_null(output);
        else if (!put_text(output, (Span){text, length}))
            return false;
    }
    return true;
}

/* Appends a column to a list of pairs; what it holds is handed over or freed. */
static bool append_column(PyObject *list, Output *output, size_t place)
{
    PyObject *column = new_column(output);
    PyObject *pair = column == NULL ? NULL : Py_BuildValue("nN", (Py_ssize_t)place, column);
    bool is_done = pair != NULL && PyList_Append(list, pair) == 0;
    Py_XDECREF(pair);
    free_output(output);
    return is_done;
}

static bool append_names(PyObject *list, const Names *names, size_t place)
{
    Output output = {.type = TEXTS};
    bool has_memory = make_room(&output, names->n_met);
    for (uint32_t number = 0; number < names->n_met && has_memory; number++)
        has_memory = put_text(&output, name_of(names, number));
    if (!has_memory) {
        free_output(&output);
        PyErr_NoMemory();
        return false;
    }
    return append_column(list, &output, place);
}

static bool append_keys(PyObject *list, const Decoder *d)
{
    for (size_t i = 0; i < d->n_columns; i++) {
        ColumnKind kind = d->columns[i].kind;
        if (kind != KEY_TEXT && kind != KEY_WORD && kind != KEY_INTEGER)
            continue;
        Output output = {.type = kind == KEY_INTEGER ? INTEGERS : TEXTS};
        if (!put_key_values(d, i, &output)) {
            free_output(&output);
            PyErr_NoMemory();
            return false;
        }
        if (!append_column(list, &output, i))
            return false;
    }
    return true;
}

/* Appends for each column of those that matter whether a key was logged for it. */
static bool append_logged(PyObject *list, const Decoder *d)
{
    for (size_t i = 0; i < d->n_columns; i++) {
        if ((d->logged >> i & 1) == 0)
            continue;
        Output output = {.type = FLAGS};
        if (!make_room(&output, d->keys.n_met)) {
            PyErr_NoMemory();
            return false;
        }
        for (uint32_t number = 0; number < d->keys.n_met; number++)
            put_byte(&output, key_of(d, number).logged >> i & 1);
        if (!append_column(list, &output, i))
            return false;
    }
    return true;
}

static PyObject *traits_of_keys(const Decoder *d)
{
    Output output = {.type = BITS};
    if (!make_room(&output, d->keys.n_met))
        return PyErr_NoMemory();
    for (uint32_t number = 0; number < d->keys.n_met; number++)
        put_byte(&output, key_of(d, number).traits);
    PyObject *column = new_column(&output);
    free_output(&output);
    return column;
}

static bool append_rows(PyObject *rows, PyObject *values, PyObject *shapes, PyObject *shape_names,
                        Decoder *d)
{
    for (size_t i = 0; i < d->n_columns; i++) {
        Column *column = &d->columns[i];
        if ((column->kind == ROW_CODE && !append_names(values, &column->names, i))
            || (column->kind >= ROW_TEXT && !append_column(rows, &column->output, i))
            || (column->with_shape
                && !(append_names(shape_names, &column->shape_names, i)
                     && append_column(shapes, &column->shapes, i))))
            return false;
    }
    return true;
}

static bool append_counts(PyObject *seen, PyObject *unused, const Decoder *d)
{
    for (size_t i = 0; i < d->n_columns; i++) {
        PyObject *n = PyLong_FromUnsignedLongLong(d->columns[i].seen);
        bool is_done = n != NULL && PyList_Append(seen, n) == 0;
        Py_XDECREF(n);
        if (!is_done)
            return false;
    }
    for (size_t i = 0; i < d->n_fields; i++) {
        const Field *field = &d->fields[i];
        if (field->meaning != OF_NO_COLUMN || field->seen == 0)
            continue;
        PyObject *pair = Py_BuildValue("y#K", (const char *)field->quoted + 1, (Py_ssize_t)field->length,
                                       (unsigned long long)field->seen);
        bool is_done = pair != NULL && PyList_Append(unused, pair) == 0;
        Py_XDECREF(pair);
        if (!is_done)
            return false;
    }
    return true;
}

static PyObject *py_take(PyObject *object, PyObject *nothing)
{
    (void)nothing;
    Decoder *d = enter(object);
    if (d == NULL)
        return NULL;
    settle_counts(d);
    PyObject *lists[8] = {NULL}, *found = NULL, *traits = NULL, *fixed[4] = {NULL};
    for (size_t i = 0; i < 8; i++)
        if ((lists[i] = PyList_New(0)) == NULL)
            goto done;
    if (!append_keys(lists[0], d) || !append_logged(lists[1], d)
        || !append_rows(lists[2], lists[3], lists[4], lists[5], d)
        || !append_counts(lists[6], lists[7], d) || (traits = traits_of_keys(d)) == NULL)
        goto done;
    Output *outputs[] = {&d->key_numbers, &d->lines, &d->texts, &d->places};
    for (size_t i = 0; i < 4; i++)
        if ((fixed[i] = new_column(outputs[i])) == NULL)
            goto done;
    found = Py_BuildValue("OOOOOOOOOOOOO", lists[0], lists[1], traits, fixed[0], fixed[1], fixed[2],
                          fixed[3], lists[2], lists[3], lists[4], lists[5], lists[6], lists[7]);
done:
    next_batch(d);
    leave(object);
    for (size_t i = 0; i < 8; i++)
        Py_XDECREF(lists[i]);
    for (size_t i = 0; i < 4; i++)
        Py_XDECREF(fixed[i]);
    Py_XDECREF(traits);
    return found;
}

static PyObject *py_mark_keys(PyObject *object, PyObject *bytes)
{
    Span marks;
    if (!span_of(bytes, &marks))
        return NULL;
    Decoder *d = enter(object);
    if (d == NULL)
        return NULL;
    bool is_done = mark_keys(d, marks.at, marks.length);
    leave(object);
    return PyBool_FromLong(is_done);
}

static PyObject *py_enveloped(PyObject *object, PyObject *nothing)
{
    (void)nothing;
    Decoder *d = enter(object);
    if (d == NULL)
        return NULL;
    unsigned long long kubectl = d->enveloped[KUBECTL], cri = d->enveloped[CRI];
    memset(d->enveloped, 0, sizeof d->enveloped);
    leave(object);
    return Py_BuildValue("KK", kubectl, cri);
}

static PyObject *py_height(PyObject *object, void *nothing)
{
    (void)nothing;
    return PyLong_FromSize_t(((PyDecoder *)object)->decoder->height);
}

static PyObject *py_size(PyObject *object, void *nothing)
{
    (void)nothing;
    return PyLong_FromSize_t(size_of_batch(((PyDecoder *)object)->decoder));
}

static PyMethodDef decoder_methods[] = {
    {"add_column", py_add_column, METH_VARARGS, 
     "add_column(kind, least, most, with_shape, is_seldom)"},
    {"add_trait", py_add_trait, METH_VARARGS, "add_trait(column, is_zero)"},
    {"add_head", py_add_head, METH_O, "add_head(bytes)"},
    {"add_format", py_add_format, METH_VARARGS, "add_format(operators, last, is_prefix)"},
    {"begin_source", py_begin_source, METH_VARARGS, "begin_source(pod, namespace, container)"},
    {"lay_out", py_lay_out, METH_NOARGS, "Begin, once columns are there."},
    {"add_key", py_add_key, METH_VARARGS, "add_key(name, meaning, column, rank, tells_record)"},
    {"read", py_read, METH_VARARGS, "read(data, at, number): see read_lines in decoder.h."},
    {"take", py_take, METH_NOARGS, "Hand out the batch and begin the next one."},
    {"mark_keys", py_mark_keys, METH_O, "mark_keys(marks): see decoder.h."},
    {"enveloped", py_enveloped, METH_NOARGS, "How many lines of kubectl and CRI were there."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef decoder_attributes[] = {
    {"height", py_height, NULL, "How many records the batch has.", NULL},
    {"size", py_size, NULL, "How many bytes it has.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot decoder_slots[] = {
    {Py_tp_doc, "Decodes lines of one or several sources, batch by batch."},
    {Py_tp_new, new_decoder},
    {Py_tp_dealloc, free_decoder},
    {Py_tp_methods, decoder_methods},
    {Py_tp_getset, decoder_attributes},
    {0, NULL},
};

static PyType_Spec decoder_spec = {
    .name = "envoylogs.reading.decoders._compiled_decoder.Decoder",
    .basicsize = sizeof(PyDecoder),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = decoder_slots,
};

static int add_types(PyObject *module)
{
    column_type = (PyTypeObject *)PyType_FromSpec(&column_spec);
    decoder_type = (PyTypeObject *)PyType_FromSpec(&decoder_spec);
    if (column_type == NULL || decoder_type == NULL)
        return -1;
    return PyModule_AddObjectRef(module, "Decoder", (PyObject *)decoder_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_types}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_compiled_decoder",
    .m_doc = "Lines to keys and rows; see decoder.h.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__compiled_decoder(void) { return PyModuleDef_Init(&module); }
