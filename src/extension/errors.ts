import * as vscode from "vscode";
import { sentences } from "../core/errors.ts";
import { isCancelledResponse } from "../protocol/cancelled.ts";
import type { Log } from "./log.ts";

/** What the server tells of an error that a person is meant to read. */
interface ServerError {
  readonly code: string;
  readonly slug: string;
  readonly message: string;
  readonly remedy: string;
}

/** True when the person cancelled: nothing is to be said then. */
export function isCancelled(error: unknown): boolean {
  return error instanceof vscode.CancellationError || isCancelledResponse(error);
}

/** One sentence of what is wrong, one of what to do, and the code last. */
export function describeError(error: unknown): string {
  const data = (error as { data?: Partial<ServerError> }).data;
  if (data?.code && data.message) return `${sentences(data.message, data.remedy ?? "")} ${data.code} ${data.slug}`;
  return error instanceof Error ? error.message : String(error);
}

/** Shows an error with a way to the log, and logs all of it. */
export async function showError(error: unknown, log: Log): Promise<void> {
  if (isCancelled(error)) return;
  log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const showLog = vscode.l10n.t("Show Log");
  if ((await vscode.window.showErrorMessage(describeError(error), showLog)) === showLog) log.show();
}
