"""Everything that a user can cause to go wrong, as one tree of exceptions.

::

    EnvoylogsError
    ├── SourceError          a source is missing or unreadable
    │   ├── MissingSourceError      it is not there
    │   └── IncompleteSourceError   an archive that can't be unpacked to its end
    ├── LogFormatError       nothing in the input is an access record
    ├── TextFormatError      a format string by which no line can be read
    ├── UnknownKeyError      a name that does not exist; lists the known ones
    ├── MappingError         keys that can't be mapped to columns
    ├── ConfigurationError   a setting that can't be used
    ├── QueryError           SQL that can't be understood or answered
    ├── SelectionError       a selection that makes no sense
    ├── EmptySelectionError  a selection that no record fits
    ├── TallyError           a tally that can't be read or added
    ├── TallyQuestionError   a saved tally that is asked for what it does not have
    ├── StateError           a file of counts that go on and can't be used
    └── OutputError          an output can't be written

Each class has a slug; ``docs/messages.md`` has a heading per slug. A bad line
is no exception: it is counted (``envoylogs.reading.fates``). The modules follow
the flow: sources, logs, what is asked of them, tallies, outputs.
"""

from __future__ import annotations

from envoylogs.errors.logs import LogFormatError, MappingError, TextFormatError
from envoylogs.errors.outputs import OutputError
from envoylogs.errors.problem import EnvoylogsError, first_line
from envoylogs.errors.questions import (
    ConfigurationError,
    EmptySelectionError,
    QueryError,
    SelectionError,
    UnknownKeyError,
)
from envoylogs.errors.sources import IncompleteSourceError, MissingSourceError, SourceError
from envoylogs.errors.tallies import StateError, TallyError, TallyQuestionError

__all__ = [
    "ConfigurationError",
    "EmptySelectionError",
    "EnvoylogsError",
    "IncompleteSourceError",
    "LogFormatError",
    "MappingError",
    "MissingSourceError",
    "OutputError",
    "QueryError",
    "SelectionError",
    "SourceError",
    "StateError",
    "TallyError",
    "TallyQuestionError",
    "TextFormatError",
    "UnknownKeyError",
    "first_line",
]
