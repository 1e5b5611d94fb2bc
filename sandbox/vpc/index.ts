// SPDX-License-Identifier: Apache-2.0
// The door of this room: Google Cloud's network as namespaces of this machine. Needs root, or a user namespace.
export { CLIENT, Fabric, type Switch, type VmNic } from "./fabric";
export { forwardedTo, type Nic } from "./forwarding";
export { Namespace, NetworkError, runCommand, wire } from "./namespace";
export { scriptText, writeScript } from "./script";
export { egressFlags, METADATA_IP, openDoorway, SERVICE_ADDRESSES, startServices, type Doorway, type Services } from "./services";
export { gatewayOf, inRange } from "./subnet";
export { CLIENT_PORT, startTraffic, type Gap, type Interval, type Reply, type Traffic } from "./traffic";
