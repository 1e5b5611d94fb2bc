// Persistent IP addresses for Pods on GKE: Pulumi components and the controller they deploy
package gkepersistentip
