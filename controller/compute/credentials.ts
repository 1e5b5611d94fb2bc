// SPDX-License-Identifier: Apache-2.0
// Tokens are fetched here and not inside the client library: the library would fetch one, or quietly repeat a refused request with a new
// one, after the fence was checked. A write must leave within microseconds of its check (DESIGN 5).
import { GoogleAuth } from "google-auth-library";
import { ComputeError } from "./errors";

export interface Credentials {
  /** Headers that authorize one request to `url`. Throws ComputeError `PermissionDenied` (no credentials) or `Unavailable` (token server). */
  headers(url: string): Promise<Record<string, string>>;
  /** Forgets the token after a 401. */
  forget(): void;
}

const NONE: Credentials = { headers: () => Promise.resolve({}), forget: () => undefined };
const SCOPE = "https://www.googleapis.com/auth/compute";

function refused(cause: unknown): ComputeError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const missing = /could not load the default credentials/i.test(text);
  return new ComputeError({
    code: missing ? "PermissionDenied" : "Unavailable",
    method: "auth.token",
    cause,
    message: missing
      ? "no Google credentials found: bind the controller's Kubernetes service account to a Google one (Workload Identity), or set auth to none for a sandbox"
      : `no access token from Google: ${text}`,
  });
}

/** Application default credentials (Workload Identity, metadata server, impersonation), or none for a sandbox. */
export function createCredentials(kind: "adc" | "none"): Credentials {
  if (kind === "none") return NONE;
  let auth = new GoogleAuth({ scopes: [SCOPE] });
  return {
    async headers(url) {
      try {
        return Object.fromEntries((await auth.getRequestHeaders(url)).entries());
      } catch (error) {
        throw refused(error);
      }
    },
    forget() {
      auth = new GoogleAuth({ scopes: [SCOPE] });
    },
  };
}
