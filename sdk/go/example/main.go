// SPDX-License-Identifier: Apache-2.0

// One address for the newest Ready Pod of a Deployment in a cluster that is there, as a Go program says it.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	ips "pulumi-gke-persistent-ip/sdk/go/gkepersistentip"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		edge, err := ips.NewPersistentPodIps(ctx, "edge", &ips.PersistentPodIpsArgs{
			Region: "europe-west3",
			Cluster: ips.ClusterArgs{
				Existing: &ips.ExistingClusterArgs{Name: pulumi.String("prod"), Location: pulumi.String("europe-west3")},
			},
			Networks: map[string]ips.NetworkArgs{
				"blue-network": {
					ExistingNetwork:    pulumi.String("blue"),
					ExistingSubnetwork: pulumi.String("blue"),
					ExistingPodRange:   pulumi.StringRef("pods"),
				},
			},
			Addresses: map[string]ips.AddressArgs{"web": {}},
			Routes: map[string]ips.RouteArgs{
				"web": {
					Addresses:   []string{"web"},
					PodSelector: &ips.LabelSelectorArgs{MatchLabels: map[string]string{"app": "web"}},
				},
			},
		})
		if err != nil {
			return err
		}
		ctx.Export("addresses", edge.Addresses)
		return nil
	})
}
