//go:build tools

// Package tools keeps modules in go.mod that the sandbox reads as data: their CRD manifests.
package tools

import (
	_ "github.com/GoogleCloudPlatform/gke-networking-api/apis/network/v1"
	_ "sigs.k8s.io/gateway-api/apis/v1"
)
