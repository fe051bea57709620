"""What can be wrong with files that are given as configuration of a mesh.

No message repeats what stands in a file: it may be a secret. File, line and the
reason are enough to find the place.
"""

from __future__ import annotations

from envoylogs.errors import EnvoylogsError


class MeshFileError(EnvoylogsError):
    """A file that is given as configuration of a mesh can't be read as such."""

    slug = "mesh-file"

    @classmethod
    def syntax(cls, place: str, reason: str, language: str) -> MeshFileError:
        """Return the error for a text that breaks the rules of its language.

        Args:
            place: The file, with line and column as far as they are known.
            reason: In the words of the parser, without the text.
            language: ``JSON`` or ``YAML``.
        """
        return cls(
            f"{place}: is no valid {language}: {reason}. Print it again with -o json or -o yaml, "
            "or mend that line."
        )

    @classmethod
    def beyond(cls, place: str, what: str) -> MeshFileError:
        """Return the error for a text that holds more of something than is read."""
        return cls(f"{place}: {what}, which no configuration needs.")


class NotConfigurationError(MeshFileError):
    """A file is something else than configuration; the message says what to give instead."""

    slug = "not-mesh-configuration"

    @classmethod
    def of(cls, name: str, what: str, instead: str) -> NotConfigurationError:
        """Return the error for a file that is something else.

        Args:
            name: Of the file.
            what: It is, such as ``a table of listeners``.
            instead: The command whose output is read.
        """
        return cls(f"{name}: is {what}, which is not read as configuration. Give {instead}.")
