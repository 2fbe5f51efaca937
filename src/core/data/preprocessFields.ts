import type { Place, SigmaQuantError } from "../errors.ts";
import { type JsonPath, type JsonText, parseJsonText } from "../hardware/jsonText.ts";
import { dataError } from "./errors.ts";

/** A real one has under 1 kB, with the names of 1,000 classes some 30 kB; the limit stops a wrong file early. */
const maxTextLength = 1_000_000;
/** Hyperspectral images have some hundred channels. */
const maxChannels = 4096;

/**
 * The fields of a `preprocess.json` (JSON with comments).
 * @throws SigmaQuantError SQ4020 (no JSON), SQ4021 (no object), with line and column
 */
export function readFields(text: string, file: string): PreprocessReader {
  const json = parseJsonText(text, maxTextLength);
  const [issue] = json.issues;
  if (issue) {
    const place = { file, line: issue.range.line, column: issue.range.column };
    throw dataError("preprocess-syntax", issue.message, issue.remedy, place);
  }
  const { value } = json;
  if (isRecord(value)) return new PreprocessReader(json, file, value);
  const remedy = 'Write e.g. { "scale": 0.00392, "mean": [0.5], "std": [0.25] }.';
  throw new PreprocessReader(json, file, {}).bad([], "preprocess.json must be an object", remedy);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads fields of one text; its errors (SQ4021) know their line and column. */
export class PreprocessReader {
  readonly record: Readonly<Record<string, unknown>>;
  private readonly json: JsonText;
  private readonly file: string;

  constructor(json: JsonText, file: string, record: Readonly<Record<string, unknown>>) {
    this.json = json;
    this.file = file;
    this.record = record;
  }

  bad(path: JsonPath, message: string, remedy: string, part: "key" | "value" = "value"): SigmaQuantError {
    const range = this.json.locate(path, part);
    const place: Place = {
      file: this.file,
      ...(range && { line: range.line, column: range.column }),
      ...(path.length > 0 && { item: path.join(".") }),
    };
    return dataError("preprocess-field", message, remedy, place);
  }

  /** A number within limits; undefined where it is not given. @param allowed as messages say it */
  number(key: string, allows: (value: number) => boolean, allowed: string, remedy: string): number | undefined {
    const value = this.record[key];
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isFinite(value) && allows(value)) return value;
    throw this.bad([key], `${key} must be ${allowed}`, remedy);
  }

  perChannel(key: string): readonly number[] | undefined {
    const value = this.record[key];
    if (value === undefined) return undefined;
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length === 0 || list.length > maxChannels) {
      const message = `${key} must have 1 to ${maxChannels} numbers, not ${list.length}`;
      throw this.bad([key], message, "Give one number per channel, or one for all.");
    }
    return list.map((entry, index) => {
      if (typeof entry === "number" && Number.isFinite(entry)) return entry;
      const path = Array.isArray(value) ? [key, index] : [key];
      throw this.bad(
        path,
        `${key} must be a number, or a list of them`,
        "Give one number per channel, or one for all.",
      );
    });
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.record[key];
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    const list = choices.map((text) => JSON.stringify(text)).join(", ");
    throw this.bad([key], `${key} must be one of ${list}`, "Choose one of them.");
  }
}
