// SPDX-License-Identifier: Apache-2.0
// A bounded record of exchanges: the oldest go in blocks once there are too many.
import type { Exchange } from "./types";

const KEPT = 20_000;

export class ExchangeLog {
  readonly entries: Exchange[] = [];

  add(exchange: Exchange): void {
    this.entries.push(exchange);
    if (this.entries.length > KEPT * 1.1) this.entries.splice(0, this.entries.length - KEPT);
  }
}
