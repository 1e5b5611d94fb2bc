#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The plugin by the name under which the Pulumi CLI looks for it on PATH: "npm install --global pulumi-gke-persistent-ip" is all that another language needs.
"use strict";
require("../dist/provider");
