// SPDX-License-Identifier: Apache-2.0
// The models of the simulator do what tests/models shows the real parts to do.
import { apiBehaviour } from "./behaviour-api";
import { cloudBehaviour, type CloudUnderTest } from "./behaviour-cloud";
import { directClient, directCompute } from "./direct";
import { ApiModel } from "./models/api";
import { CloudModel } from "./models/cloud";

describe("The API server in memory", () => {
  const model = new ApiModel(() => Date.now());
  const client = directClient(model);
  apiBehaviour(() => ({ client, namespace: "default", compact: () => model.store.compact() }));
});

describe("The cloud in memory", () => {
  const place = { project: "demo", region: "us-central1", zone: "us-central1-a" };
  const model = new CloudModel({
    ...place,
    zones: [place.zone],
    now: () => Date.now(),
    later: (ms, fn) => void setTimeout(fn, ms),
    fate: () => ({ ms: 10, fails: false }),
  });
  const cloud: CloudUnderTest = {
    ...place,
    api: directCompute(model),
    reserve: async (name, address) => {
      await Promise.resolve();
      model.reserve(name, address);
    },
    putInstance: (name) => model.putInstance(place.zone, name, ["default"]),
  };
  cloudBehaviour(() => cloud);
});
