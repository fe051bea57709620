"""Which decoder is in use, by what was built and what the environment says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from envoylogs.errors import ConfigurationError
from envoylogs.reading.decoders import choice
from envoylogs.reading.decoders.choice import VARIABLE, decoder_choice

_MODULE = "envoylogs.reading.decoders._compiled_decoder"


@pytest.fixture(autouse=True)
def _undecided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    decoder_choice.cache_clear()
    yield
    decoder_choice.cache_clear()


@pytest.fixture
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, _MODULE, ModuleType(_MODULE))


@pytest.fixture
def _not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    # So Python says that a module is not there.
    monkeypatch.setitem(sys.modules, _MODULE, None)


@pytest.fixture
def _built_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> ModuleType:
        raise ImportError(f"{name}: wrong ELF class\nmore of it")

    monkeypatch.setattr(choice, "import_module", refuse)


@pytest.mark.usefixtures("_built")
@pytest.mark.parametrize("wanted", [None, "", "compiled"])
def test_the_compiled_decoder_is_in_use_where_it_was_built(
    wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wanted is not None:
        monkeypatch.setenv(VARIABLE, wanted)

    assert decoder_choice() == (True, "compiled decoder")


@pytest.mark.usefixtures("_not_built")
def test_the_reference_decoder_is_in_use_where_nothing_was_built() -> None:
    assert decoder_choice() == (False, "reference decoder: the compiled one was not built")


@pytest.mark.usefixtures("_built_elsewhere")
def test_what_was_built_for_another_machine_is_passed_over_and_told() -> None:
    is_compiled, description = decoder_choice()

    assert not is_compiled
    assert description == (
        f"reference decoder: the compiled one can't be loaded ({_MODULE}: wrong ELF class)"
    )


@pytest.mark.usefixtures("_built")
def test_the_environment_chooses_the_reference_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "reference")

    assert decoder_choice() == (False, "reference decoder, chosen by ENVOYLOGS_DECODER")


@pytest.mark.parametrize(
    ("state", "why"),
    [("_not_built", "the compiled decoder was not built"), ("_built_elsewhere", "wrong ELF class")],
)
def test_a_compiled_decoder_that_is_demanded_and_not_there_is_an_error_with_a_remedy(
    state: str, why: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(state)
    monkeypatch.setenv(VARIABLE, "compiled")

    with pytest.raises(ConfigurationError, match=rf"{VARIABLE}: .*{why}.*apt-get install") as found:
        decoder_choice()
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("wanted", ["fast", "Compiled", " reference"])
def test_another_name_is_an_error_that_names_the_two(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, wanted)

    with pytest.raises(ConfigurationError, match="Give reference or compiled"):
        decoder_choice()


@pytest.mark.usefixtures("_built")
def test_it_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = decoder_choice()
    monkeypatch.setenv(VARIABLE, "reference")

    assert decoder_choice() is before
