import { SigmaQuantError } from "./errors.ts";

/** An error as it crosses the border of a process or a machine. */
export interface WireError {
  readonly message: string;
  readonly code?: `SQ${number}`;
  readonly slug?: string;
  readonly remedy?: string;
  readonly place?: object;
  readonly aborted?: boolean;
}

export function toWire(error: unknown): WireError {
  if (error instanceof SigmaQuantError) {
    const { message, code, slug, remedy, place } = error;
    return { message, code, slug, remedy, place };
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function fromWire({ message, code, slug, remedy, place }: WireError): SigmaQuantError {
  if (code === undefined) {
    return new SigmaQuantError("SQ9000", "internal", message, { remedy: "Report this as a bug, with the log" });
  }
  return new SigmaQuantError(code, slug ?? "", message, { remedy: remedy ?? "", place: { ...place } });
}
