interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): string;
  };
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;

/** The URL as pages with Trusted Types want it; they allow the policy `kinglet` in their header. */
export function trusted(url: URL | string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (!trustedTypes) return String(url);
  policy ??= trustedTypes.createPolicy('kinglet', { createScriptURL: (text) => text });
  return policy.createScriptURL(String(url));
}
