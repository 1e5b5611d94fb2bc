// SPDX-License-Identifier: Apache-2.0
// The suite that holds the simulator's cloud to the emulator, run against the emulator.
import { compute_v1 } from "@googleapis/compute/build/v1";
import { cloudBehaviour, type CloudUnderTest } from "../simulator/behaviour-cloud";
import { REGION, startWorld, ZONE, type World } from "../compute/world";

describe("The Compute emulator, as the simulator takes Google to be", function () {
  this.timeout(20_000);
  let world: World;
  let cloud: CloudUnderTest;
  before(async () => {
    world = await startWorld({ operationLatencyMs: 80 });
    const { emulator } = world;
    cloud = {
      api: new compute_v1.Compute({ rootUrl: emulator.url }),
      project: emulator.project,
      region: REGION,
      zone: ZONE,
      reserve: (name, address) => world.reserve(name, address),
      putInstance: (name) => void emulator.putInstance({ name, zone: ZONE }),
    };
  });
  after(() => world.close());
  cloudBehaviour(() => cloud);
});
