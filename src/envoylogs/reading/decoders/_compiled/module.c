/* The type that reads, and the module. */
#include "bindings.h"

bool span_of(PyObject *bytes, Span *span)
{
    char *at;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(bytes, &at, &length) < 0)
        return false;
    *span = (Span){(const uint8_t *)at, (size_t)length};
    return true;
}

Decoder *enter(PyObject *object)
{
    PyDecoder *self = (PyDecoder *)object;
    if (self->is_used) {
        PyErr_SetString(PyExc_RuntimeError, "a decoder is used by one thread at a time");
        return NULL;
    }
    self->is_used = 1;
    return self->decoder;
}

void leave(PyObject *object) { ((PyDecoder *)object)->is_used = 0; }

PyObject *too_much(const char *what)
{
    PyErr_Format(PyExc_ValueError, "more or longer %s than a decoder takes", what);
    return NULL;
}

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
    {"add_format", py_add_format, METH_VARARGS, 
     "add_format(operators, last, is_prefix, is_lenient, is_last_free)"},
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
    PyObject *decoder_type = PyType_FromSpec(&decoder_spec);
    if (new_column_type() == NULL || decoder_type == NULL)
        return -1;
    return PyModule_AddObjectRef(module, "Decoder", decoder_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_types}, {0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_compiled_decoder",
    .m_doc = "Lines to keys and rows; see decoder.h.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__compiled_decoder(void) { return PyModuleDef_Init(&module); }
