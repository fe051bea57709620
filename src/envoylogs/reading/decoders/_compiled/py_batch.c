/* What a batch is handed out as. */
#include "bindings.h"

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

PyObject *py_take(PyObject *object, PyObject *nothing)
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
