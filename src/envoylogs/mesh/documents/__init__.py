"""Configuration as it is given: dumps of a proxy and objects, in JSON or YAML."""

from envoylogs.mesh.documents.files import located
from envoylogs.mesh.documents.reading import read_configuration

__all__ = ["located", "read_configuration"]
