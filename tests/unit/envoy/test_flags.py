"""The 30 core flags, as Envoy defines them."""

from __future__ import annotations

from envoylogs.envoy.flags import RESPONSE_FLAGS

_IN_ENVOYS_ORDER = (
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC",
    "URX", "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR",
    "UDO",
)  # fmt: skip
_LONG_NAMES = {
    "LH": "FailedLocalHealthCheck",
    "UH": "NoHealthyUpstream",
    "UT": "UpstreamRequestTimeout",
    "LR": "LocalReset",
    "UR": "UpstreamRemoteReset",
    "UF": "UpstreamConnectionFailure",
    "UC": "UpstreamConnectionTermination",
    "UO": "UpstreamOverflow",
    "NR": "NoRouteFound",
    "DI": "DelayInjected",
    "FI": "FaultInjected",
    "RL": "RateLimited",
    "UAEX": "UnauthorizedExternalService",
    "RLSE": "RateLimitServiceError",
    "DC": "DownstreamConnectionTermination",
    "URX": "UpstreamRetryLimitExceeded",
    "SI": "StreamIdleTimeout",
    "IH": "InvalidEnvoyRequestHeaders",
    "DPE": "DownstreamProtocolError",
    "UMSDR": "UpstreamMaxStreamDurationReached",
    "RFCF": "ResponseFromCacheFilter",
    "NFCF": "NoFilterConfigFound",
    "DT": "DurationTimeout",
    "UPE": "UpstreamProtocolError",
    "NC": "NoClusterFound",
    "OM": "OverloadManagerTerminated",
    "DF": "DnsResolutionFailed",
    "DO": "DropOverload",
    "DR": "DownstreamRemoteReset",
    "UDO": "UnconditionalDropOverload",
}


def test_the_30_core_flags_stand_once_and_in_envoys_order() -> None:
    assert tuple(flag.short for flag in RESPONSE_FLAGS) == _IN_ENVOYS_ORDER
    assert len(set(_IN_ENVOYS_ORDER)) == 30


def test_every_flag_has_the_long_name_that_envoy_prints() -> None:
    assert {flag.short: flag.long for flag in RESPONSE_FLAGS} == _LONG_NAMES


def test_every_flag_says_what_happened() -> None:
    for flag in RESPONSE_FLAGS:
        assert flag.meaning.endswith(".")


def test_every_flag_shows_a_failure_but_for_those_that_end_nothing() -> None:
    # The end of retries whose reason stands beside it, an answer of the cache.
    assert {flag.short for flag in RESPONSE_FLAGS if flag.failure is None} == {"URX", "RFCF"}
