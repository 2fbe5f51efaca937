import { type TensorProto, TensorProto_DataLocation } from "onnx-buf";
import { SigmaQuantError } from "../errors.ts";
import type { ByteSource, OpenExternal } from "../ports.ts";
import { limitError, modelError } from "./errors.ts";
import { maxExternalFiles, maxLocationBytes } from "./limits.ts";

/** Where a tensor's data are, by its external_data entries. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  /** Undefined when the entry is left out: as many bytes as the dimensions need. */
  readonly length: number | undefined;
}

export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/**
 * Reads and checks a tensor's external_data entries.
 * @throws SQ2010 for a location outside the model's folder, SQ2013 for entries that are missing or no numbers
 */
export function externalPlace(tensor: TensorProto, file?: string): ExternalPlace {
  const place = { ...(file !== undefined && { file }), item: tensor.name };
  const entry = (key: string) => tensor.externalData.findLast((e) => e.key === key)?.value;
  const location = entry("location");
  if (location === undefined)
    throw modelError("badExternalEntry", "The tensor's external data have no location", place);
  const problem = locationProblem(location);
  if (problem) {
    const shown = JSON.stringify(location.length > 200 ? `${location.slice(0, 200)}...` : location);
    throw modelError("unsafeLocation", `The tensor's data are said to be in ${shown}, which ${problem}`, place);
  }
  const number = (key: string): number | undefined => {
    const text = entry(key);
    if (text === undefined || text === "") return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
      const shown = JSON.stringify(text.slice(0, 40));
      throw modelError("badExternalEntry", `The ${key} of the tensor's external data is no number: ${shown}`, place);
    }
    return value;
  };
  return { location, offset: number("offset") ?? 0, length: number("length") };
}

/**
 * Why a location may not be opened, or undefined. Both kinds of slash count on every platform, so that a file judged on
 * one is as safe on another. Links are for the adapter to refuse.
 */
export function locationProblem(location: string): string | undefined {
  if (location === "") return "is empty";
  if (location.length > maxLocationBytes) return `is longer than ${maxLocationBytes} characters`;
  for (let i = 0; i < location.length; i++) if (location.charCodeAt(i) < 0x20) return "contains a control character";
  if (/^[\\/]/.test(location)) return "is an absolute path";
  if (/^[A-Za-z]:/.test(location)) return "has a drive letter";
  if (/^[A-Za-z][A-Za-z0-9+.-]*:[\\/]{2}/.test(location)) return "is a URL";
  const parts = location.split(/[\\/]/);
  if (parts.includes("..")) return "leaves the model's folder";
  // Windows opens these whatever the folder and the extension; reading CON waits for the keyboard.
  if (parts.some((part) => /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(part))) return "is a device on Windows";
  return undefined;
}

/** Opens each external file once. */
export class ExternalFiles {
  private readonly open: OpenExternal | undefined;
  private readonly sources = new Map<string, Promise<ByteSource>>();

  constructor(open?: OpenExternal) {
    this.open = open;
  }

  async source(location: string, tensor: string): Promise<ByteSource> {
    if (!this.open) {
      const message = `The tensor's data are in the file ${location}, which cannot be read from here`;
      throw modelError("externalMissing", message, { item: tensor });
    }
    let source = this.sources.get(location);
    if (source === undefined) {
      if (this.sources.size >= maxExternalFiles)
        throw limitError("external-data files", maxExternalFiles, { item: tensor });
      source = this.open(location);
      this.sources.set(location, source);
    }
    try {
      return await source;
    } catch (cause) {
      // Asked again next time: the user may have put the file there by then.
      this.sources.delete(location);
      if (cause instanceof SigmaQuantError) throw cause;
      const message = `The file ${location} with the tensor's data cannot be opened`;
      throw modelError("externalMissing", message, { item: tensor }, { cause });
    }
  }
}
