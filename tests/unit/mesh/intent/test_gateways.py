"""Which servers of Istio's Gateways are in force, and on which ports."""

from __future__ import annotations

import pytest
from tests.intents import clusters, gateway, intent_of, notes, server, table, virtual_service, way

_DEPLOYMENT = """
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: ingress, namespace: edge}
  spec:
    template:
      metadata: {labels: {istio: ingressgateway, team: web}}
      spec:
        containers: [{name: istio-proxy, ports: [{name: plain, containerPort: 8081}]}]
"""
_POD = frozenset({"ingress-6c9d5b7f4-x2x4z"})
_OLD, _NEW = "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
_CERTIFICATE = "{mode: SIMPLE, credentialName: cert}"


_INGRESS = "{istio: ingressgateway}"
_NARROW = "{istio: ingressgateway, type: internal}"


def _https(path: str, *hosts: str, selector: str = _INGRESS, created: str = "") -> str:
    return gateway(
        path,
        *hosts,
        port=443,
        protocol="HTTPS",
        tls=_CERTIFICATE,
        selector=selector,
        created=created,
    )


def _service(port: int, target: str, more: str = "") -> str:
    return f"""
      apiVersion: v1
      kind: Service
      metadata: {{name: ingress, namespace: edge{more}}}
      spec:
        selector: {{istio: ingressgateway}}
        ports: [{{name: http, port: {port}, targetPort: {target}}}]
    """


def test_a_gateway_is_in_force_if_the_pods_of_the_log_carry_its_selector() -> None:
    found = server(intent_of(gateway("edge/gw"), _DEPLOYMENT, pods=_POD), "edge/gw")
    assert (found.in_force, found.reason) == (True, None)
    assert "Deployment edge/ingress" in found.why


def test_a_gateway_is_not_in_force_if_the_pods_of_the_log_are_others() -> None:
    other = gateway("edge/gw", selector="{istio: internal}")
    intent = intent_of(other, _DEPLOYMENT, virtual_service("edge/a", "*"), pods=_POD)
    found = server(intent, "edge/gw")
    assert (found.in_force, found.reason) == (False, "selects_other_pods")
    assert "istio=internal" in found.why
    assert (intent.tables, intent.listeners) == ((), ())


def test_without_the_pods_of_the_log_a_gateway_is_taken_as_selected() -> None:
    for pods in (frozenset[str](), frozenset({"another-6c9d5b7f4-x2x4z"})):
        intent = intent_of(gateway("edge/gw", selector="{x: y}"), _DEPLOYMENT, pods=pods)
        found = server(intent, "edge/gw")
        assert (found.in_force, found.reason) == (None, None)
        assert table(intent).name == "http.80"


def test_of_pods_that_are_not_all_in_the_files_nothing_is_excluded() -> None:
    pods = _POD | {"another-6c9d5b7f4-x2x4z"}
    found = server(
        intent_of(gateway("edge/gw", selector="{x: y}"), _DEPLOYMENT, pods=pods), "edge/gw"
    )
    assert found.in_force is None


def test_a_gateway_without_selector_is_for_all_pods() -> None:
    assert server(intent_of(gateway("edge/gw", selector="{}")), "edge/gw").in_force is True


@pytest.mark.parametrize(("target", "port"), [("8003", 8003), ("plain", 8081), ("'8004'", 8004)])
def test_the_port_of_a_service_is_translated(target: str, port: int) -> None:
    intent = intent_of(gateway("edge/gw"), _service(80, target), _DEPLOYMENT)
    assert server(intent, "edge/gw").pod_ports == (port,)
    assert table(intent).name == f"http.{port}"
    assert table(intent).virtual_hosts[0].name == "blackhole:80"


def test_any_other_port_is_bound_as_it_is() -> None:
    intent = intent_of(gateway("edge/gw", port=8003), _service(80, "8003"), _DEPLOYMENT)
    assert server(intent, "edge/gw").pod_ports == (8003,)
    assert not notes(intent, "port_not_in_service")


def test_a_port_that_no_client_of_the_service_reaches_is_noted() -> None:
    intent = intent_of(gateway("edge/gw", port=8004), _service(80, "8003"), _DEPLOYMENT)
    (note,) = notes(intent, "port_not_in_service")
    assert (str(note.object), note.field) == ("Gateway edge/gw", "servers[0].port.number")
    assert "Service edge/ingress" in note.says


def test_without_a_service_the_log_shows_what_the_stock_installation_makes_of_a_port() -> None:
    for ports, port in (({8080}, 8080), ({80}, 80), ({80, 8080}, 80), ({9000}, 80)):
        intent = intent_of(gateway("edge/gw"), ports=frozenset(ports))
        assert server(intent, "edge/gw").pod_ports == (port,)


def test_a_service_may_opt_out_of_translation() -> None:
    label = ", labels: {experimental.istio.io/disable-gateway-port-translation: 'true'}"
    intent = intent_of(gateway("edge/gw"), _service(80, "8003", label), _DEPLOYMENT)
    assert server(intent, "edge/gw").pod_ports == (80,)


def test_a_service_of_another_namespace_leads_to_other_pods() -> None:
    elsewhere = _service(80, "8003").replace("namespace: edge", "namespace: other")
    intent = intent_of(gateway("edge/gw"), elsewhere, _DEPLOYMENT)
    assert server(intent, "edge/gw").pod_ports == (80,)


def test_plain_servers_of_a_port_are_put_together() -> None:
    intent = intent_of(
        gateway("edge/one", "a.com"),
        gateway("edge/two", "b.com", protocol="HTTP2"),
        virtual_service("edge/a", "a.com", gateways="[one]"),
        virtual_service("edge/b", "b.com", gateways="[two]"),
        virtual_service("edge/c", "c.com", gateways="[two]"),
    )
    assert [each.name for each in table(intent).virtual_hosts] == ["a.com:80", "b.com:80"]
    assert len(intent.listeners[0].chains) == 1


def test_a_tls_server_that_shares_a_host_with_an_older_gateway_is_left_out_whole() -> None:
    intent = intent_of(
        _https("edge/new", "a.com", "b.com", created=_NEW),
        _https("edge/old", "a.com", created=_OLD),
        virtual_service("edge/b", "b.com", gateways="[new]"),
    )
    new, old = server(intent, "edge/new"), server(intent, "edge/old")
    assert (new.in_force, new.reason) == (False, "tls_host_taken")
    assert str(new.excluded_by) == "Gateway edge/old"
    assert old.in_force is None
    assert old.reason is None
    assert [each.name for each in intent.tables] == ["https.443.https.old.edge"]
    assert clusters(intent, "b.com", port=443, server_name="b.com") is None


def test_without_times_both_gateways_with_a_tls_host_may_be_in_force() -> None:
    intent = intent_of(
        _https("edge/one", "a.com"),
        _https("edge/two", "a.com", created=_NEW),
    )
    assert [(each.in_force, each.reason) for each in intent.servers] == [
        (None, "tls_host_taken"),
        (None, "tls_host_taken"),
    ]
    assert len(intent.tables) == 2
    choice = way(intent, "a.com", port=443, server_name="a.com").choice
    assert choice is not None
    assert choice.verdict == "may"


def test_of_one_second_the_name_decides() -> None:
    intent = intent_of(
        _https("edge/b", "a.com", created=_OLD),
        _https("edge/a", "a.com", created=_OLD),
    )
    assert server(intent, "edge/a").in_force is None
    assert server(intent, "edge/b").in_force is False


def test_tls_servers_of_different_pods_do_not_exclude_each_other() -> None:
    intent = intent_of(
        _https("edge/one", "a.com", selector="{app: one}", created=_OLD),
        _https("edge/two", "a.com", selector="{app: two}", created=_NEW),
    )
    assert [each.reason for each in intent.servers] == [None, None]


def test_an_older_gateway_of_perhaps_other_pods_leaves_it_open() -> None:
    intent = intent_of(
        _https("edge/wide", "a.com", created=_NEW),
        _https("edge/narrow", "a.com", selector=_NARROW, created=_OLD),
    )
    wide, narrow = server(intent, "edge/wide"), server(intent, "edge/narrow")
    assert (wide.in_force, wide.reason) == (None, "tls_host_taken")
    assert "same pods" in wide.why
    assert narrow.reason is None


def test_tcp_on_a_port_of_an_older_http_server_is_left_out() -> None:
    intent = intent_of(
        gateway("edge/web", created=_OLD),
        gateway("edge/tcp", protocol="TCP", created=_NEW),
    )
    found = server(intent, "edge/tcp")
    assert (found.in_force, found.reason) == (False, "protocol_conflict")
    (note,) = notes(intent, "port_conflict")
    assert (str(note.object), note.certainty) == ("Gateway edge/tcp", "proved")


def test_servers_with_their_own_addresses_do_not_exclude_each_other() -> None:
    intent = intent_of(
        """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: gw, namespace: edge}
        spec:
          servers:
          - {port: {number: 80, name: a, protocol: HTTP}, hosts: ["*"], bind: 10.0.0.1}
          - {port: {number: 80, name: b, protocol: TCP}, hosts: ["*"], bind: 10.0.0.2}
        """
    )
    assert [each.reason for each in intent.servers] == [None, None]
    assert table(intent).name == "http.80.10.0.0.1"
    assert intent.listeners[0].name == "10.0.0.1_80"


def test_servers_without_port_protocol_or_tls_are_not_in_force() -> None:
    intent = intent_of(
        """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: gw, namespace: edge}
        spec:
          servers:
          - {hosts: ["*"]}
          - {port: {number: 81, name: b}, hosts: ["*"]}
          - {port: {number: 443, name: c, protocol: HTTPS}, hosts: ["*"]}
        """
    )
    assert {(each.in_force, each.reason) for each in intent.servers} == {(False, "invalid")}
    assert intent.listeners == ()


def test_a_gateway_without_servers_stands_for_itself() -> None:
    empty = "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: gw}, spec: {}}"
    intent = intent_of(empty)
    assert [(each.reason, each.in_force) for each in intent.servers] == [("no_servers", False)]
    assert len(notes(intent, "gateway_without_servers")) == 1


def test_hosts_are_kept_with_the_namespace_they_are_for() -> None:
    hosts = ("./a.com", "shop/b.com", "*/c.com", "d.com")
    intent = intent_of(gateway("edge/gw", *hosts))
    assert server(intent, "edge/gw").hosts == (
        ("edge", "a.com"),
        ("shop", "b.com"),
        ("*", "c.com"),
        ("*", "d.com"),
    )
    assert server(intent_of(gateway("edge/gw", "a.com", "*/*")), "edge/gw").hosts == (("*", "*"),)


@pytest.mark.parametrize("mode", ["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL"])
def test_https_is_asked_of_a_table_of_its_own(mode: str) -> None:
    intent = intent_of(
        gateway("edge/gw", "a.com", "*.b.com", port=443, protocol="HTTPS", tls=f"{{mode: {mode}}}")
    )
    (chain,) = intent.listeners[0].chains
    assert chain.server_names == ("*.b.com", "a.com")
    assert chain.terminates_tls
    assert chain.table == table(intent).name == "https.443.https.gw.edge"
    assert server(intent, "edge/gw").tls_mode == mode


def test_https_for_all_hosts_takes_every_server_name() -> None:
    intent = intent_of(
        gateway("edge/gw", "a.com", "*", port=443, protocol="HTTPS", tls=_CERTIFICATE)
    )
    assert intent.listeners[0].chains[0].server_names == ()


_PASSTHROUGH = gateway("edge/gw", "*.a.com", port=443, protocol="TLS", tls="{mode: PASSTHROUGH}")


def test_tls_is_passed_on_by_server_name() -> None:
    rule = "tls: [{match: [{sniHosts: [x.a.com], port: 443}], route: [{destination: {host: x}}]}]"
    intent = intent_of(_PASSTHROUGH, virtual_service("shop/x", "x.a.com", http="", more=rule))
    (chain,) = intent.listeners[0].chains
    assert (chain.server_names, chain.table, chain.terminates_tls) == (("x.a.com",), None, False)
    assert chain.clusters == (("outbound|443||x.shop.svc.cluster.local", 1),)
    assert str(chain.origin) == "VirtualService shop/x"


def test_a_server_name_that_is_taken_is_not_passed_on_again() -> None:
    rule = "tls: [{match: [{sniHosts: [x.a.com]}], route: [{destination: {host: HOST}}]}]"
    first, second = (
        virtual_service(f"shop/{name}", "x.a.com", http="", more=rule.replace("HOST", name))
        for name in ("one", "two")
    )
    (chain,) = intent_of(_PASSTHROUGH, first, second).listeners[0].chains
    assert chain.clusters == (("outbound|443||one.shop.svc.cluster.local", 1),)


def test_a_server_that_passes_on_and_has_no_route_is_noted_as_open() -> None:
    intent = intent_of(_PASSTHROUGH)
    (note,) = notes(intent, "connections_without_route")
    assert note.certainty == "open"
    assert intent.listeners == ()


def test_tcp_goes_to_the_first_rule_that_fits() -> None:
    rules = (
        "tcp: [{match: [{port: 1}], route: [{destination: {host: a}}]},"
        " {route: [{destination: {host: b, port: {number: 9}}}]}]"
    )
    intent = intent_of(
        gateway("edge/gw", "*", port=31400, protocol="TCP"),
        virtual_service("shop/x", "*", http="", more=rules),
    )
    (chain,) = intent.listeners[0].chains
    assert chain.clusters == (("outbound|9||b.shop.svc.cluster.local", 1),)


def test_hosts_for_two_namespaces_are_two_chains_that_envoy_refuses() -> None:
    intent = intent_of(
        _https("edge/one", "./*", created=_OLD), _https("other/two", "./*", created=_NEW)
    )
    assert [each.reason for each in intent.servers] == [None, None]
    (note,) = notes(intent, "listener_refused")
    assert (str(note.object), note.certainty) == ("Gateway other/two", "open")
    choice = way(intent, "a.com", port=443, server_name="a.com").choice
    assert choice is not None
    assert choice.verdict == "may"


def test_labels_that_only_running_pods_have_are_not_missed() -> None:
    selector = "{istio: ingressgateway, istio.io/rev: stable}"
    found = server(
        intent_of(gateway("edge/gw", selector=selector), _DEPLOYMENT, pods=_POD), "edge/gw"
    )
    assert found.in_force is True
