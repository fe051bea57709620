"""What the name of an upstream cluster says."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoylogs.envoy.clusters import cleaned_cluster, cluster_parts, service_label

_Parts = tuple[str | None, int | None, str | None, str | None]


def _cleaned(cluster: str | None) -> str | None:
    logged = pl.DataFrame({"cluster": pl.Series([cluster], dtype=pl.String)})
    value: str | None = logged.select(cleaned_cluster(pl.col("cluster"))).item()
    return value


def _parts(cluster: str | None) -> _Parts:
    """Return direction, port, subset and service of a logged cluster."""
    logged = pl.DataFrame({"cluster": pl.Series([cluster], dtype=pl.String)})
    cleaned = logged.select(cleaned_cluster(pl.col("cluster")))
    direction, port, subset, service = cleaned.select(cluster_parts(pl.col("cluster"))).row(0)
    return direction, port, subset, service


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ("outbound|80||cart.shop.svc.cluster.local",
         ("outbound", 80, None, "cart.shop.svc.cluster.local")),
        ("outbound|80||cart.shop.svc.cluster.local;",
         ("outbound", 80, None, "cart.shop.svc.cluster.local")),
        ("outbound|9080|v2|reviews.default.svc.cluster.local",
         ("outbound", 9080, "v2", "reviews.default.svc.cluster.local")),
        ("outbound|9080|v2|reviews.default.svc.cluster.local;",
         ("outbound", 9080, "v2", "reviews.default.svc.cluster.local")),
        ("outbound|80|version-v2.1|catalog.shop.svc.cluster.local",
         ("outbound", 80, "version-v2.1", "catalog.shop.svc.cluster.local")),
        # From Istio 1.10 on inbound clusters name nothing but the port.
        ("inbound|8080||", ("inbound", 8080, None, None)),
        ("inbound|8080||;", ("inbound", 8080, None, None)),
        # Before, a port name stood in the place of the subset.
        ("inbound|9080|http|productpage.default.svc.cluster.local",
         ("inbound", 9080, None, "productpage.default.svc.cluster.local")),
        ("inbound|8081|mgmt-8081|mgmtCluster", ("inbound", 8081, None, "mgmtCluster")),
        ("inbound-vip|80|http|cart.shop.svc.cluster.local",
         ("inbound-vip", 80, None, "cart.shop.svc.cluster.local")),
        # A waypoint has a subset behind the protocol.
        ("inbound-vip|80|http/v2|cart.shop.svc.cluster.local;",
         ("inbound-vip", 80, "v2", "cart.shop.svc.cluster.local")),
        ("inbound-vip|5432|tcp/primary|db.example.com",
         ("inbound-vip", 5432, "primary", "db.example.com")),
        ("inbound-vip|80||cart.shop.svc.cluster.local",
         ("inbound-vip", 80, None, "cart.shop.svc.cluster.local")),
        ("outbound_.9080_._.productpage.default.svc.cluster.local",
         ("outbound", 9080, None, "productpage.default.svc.cluster.local")),
        ("outbound_.9080_.v1_.productpage.default.svc.cluster.local",
         ("outbound", 9080, "v1", "productpage.default.svc.cluster.local")),
        ("outbound|443||*.wikipedia.org", ("outbound", 443, None, "*.wikipedia.org")),
        ("outbound|443||2001:db8::1", ("outbound", 443, None, "2001:db8::1")),
        ("outbound|443||192.0.2.1", ("outbound", 443, None, "192.0.2.1")),
        ("outbound|80||legacy_.name.example.com",
         ("outbound", 80, None, "legacy_.name.example.com")),
        ("outbound|80||a|b", ("outbound", 80, None, "a|b")),
        ("outbound|||cart.shop", ("outbound", None, None, "cart.shop")),
        ("outbound|99999999999999999999||cart.shop", ("outbound", None, None, "cart.shop")),
    ],
)  # fmt: skip
def test_the_name_of_a_mesh_cluster_is_taken_apart(cluster: str, expected: _Parts) -> None:
    assert _parts(cluster) == expected


@pytest.mark.parametrize(
    "cluster",
    [
        None,
        "PassthroughCluster",
        "BlackHoleCluster",
        "InboundPassthroughClusterIpv4",
        "agent",
        "prometheus_stats",
        "original_destination_cluster",
        "httproute/default/ratings/rule/0",
        "offer-service-master_basebook-core-mapper_5000",
        "outbound",
        "outbound|80",
        "outbound|80|v1",
        "outbound|http||cart.shop",
        "outboundish|80||cart.shop",
        " outbound|80||cart.shop",
        "OUTBOUND|80||cart.shop",
        "cart_shop_80",
    ],
)
def test_any_other_name_is_opaque(cluster: str | None) -> None:
    assert _parts(cluster) == (None, None, None, None)
    assert _cleaned(cluster) == cluster


@pytest.mark.parametrize(
    ("logged", "cleaned"),
    [
        ("outbound|80||a;", "outbound|80||a"),
        ("a;b", "a;b"),
        ("a;;", "a;"),
        ("a", "a"),
        (None, None),
    ],
)
def test_one_trailing_semicolon_is_no_part_of_the_name(
    logged: str | None, cleaned: str | None
) -> None:
    assert _cleaned(logged) == cleaned


_LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)


@pytest.mark.property
@given(
    port=st.integers(0, 65535),
    subset=st.just("") | _LABELS,
    service=st.lists(_LABELS, min_size=1, max_size=4).map(".".join),
    separator=st.sampled_from(("|", "_.")),
    end=st.sampled_from(("", ";")),
)
def test_what_istio_puts_into_a_name_comes_out_of_it(
    port: int, subset: str, service: str, separator: str, end: str
) -> None:
    cluster = separator.join(("outbound", str(port), subset, service)) + end

    assert _parts(cluster) == ("outbound", port, subset or None, service)


@pytest.mark.property
@given(st.lists(st.none() | st.text(max_size=30), min_size=1, max_size=5))
def test_no_name_is_too_strange_to_be_read(clusters: list[str | None]) -> None:
    logged = pl.DataFrame({"cluster": pl.Series(clusters, dtype=pl.String)})

    parts = logged.select(cluster_parts(pl.col("cluster")))

    assert parts.height == len(clusters)
    assert parts.columns == [
        "upstream_direction", "upstream_port", "upstream_subset", "upstream_service",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cluster", "label"),
    [
        ("outbound|80|v2|reviews.shop.svc.cluster.local", "reviews.shop:80 v2"),
        ("outbound|80||reviews.shop.svc.cluster.local", "reviews.shop:80"),
        ("outbound|443||api.example.com", "api.example.com:443"),
        ("outbound|443||*.example.com", "*.example.com:443"),
        ("inbound-vip|80|http|reviews.shop.svc.cluster.local", "reviews.shop:80"),
        ("inbound-vip|80|http/v2|reviews.shop.svc.cluster.local", "reviews.shop:80 v2"),
        ("PassthroughCluster", "PassthroughCluster"),
        ("any|name|with|bars", "any|name|with|bars"),
        ("", ""),
    ],
)
def test_people_read_a_short_label(cluster: str, label: str) -> None:
    assert service_label(cluster) == label
