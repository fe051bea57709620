"""Every way in which a request or a connection can end, and who must act where it is harm.

Written from what Envoy documents and not from the program: rows are flags, details and codes as
Envoy pairs them, and unusual ones. ``HARMS`` turn users away, break what they get or slow it;
``HARMLESS`` rows say why nobody is worse off; ``NAMELESS`` rows are harm of which no record says
whose it is. ``who`` has every actor that a competent operator would accept as the one to act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random
from typing import TYPE_CHECKING, Any

from tests.builders import Era

from envoylogs.envoy.harm import Actor

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CONNECTION_HARMS",
    "HARMLESS",
    "HARMS",
    "NAMELESS",
    "ConnectionEnding",
    "Ending",
    "Upstream",
    "ending_of",
    "settled",
]

Record = dict[str, Any]

DETAILED = Era.V1_9
"""Typed, with details."""
BARE = Era.V1_3
"""All strings, without details; Istio 1.3 to 1.7."""
ERAS = (DETAILED, BARE)

_CLIENT, _CONFIGURATION, _POLICY, _OPERATOR, _UPSTREAM = (
    frozenset({actor})
    for actor in (
        Actor.CLIENT, Actor.CONFIGURATION, Actor.POLICY, Actor.OPERATOR, Actor.UPSTREAM,
    )
)  # fmt: skip
_REFUSAL = _POLICY | _CLIENT
_FULL = _POLICY | _UPSTREAM
_UNCLEAR_REFUSAL = _OPERATOR | _POLICY | _CLIENT
_UNCLEAR_FAILURE = _OPERATOR | _POLICY | _CONFIGURATION


class Upstream(Enum):
    """How far a request got."""

    NOWHERE = auto()
    """No route was chosen."""
    CHOSEN = auto()
    """A route and its cluster were chosen, no host of it."""
    EITHER = auto()
    """A filter refused it: before or after the route was chosen, by the order of filters."""
    ASKED = auto()
    """It was sent, or to be sent, to a host, which did not answer."""
    ANSWERED = auto()
    """The host began to answer."""


@dataclass(frozen=True)
class Ending:
    """One way in which requests end.

    Attributes:
        code: Of the response.
        flags: As they are logged; ``-`` for none.
        details: As they are logged; null for a log that has the key and no value.
        upstream: How far they got.
        who: Who is right to act; empty where it is no harm.
        fails: Whether users got a failure though the code is below 500.
        eras: In which records there is such a row.
        duration_ms: The shortest and the longest.
        grpc: Whether they are calls of gRPC, whose failures are logged with code 200.
        changes: Of the record, besides.
        why: Why it is no harm, or whose it is can't be told.
        alone: Whether it is harm too if no request ever ended otherwise.
        injected: Whether a fault rule made it, which stands apart from errors.
    """

    code: int
    flags: str
    details: str | None
    upstream: Upstream
    who: frozenset[Actor] = frozenset()
    fails: bool = False
    eras: tuple[Era, ...] = ERAS
    duration_ms: tuple[int, int] = (0, 2)
    grpc: bool = False
    changes: tuple[tuple[str, object], ...] = ()
    why: str = ""
    alone: bool = True
    injected: bool = False

    def __str__(self) -> str:
        details = "null" if self.details is None else self.details or '""'
        others = [f"{key}={value}" for key, value in self.changes]
        where = self.upstream.name.lower()
        kind = ["grpc"] if self.grpc else []
        return " ".join([str(self.code), self.flags, details, where, *kind, *others])

    @property
    def is_error(self) -> bool:
        """Whether it counts as an error: users got a failure, and nobody injected it."""
        return not self.injected and (self.code >= 500 or self.fails)


def settled(ending: Ending, chance: Random) -> Ending:
    """Return an ending as one gateway has it, whose filters have one order."""
    if ending.upstream is not Upstream.EITHER:
        return ending
    return replace(ending, upstream=chance.choice((Upstream.NOWHERE, Upstream.CHOSEN)))


def ending_of(ending: Ending, record: Record, era: Era, chance: Random) -> Record:
    """Return a request that was served as one that ended in this way, which is settled."""
    upstream = ending.upstream
    changes: Record = {
        "response_code": ending.code,
        "response_flags": ending.flags,
        "response_code_details": ending.details,
        "duration": chance.randint(*ending.duration_ms),
        "bytes_sent": 0 if ending.code in {0, 404} else 95,
    }
    if upstream is not Upstream.ANSWERED:
        changes["upstream_service_time"] = None
    if upstream in {Upstream.NOWHERE, Upstream.CHOSEN}:
        changes |= {"upstream_host": None, "upstream_local_address": None}
    if upstream is Upstream.NOWHERE:
        changes |= {"upstream_cluster": None, "route_name": None}
    if upstream is Upstream.CHOSEN and era is BARE:
        # Up to Istio 1.8 the cluster stays empty where no host was picked.
        changes["upstream_cluster"] = None
    return {**record, **changes, **dict(ending.changes)}


_BEFORE = "upstream_reset_before_response_started"
_AFTER = "upstream_reset_after_response_started"
_NOWHERE, _CHOSEN, _EITHER = Upstream.NOWHERE, Upstream.CHOSEN, Upstream.EITHER
_ASKED, _ANSWERED = Upstream.ASKED, Upstream.ANSWERED
_SOON, _LONG, _LATE = (3, 60), (15_000, 15_004), (120_000, 120_004)


def _unrouted() -> Iterator[Ending]:
    """Yield requests for which there is no route, or no cluster."""
    for details in ("route_not_found", "route_configuration_not_found", None):
        yield Ending(404, "NR", details, _NOWHERE, _CONFIGURATION)
    for details in ("route_not_found", "route_configuration_not_found"):
        yield Ending(404, "-", details, _NOWHERE, _CONFIGURATION, eras=(DETAILED,))
    yield Ending(200, "NR", "route_not_found", _NOWHERE, _CONFIGURATION, grpc=True)
    yield Ending(404, "-", None, _NOWHERE, _CONFIGURATION, eras=(BARE,),
                 changes=(("route_name", "default"),))  # fmt: skip
    # Where Gateway API or an EnvoyFilter sets the code, and the name that it has for nothing.
    for code, cluster in ((503, None), (500, "UnknownService"), (404, None)):
        yield Ending(code, "NC", "cluster_not_found", _CHOSEN, _CONFIGURATION, fails=True,
                     changes=(("upstream_cluster", cluster),))  # fmt: skip
    yield Ending(200, "NC", "cluster_not_found", _CHOSEN, _CONFIGURATION, fails=True, grpc=True)
    yield Ending(503, "-", "cluster_not_found", _CHOSEN, _CONFIGURATION, eras=(DETAILED,))
    # Before Envoy 1.18.
    yield Ending(503, "NR", "cluster_not_found", _CHOSEN, _CONFIGURATION)


def _by_a_dependency() -> Iterator[Ending]:
    """Yield requests that fail because the gateway's own services do."""
    for code in (403, 500, 503):
        yield Ending(code, "UAEX", "ext_authz_error", _EITHER, _OPERATOR, fails=True,
                     eras=(DETAILED,))  # fmt: skip
    yield Ending(403, "-", "ext_authz_error", _EITHER, _OPERATOR, fails=True, eras=(DETAILED,))
    # Without details a 5xx can't be the service's verdict.
    for code in (500, 503):
        yield Ending(code, "UAEX", None, _EITHER, _OPERATOR)
    yield Ending(500, "RLSE", "rate_limiter_error", _EITHER, _OPERATOR)
    yield Ending(500, "-", "rate_limiter_error", _EITHER, _OPERATOR, eras=(DETAILED,))
    yield Ending(500, "NFCF", None, _EITHER, _OPERATOR | _CONFIGURATION)
    for details in ("ext_proc_error", "ext_proc_error_gRPC_error_14"):
        for code in (500, 503):
            yield Ending(code, "-", details, _EITHER, _OPERATOR, eras=(DETAILED,))
    yield Ending(500, "-", "ext_proc_spurious_message", _EITHER, _OPERATOR, eras=(DETAILED,))
    for code in (500, 503):
        yield Ending(code, "-", "wasm_fail_stream", _EITHER, _OPERATOR, eras=(DETAILED,))
    # An outage of what the gateway depends on, whatever the code.
    yield Ending(401, "-", "jwt_authn_access_denied{Jwks_remote_fetch_is_failed}", _EITHER,
                 _OPERATOR, fails=True, eras=(DETAILED,))  # fmt: skip


def _refused() -> Iterator[Ending]:
    """Yield requests that a policy refuses, or that are refused as bad."""
    for flags, details in (
        ("RL", "request_rate_limited"), ("RL", "local_rate_limited"), ("RL", None),
        ("RL", "shop_rate_limited"),
    ):  # fmt: skip
        yield Ending(429, flags, details, _EITHER, _REFUSAL)
    yield Ending(429, "-", "local_rate_limited", _EITHER, _REFUSAL, eras=(DETAILED,))
    yield Ending(503, "RL", "local_rate_limited", _EITHER, _REFUSAL)
    yield Ending(200, "RL", "request_rate_limited", _EITHER, _REFUSAL, grpc=True)
    for code, details in (
        (403, "rbac_access_denied_matched_policy[none]"),
        (403, "rbac_access_denied_matched_policy[ns[shop]-policy[deny-all]-rule[0]]"),
        (403, "rbac_access_denied"),
        (401, "jwt_authn_access_denied{Jwt_is_missing}"),
        (401, "jwt_authn_access_denied{Jwt_is_expired}"),
        (401, "jwt_authn_access_denied{Jwt_issuer_is_not_configured}"),
        (401, "jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}"),
        (403, "jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}"),
        (403, "csrf_origin_mismatch"),
        (401, "ext_authz_denied"),
    ):
        yield Ending(code, "-", details, _EITHER, _REFUSAL, eras=(DETAILED,))
    for code in (401, 403):
        yield Ending(code, "UAEX", "ext_authz_denied", _EITHER, _REFUSAL)
    yield Ending(200, "UAEX", "ext_authz_denied", _EITHER, _REFUSAL, grpc=True, eras=(DETAILED,))
    for code, flags, details in (
        (400, "DPE", "http1.codec_error"),
        (400, "DPE", "http2.violation.of.messaging.rule"),
        (0, "DPE", "http3.malformed_headers"),
        (400, "IH", "request_headers_failed_strict_check{x-envoy-retry-on}"),
    ):
        yield Ending(code, flags, details, _NOWHERE, _CLIENT)
    for code, details in (
        (400, "http1.invalid_characters"), (400, "http2.unexpected_underscore"),
        (400, "http3.invalid_header_field"), (400, "request_headers_failed_strict_check{x-envoy}"),
        (426, "low_version"), (404, "missing_path_rejected"), (400, "invalid_path"),
        (404, "absolute_path_rejected"), (400, "path_normalization_failed"),
        (400, "early_connect_data"), (400, "rejecting_because_detection_failed"),
        (408, "request_header_timeout"), (408, "downstream_header_timeout"),
    ):  # fmt: skip
        path = (("path", None),) if details == "missing_path_rejected" else ()
        slow = (10_000, 10_003) if "timeout" in details else (0, 2)
        # What the codec found may also be between the gateway and its own filters.
        who = _CLIENT | (_OPERATOR if details.startswith("http") else frozenset())
        yield Ending(code, "-", details, _NOWHERE, who, eras=(DETAILED,), changes=path,
                     duration_ms=slow)  # fmt: skip
    yield Ending(403, "-", "upgrade_failed", _NOWHERE, _CLIENT | _CONFIGURATION, eras=(DETAILED,))
    yield Ending(413, "-", "request_payload_too_large", _CHOSEN, _CLIENT | _POLICY,
                 eras=(DETAILED,))  # fmt: skip
    # The client took too long to send it, so it is a refusal.
    yield Ending(408, "-", "request_overall_timeout", _EITHER, _CLIENT | _POLICY,
                 eras=(DETAILED,), duration_ms=(10_000, 10_003))  # fmt: skip
    for details in ("http1.headers_too_large", "http2.too_many_headers"):
        yield Ending(431, "-", details, _NOWHERE, _CLIENT | _POLICY, eras=(DETAILED,))


def _by_load() -> Iterator[Ending]:
    """Yield requests that were turned away because something is full."""
    yield Ending(503, "UO", f"{_BEFORE}{{overflow}}", _ASKED, _FULL)
    yield Ending(503, "UO", None, _ASKED, _FULL)
    yield Ending(200, "UO", f"{_BEFORE}{{overflow}}", _ASKED, _FULL, fails=True, grpc=True)
    yield Ending(503, "-", f"{_BEFORE}{{overflow}}", _ASKED, _FULL, eras=(DETAILED,))
    yield Ending(503, "UO", "maintenance_mode", _CHOSEN, _FULL)
    yield Ending(503, "-", "maintenance_mode", _CHOSEN, _FULL, eras=(DETAILED,))
    yield Ending(503, "-", "reached_concurrency_limit", _EITHER, _FULL, eras=(DETAILED,))
    yield Ending(503, "OM", "overload", _NOWHERE, _POLICY | _OPERATOR)
    yield Ending(503, "-", "overload", _NOWHERE, _POLICY | _OPERATOR, eras=(DETAILED,))
    for flags, details in (("DO", "drop_overload"), ("UDO", "unconditional_drop_overload")):
        yield Ending(503, flags, details, _CHOSEN, _FULL | _OPERATOR)
        yield Ending(503, "-", details, _CHOSEN, _FULL | _OPERATOR, eras=(DETAILED,))


def _unreached() -> Iterator[Ending]:
    """Yield requests whose service could not be reached."""
    yield Ending(503, "UH", "no_healthy_upstream", _CHOSEN, _UPSTREAM)
    yield Ending(503, "UH", None, _CHOSEN, _UPSTREAM)
    yield Ending(503, "-", "no_healthy_upstream", _CHOSEN, _UPSTREAM, eras=(DETAILED,))
    yield Ending(200, "UH", "no_healthy_upstream", _CHOSEN, _UPSTREAM, fails=True, grpc=True)
    refused = f"{_BEFORE}{{remote_connection_failure,delayed_connect_error:_111}}"
    for flags in ("UF", "UF,URX", "URX,UF"):
        yield Ending(503, flags, refused, _ASKED, _UPSTREAM, duration_ms=_SOON)
    yield Ending(503, "UF", None, _ASKED, _UPSTREAM, duration_ms=_SOON)
    for said, who in (
        ("TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED",
         _UPSTREAM | _CONFIGURATION),
        ("delayed connect error: 111", _UPSTREAM),
    ):  # fmt: skip
        yield Ending(503, "UF,URX", None, _ASKED, who, duration_ms=_SOON,
                     changes=(("upstream_transport_failure_reason", said),))  # fmt: skip
    yield Ending(503, "-", refused, _ASKED, _UPSTREAM, eras=(DETAILED,), duration_ms=_SOON)
    yield Ending(200, "UF,URX", refused, _ASKED, _UPSTREAM, fails=True, grpc=True)
    for why, who in (
        ("connection_failure,TLS_error:_268435703:SSL_routines:WRONG_VERSION_NUMBER",
         _UPSTREAM | _CONFIGURATION),
        ("connection_failure", _UPSTREAM),
        ("remote_connection_failure", _UPSTREAM),
        ("remote_connection_failure|delayed_connect_error:_Connection_refused", _UPSTREAM),
        ("remote_connection_failure|immediate_connect_error:_Network_is_unreachable", _UPSTREAM),
        ("connection_failure,immediate_connect_error:_101", _UPSTREAM),
        ("remote_connection_failure,delayed_connect_error:_110", _UPSTREAM),
        ("remote_connection_failure|delayed_connect_error:_Connection_timed_out", _UPSTREAM),
        ("remote_connection_failure,delayed_connect_error:_113", _UPSTREAM),
        ("remote_connection_failure|delayed_connect_error:_No_route_to_host", _UPSTREAM),
        ("local_connection_failure", _UPSTREAM | _OPERATOR),
        ("connection_timeout", _UPSTREAM),
    ):  # fmt: skip
        late = (10_000, 10_004) if why.endswith(("connection_timeout", "_110")) else _SOON
        for flags, eras in (("UF", ERAS), ("-", (DETAILED,))):
            yield Ending(503, flags, f"{_BEFORE}{{{why}}}", _ASKED, who, eras=eras,
                         duration_ms=late)  # fmt: skip
    yield Ending(503, "DF", "dns_resolution_failure", _CHOSEN, _UPSTREAM | _CONFIGURATION)
    yield Ending(503, "UF,DF", f"{_BEFORE}{{dns_resolution_failure}}", _CHOSEN,
                 _UPSTREAM | _CONFIGURATION)  # fmt: skip
    yield Ending(503, "LH", None, _CHOSEN, _OPERATOR | _UPSTREAM)
    yield Ending(503, "LH", "health_check_failed", _NOWHERE, _OPERATOR | _UPSTREAM)


def _late_or_broken() -> Iterator[Ending]:
    """Yield requests that took too long, and answers that broke off."""
    for details in ("response_timeout", "upstream_response_timeout", "upstream_per_try_timeout",
                    "upstream_per_try_idle_timeout"):  # fmt: skip
        yield Ending(504, "UT", details, _ASKED, _UPSTREAM, duration_ms=_LONG)
        yield Ending(504, "-", details, _ASKED, _UPSTREAM, duration_ms=_LONG, eras=(DETAILED,))
    yield Ending(504, "UT,URX", "upstream_per_try_timeout", _ASKED, _UPSTREAM, duration_ms=_LONG)
    yield Ending(200, "UT", "response_timeout", _ASKED, _UPSTREAM, fails=True, grpc=True,
                 duration_ms=_LONG)  # fmt: skip
    for code, flags, details in (
        (504, "UMSDR", "upstream_max_stream_duration_reached"),
        (408, "UMSDR", "upstream_max_stream_duration_reached"),
        (408, "-", "upstream_max_stream_duration_reached"),
        (504, "UMSDR", "max_duration_timeout"),
        (504, "-", "max_duration_timeout"),
        (408, "SI", "stream_idle_timeout"),
        (504, "SI", "stream_idle_timeout"),
        (504, "-", "stream_idle_timeout"),
        (504, "DT", "duration_timeout"),
        (0, "DT", "duration_timeout"),
        (504, "-", "duration_timeout"),
    ):
        eras = (DETAILED,) if flags == "-" else ERAS
        yield Ending(code, flags, details, _ASKED, _POLICY, fails=True, eras=eras,
                     duration_ms=_LATE)  # fmt: skip
    for flags, details in (
        ("UMSDR", "max_duration_timeout"), ("UMSDR", "upstream_max_stream_duration_reached"),
        ("SI", "stream_idle_timeout"), ("DT", "duration_timeout"),
    ):  # fmt: skip
        yield Ending(200, flags, details, _ANSWERED, _POLICY, fails=True, duration_ms=_LATE)
    for code, flags, why, who in (
        (503, "UC", "connection_termination", _UPSTREAM),
        (503, "UR", "remote_reset", _UPSTREAM),
        (503, "UR", "remote_refused_stream_reset", _UPSTREAM),
        (503, "UR", "http2.remote_refuse", _UPSTREAM),
        (502, "UPE", "protocol_error", _UPSTREAM),
        (503, "UPE", "protocol_error", _UPSTREAM),
        (503, "LR", "local_reset", _OPERATOR | _UPSTREAM),
    ):
        yield Ending(code, flags, f"{_BEFORE}{{{why}}}", _ASKED, who, duration_ms=_SOON)
        if flags != "LR" and code == 503:
            yield Ending(200, flags, f"{_AFTER}{{{why}}}", _ANSWERED, who, fails=True,
                         duration_ms=(200, 900))  # fmt: skip
    yield Ending(503, "UC", None, _ASKED, _UPSTREAM, duration_ms=_SOON)
    yield Ending(503, "UC,URX", f"{_BEFORE}{{connection_termination}}", _ASKED, _UPSTREAM)
    yield Ending(503, "-", f"{_BEFORE}{{unknown}}", _ASKED, _UPSTREAM, eras=(DETAILED,))
    yield Ending(200, "UR", "via_upstream", _ANSWERED, _UPSTREAM, fails=True,
                 duration_ms=(200, 900))  # fmt: skip
    yield Ending(200, "UR", f"{_BEFORE}{{remote_reset}}", _ASKED, _UPSTREAM, fails=True,
                 grpc=True)  # fmt: skip
    for code, flags, details, upstream in (
        (0, "DC", "downstream_remote_disconnect", _ASKED),
        (200, "DC", "downstream_remote_disconnect", _ANSWERED),
        (0, "DR", "http2.remote_reset", _ASKED),
        (0, "-", "downstream_remote_disconnect", _ASKED),
    ):
        eras = (DETAILED,) if flags == "-" else ERAS
        yield Ending(code, flags, details, upstream, _CLIENT | _UPSTREAM, eras=eras,
                     duration_ms=(2000, 40_000))  # fmt: skip


_CODES_5XX = (500, 501, 502, 503, 504, 505, 507, 600)
_CODES_4XX = (400, 401, 403, 404, 408, 413, 429, 431)


def _answered() -> Iterator[Ending]:
    """Yield answers of the upstream that are failures or refusals."""
    for code in _CODES_5XX:
        yield Ending(code, "-", "via_upstream", _ANSWERED, _UPSTREAM, duration_ms=_SOON)
    yield Ending(503, "URX", "via_upstream", _ANSWERED, _UPSTREAM, duration_ms=_SOON)
    for code in _CODES_4XX:
        # Paths that were served and that the application does not know any more; without the
        # time before they may be a scanner's.
        yield Ending(code, "-", "via_upstream", _ANSWERED, _CLIENT | _UPSTREAM, duration_ms=_SOON,
                     alone=code != 404)  # fmt: skip


def _by_the_gateway() -> Iterator[Ending]:
    """Yield what the gateway answers by itself: fixed responses, filters, limits, faults."""
    for code in (500, 502, 503):
        yield Ending(code, "-", "direct_response", _NOWHERE, _CONFIGURATION, eras=(DETAILED,),
                     changes=(("route_name", "shop-0"),))  # fmt: skip
    for code in (403, 404):
        yield Ending(code, "-", "direct_response", _NOWHERE, _CONFIGURATION | _POLICY,
                     eras=(DETAILED,), changes=(("route_name", "shop-0"),))  # fmt: skip
    yield Ending(502, "-", "direct_response", _NOWHERE, _POLICY | _CONFIGURATION,
                 eras=(DETAILED,), changes=(("route_name", "block_all"),))  # fmt: skip
    for code, details in (
        (500, "response_payload_too_large"), (507, "request_payload_exceeded_retry_buffer_limit"),
        (500, "lua_response"), (503, "lua_response"), (500, ""), (503, ""),
        (503, "health_check_failed"), (502, "websocket_handshake_unsuccessful"),
    ):  # fmt: skip
        of_others = _CLIENT | _UPSTREAM if details.startswith(("websocket", "health")) else set()
        who = _UNCLEAR_FAILURE | of_others
        yield Ending(code, "-", details, _EITHER, who, eras=(DETAILED,))
    for code, details in ((403, "lua_response"), (403, "")):
        yield Ending(code, "-", details, _EITHER, _UNCLEAR_REFUSAL, eras=(DETAILED,))
    yield Ending(0, "-", "downstream_local_disconnect(shutdown)", _ASKED, _UNCLEAR_REFUSAL,
                 eras=(DETAILED,))  # fmt: skip
    for code in _CODES_5XX:
        yield Ending(code, "-", "some_new_filter_failed", _EITHER, _UNCLEAR_FAILURE,
                     eras=(DETAILED,))  # fmt: skip
    for code in _CODES_4XX:
        yield Ending(code, "-", "some_new_filter_denied", _EITHER,
                     _UNCLEAR_REFUSAL | _CONFIGURATION, eras=(DETAILED,))  # fmt: skip
    yield Ending(0, "-", "some_new_filter_denied", _EITHER, _UNCLEAR_REFUSAL, eras=(DETAILED,))
    yield Ending(503, "XNEW", "some_new_filter_failed", _EITHER, _UNCLEAR_FAILURE)
    # The gateway's own, of logs without details.
    for code in (500, 503):
        yield Ending(code, "-", None, _NOWHERE, _UNCLEAR_FAILURE, eras=(BARE,))
    for code in (401, 403, 404, 413, 429):
        yield Ending(code, "-", None, _NOWHERE, _UNCLEAR_REFUSAL | _CONFIGURATION, eras=(BARE,))
    yield Ending(0, "-", None, _ASKED, _UNCLEAR_REFUSAL | _UPSTREAM, eras=(BARE,))
    for code in (400, 403, 404, 429, 500, 503):
        yield Ending(code, "FI", "fault_filter_abort", _CHOSEN, _POLICY, injected=True)
    yield Ending(200, "FI", "fault_filter_abort", _CHOSEN, _POLICY, injected=True, grpc=True)
    yield Ending(503, "-", "fault_filter_overflow", _CHOSEN, _POLICY, injected=True,
                 eras=(DETAILED,))  # fmt: skip


HARMS: tuple[Ending, ...] = (
    *_unrouted(), *_by_a_dependency(), *_refused(), *_by_load(), *_unreached(),
    *_late_or_broken(), *_answered(), *_by_the_gateway(),
)  # fmt: skip
"""All of them turn users away, break what they get, or slow it."""


def _harmless(  # noqa: PLR0913, PLR0917  # a row of a table
    code: int,
    flags: str,
    details: str | None,
    upstream: Upstream,
    why: str,
    eras: tuple[Era, ...] = ERAS,
    **changes: object,
) -> Ending:
    return Ending(code, flags, details, upstream, eras=eras, duration_ms=_SOON, why=why,
                  changes=tuple(changes.items()))  # fmt: skip


_USED = "it is an answer that users can use"
_TOLD = "the configuration says so, and clients go on"
_UPGRADED = "a WebSocket ends when either side closes it, which is logged as a reset"

HARMLESS: tuple[Ending, ...] = (
    *(_harmless(code, "-", "via_upstream", _ANSWERED, _USED) for code in (200, 204, 206, 304)),
    _harmless(201, "-", "via_upstream", _ANSWERED, _USED, method="POST"),
    _harmless(302, "-", "via_upstream", _ANSWERED, "the application redirects"),
    _harmless(200, "URX", "via_upstream", _ANSWERED, "a retry was in vain or not, and it is a 200"),
    _harmless(200, "DI", "via_upstream", _ANSWERED, "delayed on purpose, here by milliseconds"),
    _harmless(200, "DI,URX", "via_upstream", _ANSWERED, "both alone change nothing"),
    _harmless(101, "-", "via_upstream", _ANSWERED, "a WebSocket"),
    _harmless(101, "DC", "downstream_remote_disconnect", _ANSWERED, _UPGRADED),
    _harmless(101, "UC", f"{_AFTER}{{connection_termination}}", _ANSWERED, _UPGRADED),
    _harmless(101, "UR", f"{_AFTER}{{remote_reset}}", _ANSWERED, _UPGRADED),
    *(
        _harmless(code, "-", "direct_response", _CHOSEN, _TOLD, (DETAILED,))
        for code in (200, 204, 301, 302, 307, 308)
    ),
    _harmless(301, "-", None, _CHOSEN, _TOLD, (BARE,)),
    *(
        _harmless(code, "-", "cors_response", _CHOSEN, _TOLD, (DETAILED,), method="OPTIONS")
        for code in (200, 204)
    ),
    _harmless(200, "-", "health_check_ok", _NOWHERE, "a prober was answered", (DETAILED,)),
    _harmless(302, "-", "internal_redirect", _CHOSEN, "the next record is the answer", (DETAILED,)),
    _harmless(200, "-", "admin_filter_response", _NOWHERE, _TOLD, (DETAILED,)),
    _harmless(200, "-", "lua_response", _EITHER, "a filter answered, as it was told", (DETAILED,)),
    _harmless(200, "RFCF", "response_from_cache_filter", _CHOSEN, "answered from the cache"),
    _harmless(304, "RFCF", "response_from_cache_filter", _CHOSEN, "answered from the cache"),
)
"""Nobody is worse off because a request ends so, though a busy host that redirects all is told."""

_NOT_SAID = "the client did not say, or was not understood, which host it wanted"
NAMELESS: tuple[Ending, ...] = (
    Ending(400, "-", "missing_host_header", _NOWHERE, _CLIENT, eras=(DETAILED,), why=_NOT_SAID),
    Ending(400, "DPE", "http1.codec_error", _NOWHERE, _CLIENT, why=_NOT_SAID),
    Ending(408, "-", "request_header_timeout", _NOWHERE, _CLIENT, why=_NOT_SAID),
)
"""Refusals whose records name no host."""


@dataclass(frozen=True)
class ConnectionEnding:
    """One way in which connections end that is harm.

    Attributes:
        flags: As they are logged.
        details: As they are logged.
        who: Who is right to act.
        names: What must be named, the first that the records have: ``server_name``,
            ``cluster``, ``address``, ``listener``.
        changes: Of a connection that was passed on.
        server_name: Whether clients send one.
        duration_ms: The shortest and the longest.
    """

    flags: str
    details: str | None
    who: frozenset[Actor]
    names: str = "cluster"
    changes: tuple[tuple[str, object], ...] = ()
    server_name: bool = True
    duration_ms: tuple[int, int] = (0, 3)

    def __str__(self) -> str:
        others = [f"{key}={value}" for key, value in self.changes]
        sni = "with" if self.server_name else "without"
        return " ".join([self.flags, self.details or "null", f"{sni} server name", *others])


_NO_CHAIN = "filter_chain_not_found"
_UNSENT: tuple[tuple[str, object], ...] = (("upstream_host", None),)
_NO_CLUSTER: tuple[tuple[str, object], ...] = (("upstream_cluster", None), *_UNSENT)
_BLACK_HOLE: tuple[tuple[str, object], ...] = (("upstream_cluster", "BlackHoleCluster"), *_UNSENT)
_DENIED: tuple[tuple[str, object], ...] = (
    ("connection_termination_details", "rbac_access_denied_matched_policy[none]"),
)
_TLS_ERROR: tuple[tuple[str, object], ...] = (
    (
        "upstream_transport_failure_reason",
        "TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
    ),
)
_BEHIND = _UPSTREAM | _CONFIGURATION

CONNECTION_HARMS: tuple[ConnectionEnding, ...] = (
    *(
        ConnectionEnding(flags, None, who, changes=changes, server_name=named, duration_ms=lasting)
        for named in (True, False)
        for flags, who, changes, lasting in (
            ("UF", _BEHIND, (), _SOON),
            ("UF,URX", _BEHIND, (), (10_000, 10_004)),
            ("URX,UF", _BEHIND, (), _SOON),
            ("UH", _BEHIND, _UNSENT, (0, 3)),
            ("UO", _FULL | _CONFIGURATION, (), (0, 3)),
            ("UT", _BEHIND, (), (10_000, 10_004)),
            ("URX", _BEHIND, (), _SOON),
            ("DF", _BEHIND, _UNSENT, _SOON),
            ("NC", _BEHIND, (), (0, 3)),
            ("UC", _BEHIND, (), (0, 3)),
            ("UR", _BEHIND, (), _SOON),
            ("UF,URX", _BEHIND, _TLS_ERROR, _SOON),
        )
    ),
    *(
        ConnectionEnding(flags, None, _UNCLEAR_REFUSAL | _CONFIGURATION, names=name,
                         changes=(*_NO_CLUSTER, *changes), server_name=name == "server_name")
        for flags in ("-", "UAEX")
        for name in ("server_name", "listener")
        for changes in ((), _DENIED)
    ),
    ConnectionEnding("UH", None, _BEHIND | _POLICY, names="listener", changes=_BLACK_HOLE),
    ConnectionEnding("-", None, _BEHIND | _POLICY, names="listener", changes=_BLACK_HOLE),
    ConnectionEnding("NR", _NO_CHAIN, _CLIENT | _CONFIGURATION, names="server_name",
                     changes=_NO_CLUSTER),
    ConnectionEnding("NR", None, _CLIENT | _CONFIGURATION, names="server_name",
                     changes=_NO_CLUSTER),
    ConnectionEnding("NR", _NO_CHAIN, _CLIENT | _CONFIGURATION, names="listener",
                     changes=_NO_CLUSTER, server_name=False),
)  # fmt: skip
"""All of them are connections that were not passed on, or in vain."""
