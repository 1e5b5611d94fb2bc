// SPDX-License-Identifier: Apache-2.0
// The plugin's program: prints its port and serves until the engine ends it. Started by the CLI through plugin/ or bin/.
import * as pulumi from "@pulumi/pulumi";
import { PersistentIpProvider } from "./provider";

void pulumi.provider.main(new PersistentIpProvider(), process.argv.slice(2));
