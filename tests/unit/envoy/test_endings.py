"""An ending holds all that the outcome and the failure of a record rest on."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from envoylogs.envoy.details import RESPONSE_CODE_DETAILS
from envoylogs.envoy.failures.lookup import with_failure
from envoylogs.envoy.flags import RESPONSE_FLAGS
from envoylogs.envoy.outcome_rules import LOGGED_KEYS, ending_of_record, with_outcome

_FLAGS = [flag.short for flag in RESPONSE_FLAGS]
_DETAILS = [detail.match.replace("*", "x") for detail in RESPONSE_CODE_DETAILS]


def _or_null(*values: str) -> SearchStrategy[str | None]:
    return st.sampled_from([None, *values])


_RECORDS = st.fixed_dictionaries(
    {
        "response_code": st.sampled_from([None, 0, 101, 200, 302, 404, 429, 503]),
        "response_flags": st.none() | st.lists(st.sampled_from(_FLAGS), max_size=2).map(",".join),
        "response_code_details": _or_null(*_DETAILS, "unheard_of"),
        "connection_termination_details": _or_null(*_DETAILS, "unheard_of"),
        "upstream_transport_failure_reason": _or_null(
            "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", "x"
        ),
        "route_name": _or_null("default", "allow_any", "block_all", "any", "a-route"),
        "upstream_cluster": _or_null(
            "PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster", "agent",
            "outbound|80||a.example.com",
        ),
        "method": _or_null("GET"),
        "path": _or_null("/"),
        "authority": _or_null("a.example.com"),
        "protocol": _or_null("HTTP/2"),
        "upstream_host": _or_null("192.0.2.1:80"),
        "upstream_service_time_ms": st.sampled_from([None, 0, 3]),
        "bytes_sent": st.sampled_from([None, 0, 3]),
        **dict.fromkeys(LOGGED_KEYS, st.booleans()),
    }
)  # fmt: skip
_INTEGERS = ("response_code", "upstream_service_time_ms", "bytes_sent")


@pytest.mark.property
@given(found=st.lists(_RECORDS, min_size=1, max_size=20))
def test_what_records_of_one_ending_are_is_the_same(found: list[dict[str, object]]) -> None:
    known = dict.fromkeys(_INTEGERS, pl.Int64()) | dict.fromkeys(LOGGED_KEYS, pl.Boolean())
    schema = {name: known.get(name, pl.String()) for name in found[0]}
    records = pl.DataFrame(found, schema=schema)

    whole, alike = (
        with_failure(with_outcome(one))[["outcome", "failure"]]
        for one in (records, records.select(ending_of_record()))
    )

    assert alike.equals(whole)
