"""Policies: filters that act where a route says so, and the services that they ask.

Envoy has all filters from the start. A route switches one on by settings of its
own, as a policy of Istio does that is applied to a running gateway.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from lab.clusters import NOBODY, SILENT, Service
from lab.listeners import http_filter
from lab.routes import for_filter

if TYPE_CHECKING:
    from lab.envoy_config import Config

__all__ = [
    "FILTERS",
    "POLICY_SERVICES",
    "TOKEN",
    "answer_by_script",
    "ask_limiter",
    "authorize",
    "buffer_answer",
    "check_origin",
    "deny",
    "limit",
    "limit_body",
    "need_token",
    "process",
]

_JUDGE = Service("judge.policy", ("judge",), http2=True)
_GONE = Service("gone.policy", (NOBODY,))
_GONE_GRPC = Service("gone.policy", (NOBODY,), subset="grpc", http2=True)
_STUCK = Service("stuck.policy", (SILENT,), http2=True)

POLICY_SERVICES = (_JUDGE, _GONE, _GONE_GRPC, _STUCK)
"""Those that ``FILTERS`` ask: one says no to everything, the others are down."""


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


_ISSUER = "https://id.example.com"
_CLAIMS = {"iss": _ISSUER, "sub": "someone", "exp": 4_102_444_800}
TOKEN = ".".join(
    _base64url(part)
    for part in (json.dumps({"alg": "HS256", "kid": "new"}), json.dumps(_CLAIMS), "no signature")
)
"""A token of a key that is not among those that the gateway was given."""

_OLD_KEYS = {"keys": [{"kty": "oct", "alg": "HS256", "kid": "old", "k": _base64url("x" * 32)}]}


def _grpc(service: Service, timeout: str = "5s") -> Config:
    return {"envoy_grpc": {"cluster_name": service.cluster}, "timeout": timeout}


def _keys(provider: Config) -> Config:
    return {"issuer": _ISSUER, **provider}


def _off(filter_config: Config) -> Config:
    """Return a filter that acts on no route but those that have settings for it."""
    return {**filter_config, "disabled": True}


_KEYS_AT = {"uri": "http://id.example.com/jwks", "cluster": _GONE.cluster, "timeout": "1s"}
_TOKENS = http_filter(
    "jwt_authn", "jwt_authn.v3.JwtAuthentication",
    providers={
        "local": _keys({"local_jwks": {"inline_string": json.dumps(_OLD_KEYS)}}),
        "remote": _keys({"remote_jwks": {"http_uri": _KEYS_AT}}),
    },
    requirement_map={
        "local": {"provider_name": "local"}, "remote": {"provider_name": "remote"},
    },
)  # fmt: skip
_AUTHORIZATION = "ext_authz.v3.ExtAuthz"
_LIMITER = "ratelimit.v3.RateLimit"

FILTERS = tuple(
    _off(config)
    for config in (
        _TOKENS,
        http_filter(
            "authz_http", _AUTHORIZATION,
            http_service={
                "server_uri": {
                    "uri": "http://gone.policy", "cluster": _GONE.cluster, "timeout": "5s"
                }
            },
            status_on_error={"code": 503},
        ),
        http_filter("authz_grpc", _AUTHORIZATION, grpc_service=_grpc(_GONE_GRPC)),
        http_filter("authz_stuck", _AUTHORIZATION, grpc_service=_grpc(_STUCK, "0.3s")),
        http_filter("authz_no", _AUTHORIZATION, grpc_service=_grpc(_JUDGE)),
        http_filter(
            "limiter", _LIMITER, domain="lab", timeout="5s",
            rate_limit_service={"grpc_service": _grpc(_JUDGE), "transport_api_version": "V3"},
        ),
        http_filter(
            "limiter_gone", _LIMITER, domain="lab", timeout="5s",
            failure_mode_deny=True,
            rate_limit_service={"grpc_service": _grpc(_GONE_GRPC), "transport_api_version": "V3"},
        ),
        http_filter(
            "ext_proc", "ext_proc.v3.ExternalProcessor", grpc_service=_grpc(_GONE_GRPC)
        ),
        http_filter("buffer", "buffer.v3.Buffer", max_request_bytes=1_000),
        http_filter("lua", "lua.v3.Lua"),
        http_filter(
            "csrf", "csrf.v3.CsrfPolicy", filter_enabled={"default_value": {"numerator": 100}}
        ),
    )
)  # fmt: skip


def need_token(route: Config, keys: str) -> Config:
    """Require a token whose keys are ``local``, or ``remote`` and out of reach."""
    type_name = "jwt_authn.v3.PerRouteConfig"
    return for_filter(route, "jwt_authn", type_name, requirement_name=keys)


def authorize(route: Config, who: str) -> Config:
    """Ask an authorization service: ``http``, ``grpc`` and ``stuck`` are down, ``no`` denies."""
    return for_filter(route, f"authz_{who}", "ext_authz.v3.ExtAuthzPerRoute", check_settings={})


def deny(route: Config, policy: str = "") -> Config:
    """Deny everybody: by an AuthorizationPolicy of a name, or else because none allows anybody."""
    everybody = {"permissions": [{"any": True}], "principals": [{"any": True}]}
    denied = {"action": "DENY", "policies": {policy: everybody}}
    rules = denied if policy else {"action": "ALLOW"}
    return for_filter(route, "rbac", "rbac.v3.RBACPerRoute", rbac={"rules": rules})


def limit(route: Config) -> Config:
    """Allow one request an hour."""
    return for_filter(
        route, "local_ratelimit", "local_ratelimit.v3.LocalRateLimit",
        stat_prefix="limited",
        token_bucket={"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        filter_enabled={"default_value": {"numerator": 100}},
        filter_enforced={"default_value": {"numerator": 100}},
    )  # fmt: skip


def ask_limiter(route: Config, name: str) -> Config:
    """Ask a rate limit service: ``limiter`` says that it is too much, ``limiter_gone`` is down."""
    descriptor = {"actions": [{"generic_key": {"descriptor_value": "all"}}]}
    return for_filter(route, name, "ratelimit.v3.RateLimitPerRoute", rate_limits=[descriptor])


def process(route: Config) -> Config:
    """Ask an external processor that is down."""
    return for_filter(route, "ext_proc", "ext_proc.v3.ExtProcPerRoute", overrides={})


def limit_body(route: Config) -> Config:
    """Buffer the body of a request, if it is small."""
    limits = {"max_request_bytes": 1_000}
    return for_filter(route, "buffer", "buffer.v3.BufferPerRoute", buffer=limits)


def buffer_answer(route: Config) -> Config:
    """Read the whole answer by Lua, for which the gateway buffers it."""
    return _script(route, "function envoy_on_response(handle) handle:body() end")


def answer_by_script(route: Config) -> Config:
    """Answer by Lua."""
    return _script(
        route,
        'function envoy_on_request(handle) handle:respond({[":status"] = "503"}, "") end',
    )


def _script(route: Config, lua: str) -> Config:
    return for_filter(route, "lua", "lua.v3.LuaPerRoute", source_code={"inline_string": lua})


def check_origin(route: Config) -> Config:
    """Refuse what another origin sends."""
    everything = {"default_value": {"numerator": 100}}
    return for_filter(route, "csrf", "csrf.v3.CsrfPolicy", filter_enabled=everything)
