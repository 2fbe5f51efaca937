/** Codes of answers that say that nobody waits for them any more: no errors that a person is meant to read. */
const codes: ReadonlySet<unknown> = new Set([
  // LSP's RequestCancelled and ServerCancelled.
  -32800, -32802,
  // JSON-RPC's PendingResponseRejected: the connection was closed, as at the end of the session.
  -32097,
]);

/** Tells whether a request failed because it was cancelled. */
export function isCancelledResponse(error: unknown): boolean {
  return codes.has((error as { readonly code?: unknown } | null | undefined)?.code);
}
