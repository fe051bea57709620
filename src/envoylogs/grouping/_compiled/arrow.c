#include "arrow.h"

#include <stdlib.h>

/* The C data and stream interfaces of Arrow, as it writes them down. */
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

enum { NULLABLE = 2 };

static const struct {
    const char *format;
    Kind kind;
} FORMATS[] = {
    {"vu", TEXTS}, {"l", INT64}, {"tsu:", INT64}, {"I", UINT32}, {"C", UINT8}, {"b", BITS},
};

static int read_kind(const struct ArrowSchema *schema, Kind *kind)
{
    for (size_t n = 0; n < sizeof FORMATS / sizeof *FORMATS; n++) {
        size_t length = strlen(FORMATS[n].format);
        /* A time may have a zone behind it. */
        bool is_prefix = FORMATS[n].format[length - 1] == ':';
        if (strncmp(schema->format, FORMATS[n].format, is_prefix ? length : length + 1) == 0) {
            *kind = FORMATS[n].kind;
            return 0;
        }
    }
    PyErr_Format(PyExc_TypeError, "columns of the Arrow type %s are not taken", schema->format);
    return -1;
}

static int read_column(const struct ArrowArray *array, int64_t offset, Kind kind, Column *column)
{
    if (array->n_buffers < (kind == TEXTS ? 3 : 2) || array->dictionary != NULL) {
        PyErr_SetString(PyExc_ValueError, "a column is not laid out as its type is");
        return -1;
    }
    *column = (Column){
        .kind = kind,
        .offset = (size_t)(array->offset + offset),
        .valid = array->null_count == 0 ? NULL : array->buffers[0],
        .values = array->buffers[1],
        .texts = array->buffers + 2,
    };
    return 0;
}

/* Takes the rows of one array: a structure of columns, or a column alone. */
static int take_array(
    const struct ArrowSchema *schema, const struct ArrowArray *array, Take take, void *what)
{
    Column columns[MOST_COLUMNS];
    bool is_frame = strcmp(schema->format, "+s") == 0;
    int64_t n_columns = is_frame ? array->n_children : 1;
    if (n_columns > MOST_COLUMNS || (is_frame && n_columns != schema->n_children)) {
        PyErr_Format(PyExc_ValueError, "more than %d columns", MOST_COLUMNS);
        return -1;
    }
    for (int64_t n = 0; n < n_columns; n++) {
        Kind kind;
        const struct ArrowArray *of_column = is_frame ? array->children[n] : array;
        if (read_kind(is_frame ? schema->children[n] : schema, &kind) < 0
            || read_column(of_column, is_frame ? array->offset : 0, kind, &columns[n]) < 0)
            return -1;
    }
    if (array->length == 0)
        return 0;
    bool is_done;
    Py_BEGIN_ALLOW_THREADS
    is_done = take(what, columns, (size_t)n_columns, (size_t)array->length);
    Py_END_ALLOW_THREADS
    if (!is_done)
        PyErr_NoMemory();
    return is_done ? 0 : -1;
}

static int take_stream(struct ArrowArrayStream *stream, Take take, void *what)
{
    struct ArrowSchema schema;
    if (stream->get_schema(stream, &schema) != 0) {
        PyErr_SetString(PyExc_ValueError, "the columns can't be told");
        return -1;
    }
    int result = 0;
    while (result == 0) {
        struct ArrowArray array;
        if (stream->get_next(stream, &array) != 0) {
            PyErr_SetString(PyExc_ValueError, "the rows can't be read");
            result = -1;
            break;
        }
        if (array.release == NULL)
            break;
        result = take_array(&schema, &array, take, what);
        array.release(&array);
    }
    schema.release(&schema);
    return result;
}

int take_rows(PyObject *frame, Take take, void *what)
{
    PyObject *capsule = PyObject_CallMethod(frame, "__arrow_c_stream__", NULL);
    if (capsule == NULL)
        return -1;
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    int result = stream == NULL ? -1 : take_stream(stream, take, what);
    /* Its destructor releases the stream. */
    Py_DECREF(capsule);
    return result;
}

void free_made(Made *made)
{
    free(made->values);
    free(made->valid);
    *made = (Made){0};
}

/* What an array that was handed over owns. */
typedef struct {
    Made made;
    const void *buffers[2];
} Owned;

static void release_array(struct ArrowArray *array)
{
    Owned *owned = array->private_data;
    free_made(&owned->made);
    free(owned);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }

static void destroy_array(PyObject *capsule)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release != NULL)
        array->release(array);
    free(array);
}

static void destroy_schema(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release != NULL)
        schema->release(schema);
    free(schema);
}

static PyObject *capsule_of_schema(Kind kind)
{
    struct ArrowSchema *schema = malloc(sizeof *schema);
    if (schema == NULL)
        return PyErr_NoMemory();
    *schema = (struct ArrowSchema){
        .format = kind == INT64 ? "l" : "I",
        .name = "",
        .flags = NULLABLE,
        .release = release_schema,
    };
    PyObject *capsule = PyCapsule_New(schema, "arrow_schema", destroy_schema);
    if (capsule == NULL)
        free(schema);
    return capsule;
}

static PyObject *capsule_of_array(Made *made)
{
    struct ArrowArray *array = malloc(sizeof *array);
    Owned *owned = malloc(sizeof *owned);
    PyObject *capsule = NULL;
    if (array == NULL || owned == NULL)
        PyErr_NoMemory();
    else
        capsule = PyCapsule_New(array, "arrow_array", destroy_array);
    if (capsule == NULL) {
        free(array);
        free(owned);
        return NULL;
    }
    *owned = (Owned){*made, {made->valid, made->values}};
    *array = (struct ArrowArray){
        .length = (int64_t)made->height,
        .null_count = (int64_t)made->nulls,
        .n_buffers = 2,
        .buffers = owned->buffers,
        .release = release_array,
        .private_data = owned,
    };
    *made = (Made){0};
    return capsule;
}

PyObject *handed_over(Made *made)
{
    PyObject *schema = capsule_of_schema(made->kind);
    if (schema == NULL)
        return NULL;
    PyObject *array = capsule_of_array(made);
    if (array == NULL) {
        Py_DECREF(schema);
        return NULL;
    }
    /* Takes both. */
    return Py_BuildValue("(NN)", schema, array);
}
