// SPDX-License-Identifier: Apache-2.0
// Starts the provider of the package beside it.
"use strict";
const path = require("node:path");
require(path.join(path.dirname(require.resolve("pulumi-gke-persistent-ip/package.json")), "dist", "provider"));
