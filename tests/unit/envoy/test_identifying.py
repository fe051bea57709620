from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.envoy.identifying import (
    HiddenPaths,
    hidden_details,
    hidden_text,
    is_plain_host,
    is_plain_word,
)
from envoylogs.envoy.paths import path_group
from envoylogs.keyed.anonymize import Anonymizer
from envoylogs.keyed.keyed_records import KeyedRecords

_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


def _named(kind: str, value: str) -> str:
    return f"<{kind} {value}>"


def _hidden(path: str) -> str:
    return HiddenPaths(_named).of(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "*",
        "//",
        "/api/v1/orders/items",
        "/shop.cart.v1.CartService/GetCart",
        "/static/img/large@2x.webp",
        "/v1beta1/getUserByIdAndName",
        "/oauth2/token",
        "/.well-known/openid-configuration",
        "/a/~b/c:d",
        "/search?q=&page=",
    ],
)
def test_words_of_routes_stay(path: str) -> None:
    assert _hidden(path) == path


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("/orders/17/items", "/orders/<id 17>/items"),
        (
            "/u/3F2504E0-4f89-41d3-9a0c-0305e82c3301",
            "/u/<uuid 3F2504E0-4f89-41d3-9a0c-0305e82c3301>",
        ),
        ("/f/deadbeefdeadbeef", "/f/<hash deadbeefdeadbeef>"),
        ("/u/a@b.example", "/u/<email a@b.example>"),
        ("/u/a%40b.example", "/u/<email a@b.example>"),
        (f"/t/{_JWT}/x", f"/t/<token {_JWT}>/x"),
        ("/t/s3cr3t", "/t/<token s3cr3t>"),
        ("/t/order-123", "/t/<token order-123>"),
        ("/t/QmFzZVNpeHR5Rm", "/t/<token QmFzZVNpeHR5Rm>"),
        ("/t/xkcdqwrtzp", "/t/<token xkcdqwrtzp>"),
        ("/t/ip-192-0-2-1", "/t/<token ip-192-0-2-1>"),
        ("/t/Zo%C3%AB", "/t/<token Zoë>"),
        ("/c;jsessionid=X1;v=2/d", "/c;jsessionid=<value X1>;v=<value 2>/d"),
        ("/17;a=b", "/<id 17>;a=<value b>"),
        ("/s?q=a+b&q=%41", "/s?q=<value a b>&q=<value A>"),
        ("/s?bare", "/s?<value bare>"),
        ("/s?n4m3k3y=1&a[]=2", "/s?<value n4m3k3y>=<value 1>&a[]=<value 2>"),
        ("/s?a=b?c=d", "/s?a=<value b?c=d>"),
        ("/s#part", "/s#<value part>"),
        ("/s?a=1#b?c", "/s?a=<value 1>#<value b?c>"),
        ("http://u:p@h.example/x?y=1", "http://<token u:p@h.example>/x?y=<value 1>"),
        ("http://h.example", "http://<token h.example>"),
    ],
)
def test_what_may_be_somebodys_is_hidden(path: str, hidden: str) -> None:
    assert _hidden(path) == hidden


@given(st.text(max_size=60))
def test_any_path_has_as_many_segments_as_before_and_can_be_hidden_in_parts(path: str) -> None:
    paths = HiddenPaths(lambda kind, _: f"{{{kind}}}")
    bare = path.partition("?")[0].partition("#")[0]

    assert paths.of(path).partition("?")[0].partition("#")[0].count("/") == bare.count("/")


@given(
    st.lists(
        st.sampled_from(
            ["", "api", "17", "0", "deadbeefdeadbeef", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "v1",
             "1234567890123456"]
        ),
        max_size=8,
    )
)  # fmt: skip
def test_groups_of_hidden_paths_are_those_of_the_paths(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    hidden = (
        Anonymizer(b"key")
        .anonymized(KeyedRecords.of(pl.DataFrame({"path": [path]})))
        .records.frame()
    )

    both = pl.concat([pl.DataFrame({"path": [path]}), hidden])
    before, after = both.select(path_group(pl.col("path"))).to_series()
    assert before == after


@pytest.mark.parametrize("word", ["cart", "Cart", "HTTP", "v2", "oauth2", "sha256", "12", "X509"])
def test_words_are_plain(word: str) -> None:
    assert is_plain_word(word)


@pytest.mark.parametrize(
    "word", ["s3cr3t", "12345", "a1b2", "pa55w", "hunter222", "123", "bcdfghjk"]
)
def test_what_is_no_word_is_not_plain(word: str) -> None:
    assert not is_plain_word(word)


@pytest.mark.parametrize(
    "details",
    [
        "via_upstream",
        "route_not_found",
        "rbac_access_denied_matched_policy[none]",
        "rbac_access_denied_matched_policy[ns[shop]-policy[allow-v2]-rule[0]]",
        "jwt_authn_access_denied{Jwt_is_expired}",
        "jwt_authn_access_denied{Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt}",
        "upstream_reset_before_response_started{remote_connection_failure,"
        "delayed_connect_error:_111}",
        "upstream_reset_before_response_started{connection_failure,TLS_error:_268435703:"
        "SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER}",
        "http1.codec_error",
    ],
)
def test_details_that_envoy_writes_stay(details: str) -> None:
    assert hidden_details(details, _named) == details


def test_details_of_filters_of_ones_own_are_hidden() -> None:
    assert hidden_details("denied_bob", _named) == "<details denied_bob>"
    assert hidden_details("ext_proc_bob", _named) == "ext_proc_<details bob>"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("reset by 192.0.2.1:80", "reset by <token 192.0.2.1>:80"),
        ("from 2001:db8::1 now", "from <token 2001:db8::1> now"),
        ("user a@b.example gone", "user <email a@b.example> gone"),
        (f"bad {_JWT}", f"bad <token {_JWT}>"),
        ("key s3cr3t!", "key <token s3cr3t>!"),
        ("TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED",) * 2,
        ("X509_verify_cert: certificate verification error at depth 0",) * 2,
    ],
)
def test_texts_of_the_proxy_lose_what_is_no_word(text: str, hidden: str) -> None:
    assert hidden_text(text, _named) == hidden


@pytest.mark.parametrize(
    "host", ["shop.example.com", "k8s.example.com", "localhost", "a-b_c.example.com.", "*.x.org"]
)
def test_names_of_hosts_are_plain(host: str) -> None:
    assert is_plain_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "192.0.2.1",
        "[::1]",
        "u:p@shop.example.com",
        "a b",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301.example.com",
        "deadbeef0123deadbeef.example.com",
        "ec2-192-0-2-1.example.com",
        "t-1234567.example.com",
        "x" * 254,
    ],
)
def test_what_no_operator_calls_a_host_is_not_plain(host: str) -> None:
    assert not is_plain_host(host)
