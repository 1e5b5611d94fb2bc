# SPDX-License-Identifier: Apache-2.0
"""Two Pods of a cluster that is there, known by one address each, from a Python program. README.md has the picture."""
import pulumi
import pulumi_gke_persistent_ip as ips

config = pulumi.Config()
NAMESPACE = "mail"
NETWORK = "blue-network"


def route(name: str) -> ips.RouteArgs:
    """The newest Ready Pod of this application holds the address of its name."""
    return ips.RouteArgs(
        namespace=NAMESPACE,
        addresses=[name],
        pod_selector=ips.LabelSelectorArgs(match_labels={"app": name}),
    )


edge = ips.PersistentPodIps(
    "mail",
    region=config.require("region"),
    on_destroy=ips.OnDestroy(config.require("onDestroy")),
    cluster=ips.ClusterArgs(
        existing=ips.ExistingClusterArgs(name=config.require("cluster"), location=config.require("location")),
    ),
    networks={NETWORK: ips.NetworkArgs(existing_object=True)},
    addresses={name: ips.AddressArgs() for name in ("smtp", "imap")},
    namespaces={NAMESPACE: ips.NamespaceArgs()},
    routes={name: route(name) for name in ("smtp", "imap")},
)

pulumi.export("addresses", edge.addresses)
pulumi.export("routes", edge.route_names)
